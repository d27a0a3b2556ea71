//! haproxy, which sends its own log through a `ring` in counted octets.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use linemill_tests::{Client, Folder, Program, available, eventually, skip};

use super::syslog::{collecting, texts};

/// Requests, each of which makes a line.
const LINES: usize = 200;

#[test]
fn every_line_of_its_log_comes() {
    let path = match available("haproxy", "haproxy") {
        Ok(path) => path,
        Err(why) => return skip("the ring of haproxy", &why),
    };
    let host = collecting("octet");
    // Nobody else listens there, so the port stays free until haproxy takes it.
    let free = TcpListener::bind((Ipv4Addr::new(127, 0, 40, 3), 0)).expect("a port");
    let front: SocketAddr = free.local_addr().expect("its address");
    drop(free);
    let folder = Folder::new();
    let config = folder.write(
        "haproxy.cfg",
        format!(
            "global\n  log ring@out format rfc5424 local7\n\
             ring out\n  format rfc5424\n  maxlen 1024\n  size 262144\n  timeout connect 5s\n  \
             timeout server 10s\n  server host {} log-proto octet-count\n\
             defaults\n  mode http\n  log global\n  timeout connect 5s\n  timeout client 30s\n  timeout server 30s\n\
             frontend front\n  bind {front}\n  log-format \"request %{{+Q}}HU\"\n  http-request return status 204\n",
            host.address()
        ),
    );
    let config = config.display().to_string();
    let mut haproxy = Program::run(path, &["-db", "-f", &config]);
    let mut client = eventually("haproxy listens", || Client::try_connect(front).ok());
    for number in 0..LINES {
        client.send(format!("GET /{number} HTTP/1.1\r\nHost: here\r\n\r\n").as_bytes());
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.extend(client.take(1));
        }
        assert!(head.starts_with(b"HTTP/1.1 204"), "{}", head.escape_ascii());
    }
    let expected: Vec<_> = (0..LINES)
        .map(|number| format!("request \"/{number}\""))
        .collect();
    assert_eq!(texts(&host, LINES, "request "), expected);
    haproxy.terminate();
    host.expect_no_connections();
    let counted = host.metric("linemill_lines_dropped_total", &[]);
    assert_eq!(counted.to_string(), "0");
}
