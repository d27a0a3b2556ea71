//! Clients behind proxies: the PROXY protocol, by hand and as haproxy sends it.

use std::time::Duration;

use linemill_tests::tls::Authority;
use linemill_tests::{Client, Folder, Host};

const REFUSED: &str = "linemill_connections_refused_total";
const ACCEPT: &str = "proxy_protocol = \"accept\"\ntrust = [\"127.0.0.0/8\"]\n";

/// The header of a client at 192.0.2.1:4660, in version 1.
const TEXT: &[u8] = b"PROXY TCP4 192.0.2.1 192.0.2.2 4660 514\r\n";
/// The same, in version 2.
const BINARY: &[u8] =
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\x12\x34\x02\x02";
/// The proxy speaks for itself.
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

fn host(keys: &str) -> Host {
    Host::with(&format!("{ACCEPT}{keys}"))
}

#[test]
fn a_header_is_not_a_line() {
    let host = host("");
    for header in [TEXT, BINARY, LOCAL, b"PROXY UNKNOWN\r\n"] {
        let sent = [header, b"Hello\nrest"].concat();
        let mut client = host.connect();
        assert_eq!(client.exchange(&sent), b"Uryyb\nerfg");
    }
    host.wait_metric("linemill_lines_in_total", &[], 8.0);
    // In pieces.
    let mut client = host.connect();
    for byte in [TEXT, b"Hello\n"].concat() {
        client.send(&[byte]);
    }
    client.expect(b"Uryyb\n");
}

#[test]
fn the_address_in_the_header_is_the_clients() {
    let host = host("allow = [\"192.0.2.0/24\", \"::1\"]\nmax_per_address = 1");
    let mut first = host.connect();
    first.send(&[TEXT, b"Hello\n"].concat());
    first.expect(b"Uryyb\n");
    // The same client, then another one.
    let mut second = host.connect();
    second.send(BINARY);
    assert!(second.closes_within(Duration::from_secs(1)));
    host.wait_metric(REFUSED, &[("reason", "max_per_address")], 1.0);
    let mut other = host.connect();
    other.send(b"PROXY TCP6 ::1 ::2 4660 514\r\nHello\n");
    other.expect(b"Uryyb\n");
    // The proxy itself is not among the networks.
    for header in [LOCAL, b"PROXY TCP4 198.51.100.7 192.0.2.2 4660 514\r\n"] {
        let mut refused = host.connect();
        refused.send(header);
        assert!(refused.closes_within(Duration::from_secs(1)));
    }
    host.wait_metric(REFUSED, &[("reason", "not_allowed")], 2.0);
    host.expect_stderr("peer=192.0.2.1:4660");
}

#[test]
fn only_trusted_peers_are_believed() {
    let host = Host::with("proxy_protocol = \"accept\"\ntrust = [\"192.0.2.0/24\"]");
    let mut client = host.connect();
    client.offer(&[TEXT, b"Hello\n"].concat(), Duration::from_secs(1));
    client.expect_refusal();
    host.wait_metric(REFUSED, &[("reason", "not_trusted")], 1.0);
    host.expect_stderr("the peer is not in `trust`");
    assert_eq!(host.metric("linemill_lines_in_total", &[]).to_string(), "0");
}

#[test]
fn without_a_header_there_is_no_connection() {
    let host = host("handshake_timeout = \"1s\"");
    let mut client = host.connect();
    client.send(b"Hello\n");
    client.expect_refusal();
    let mut late = host.connect();
    late.send(b"PROXY TCP4");
    late.expect_refusal();
    host.wait_metric(REFUSED, &[("reason", "proxy_header")], 2.0);
    host.expect_stderr("not a PROXY protocol header: \"Hello\\n\"");
    // A health check of a proxy.
    host.connect().cut();
    host.wait_metric(REFUSED, &[("reason", "no_proxy_header")], 1.0);
    assert_eq!(host.metric("linemill_lines_in_total", &[]).to_string(), "0");
    host.expect_no_connections();
}

#[test]
fn a_header_precedes_tls() {
    let authority = Authority::new();
    let folder = Folder::new();
    authority.server().write(&folder, "server");
    let tls = "tls = { cert = \"server.crt\", key = \"server.key\" }";
    let host = Host::serve_in(folder, Host::config(&format!("{ACCEPT}{tls}"), ""));
    let config = authority.trusting_client(None);
    for header in [TEXT, BINARY] {
        let mut client = host.connect();
        client.send(header);
        let mut client = client.start_tls(&config).expect("a handshake");
        assert_eq!(client.exchange(b"Hello\n"), b"Uryyb\n");
    }
    // Without the header.
    Client::connect_tls(host.address(), &config).expect_err("refused");
    host.wait_metric(REFUSED, &[("reason", "proxy_header")], 1.0);
}

#[test]
#[cfg(unix)]
fn a_proxy_may_come_by_a_unix_socket() {
    let folder = Folder::new();
    let path = folder.path().join("socket");
    let bind = format!("bind = \"unix:{}\"", path.display());
    let keys = "proxy_protocol = \"accept\"\ndeny = [\"192.0.2.1\"]";
    let config = Host::config(keys, "").replacen("bind = \"127.0.0.1:0\"", &bind, 1);
    let host = Host::serve(config);
    let mut refused = host.connect_unix(&path);
    refused.send(TEXT);
    assert!(refused.closes_within(Duration::from_secs(1)));
    let mut client = host.connect_unix(&path);
    let header = b"PROXY TCP4 192.0.2.9 192.0.2.2 4660 514\r\nHello\n";
    assert_eq!(client.exchange(header), b"Uryyb\n");
}

#[cfg(target_os = "linux")]
mod haproxy {
    use std::net::{Ipv4Addr, SocketAddr, TcpListener};
    use std::time::Duration;

    use linemill_tests::{Client, Folder, Program, available, eventually, skip};

    /// haproxy in front of the host, with `option` for its server, at `address`: one where nobody else
    /// listens, so the port stays free until haproxy takes it.
    #[track_caller]
    fn in_front(option: &str, address: Ipv4Addr) {
        let path = match available("haproxy", "haproxy") {
            Ok(path) => path,
            Err(why) => return skip(&format!("haproxy with {option}"), &why),
        };
        let host = super::host("deny = [\"127.0.0.5\"]");
        let free = TcpListener::bind((address, 0)).expect("a port");
        let front: SocketAddr = free.local_addr().expect("its address");
        drop(free);
        let folder = Folder::new();
        let config = folder.write(
            "haproxy.cfg",
            format!(
                "defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 30s\n  timeout server 30s\n\
                 listen front\n  bind {front}\n  server host {} {option} check inter 100ms\n",
                host.address()
            ),
        );
        let config = config.display().to_string();
        let _proxy = Program::run(path, &["-db", "-f", &config]);
        let from = |last| Client::connect_from(Ipv4Addr::new(127, 0, 0, last).into(), front);
        eventually("haproxy listens", || Client::try_connect(front).ok());
        let mut client = from(6);
        assert_eq!(client.exchange(b"Hello\nrest"), b"Uryyb\nerfg");
        let mut denied = from(5);
        denied.offer(b"Hello\n", Duration::from_secs(1));
        denied.expect_refusal();
        host.expect_stderr("peer=127.0.0.5");
        host.expect_stderr("the client is in `deny`");
        // Neither its checks nor its headers are taken for anything else.
        let reason = [("reason", "proxy_header")];
        assert_eq!(host.metric(super::REFUSED, &reason).to_string(), "0");
        assert_eq!(host.metric("linemill_lines_in_total", &[]).to_string(), "2");
    }

    #[test]
    fn by_version_1() {
        in_front("send-proxy", Ipv4Addr::new(127, 0, 40, 1));
    }

    #[test]
    fn by_version_2() {
        in_front("send-proxy-v2", Ipv4Addr::new(127, 0, 40, 2));
    }
}
