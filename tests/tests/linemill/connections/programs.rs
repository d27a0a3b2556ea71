//! Clients that others wrote. Each is installed where that may be done, or the test says that it
//! was skipped and why.

use std::path::PathBuf;
use std::process::Command;

use linemill_tests::tls::Authority;
use linemill_tests::{Folder, Host, Program, available, eventually, skip};

/// The path of a program, or `None` after saying so.
fn program(name: &str, package: &str) -> Option<PathBuf> {
    available(name, package)
        .inspect_err(|why| skip(&format!("the client {name}"), why))
        .ok()
}

/// A line there and back, then the end of input: a client that waits for the rest and leaves.
#[track_caller]
fn converse(mut client: Program) {
    client.send(b"Hello\n");
    client.expect(b"Uryyb\n");
    client.send(b"rest");
    client.finish();
    client.expect(b"Uryyb\nerfg");
    assert!(client.wait().success(), "{}", client.said());
}

/// A host that serves TLS, with the authority that vouches for it in `ca.crt`.
fn tls_host() -> Host {
    let authority = Authority::new();
    let folder = Folder::new();
    authority.write(&folder, "ca.crt");
    authority.server().write(&folder, "server");
    let tls = "tls = { cert = \"server.crt\", key = \"server.key\" }";
    Host::serve_in(folder, Host::config(tls, ""))
}

fn ca(host: &Host) -> String {
    host.folder().path().join("ca.crt").display().to_string()
}

/// `printf 'Hello\n' | nc ADDRESS PORT`, with whichever netcat there is.
#[test]
fn netcat() {
    let Some(path) = program("nc", "netcat-openbsd") else {
        return;
    };
    let host = Host::with("");
    let address = host.address();
    let (ip, port) = (address.ip().to_string(), address.port().to_string());
    let mut client = Program::run(path, &[&ip, &port]);
    client.send(b"Hello\n");
    // Some netcats stay after the end of input until the other side closes: read what is owed.
    client.finish();
    client.expect(b"Uryyb\n");
}

#[test]
fn ncat() {
    let Some(path) = program("ncat", "ncat") else {
        return;
    };
    let host = Host::with("");
    let address = host.address();
    let (ip, port) = (address.ip().to_string(), address.port().to_string());
    converse(Program::run(path, &[&ip, &port]));
    host.expect_no_connections();
}

#[test]
fn ncat_over_tls() {
    let Some(path) = program("ncat", "ncat") else {
        return;
    };
    let host = tls_host();
    let port = host.address().port().to_string();
    let args = [
        "--ssl-verify",
        "--ssl-trustfile",
        &ca(&host),
        "localhost",
        &port,
    ];
    let mut client = Program::run(path, &args);
    client.send(b"Hello\n");
    client.expect(b"Uryyb\n");
    drop(client);
    host.expect_no_connections();
}

#[test]
fn socat() {
    let Some(path) = program("socat", "socat") else {
        return;
    };
    let host = Host::with("");
    let to = format!("TCP:{}", host.address());
    converse(Program::run(path, &["-t", "10", "-", &to]));
    host.expect_no_connections();
}

#[test]
fn socat_over_tls() {
    let Some(path) = program("socat", "socat") else {
        return;
    };
    let host = tls_host();
    let port = host.address().port();
    let to = format!("OPENSSL:localhost:{port},cafile={}", ca(&host));
    let mut client = Program::run(path, &["-t", "10", "-", &to]);
    client.send(b"Hello\n");
    client.expect(b"Uryyb\n");
    client.send(b"again\n");
    client.expect(b"Uryyb\nntnva\n");
    drop(client);
    host.expect_no_connections();
}

#[test]
#[cfg(unix)]
fn socat_over_a_unix_socket() {
    let Some(path) = program("socat", "socat") else {
        return;
    };
    let folder = Folder::new();
    let socket = folder.path().join("socket").display().to_string();
    let bind = format!("unix:{socket}");
    let host = Host::serve(Host::config("", "").replacen(
        "bind = \"127.0.0.1:0\"",
        &format!("bind = \"{bind}\""),
        1,
    ));
    host.announced(0);
    let to = format!("UNIX-CONNECT:{socket}");
    converse(Program::run(path, &["-t", "10", "-", &to]));
    host.expect_no_connections();
}

/// socat as the server behind a host.
#[test]
#[cfg(unix)]
fn socat_as_the_next_hop() {
    let Some(path) = program("socat", "socat") else {
        return;
    };
    let folder = Folder::new();
    let socket = folder.path().join("socket").display().to_string();
    let listen = format!("UNIX-LISTEN:{socket}");
    let mut server = Program::run(path, &["-t", "10", &listen, "EXEC:cat"]);
    let host = Host::with(&format!(
        "to = \"unix:{socket}\"\nreply_chain = [\"rot13\"]"
    ));
    let input = b"there and back\n".repeat(10_000);
    assert!(host.connect().exchange(&input) == input);
    host.expect_no_connections();
    assert!(server.wait().success(), "{}", server.said());
}

#[track_caller]
fn openssl(version: &str) {
    let Some(path) = program("openssl", "openssl") else {
        return;
    };
    let host = tls_host();
    let to = format!("localhost:{}", host.address().port());
    let args = [
        "s_client",
        "-quiet",
        "-no_ign_eof",
        "-verify_return_error",
        version,
        "-CAfile",
        &ca(&host),
        "-connect",
        &to,
    ];
    let mut client = Program::run(path, &args);
    client.send(b"Hello\n");
    client.expect(b"Uryyb\n");
    client.send(b"again\n");
    client.expect(b"Uryyb\nntnva\n");
    assert!(client.wait().success(), "{}", client.said());
    host.expect_no_connections();
}

#[test]
fn openssl_s_client_by_tls_1_3() {
    openssl("-tls1_3");
}

#[test]
fn openssl_s_client_by_tls_1_2() {
    openssl("-tls1_2");
}

/// A host that takes syslog by RFC 6587 and writes lines to standard output.
fn syslog_host() -> Host {
    Host::with("chain = []\nframing = \"octet\"\nto_framing = \"lf\"\nto = \"stdout\"")
}

/// The texts of the syslog lines that came, once there are so many.
#[track_caller]
fn texts(host: &Host, count: usize, start: &str) -> Vec<String> {
    let got = eventually(&format!("{count} lines with {start:?}"), || {
        let text = String::from_utf8_lossy(&host.stdout(0)).into_owned();
        let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
        let lines: Vec<String> = whole
            .lines()
            .filter_map(|line| Some(line[line.find(start)?..].to_owned()))
            .collect();
        (lines.len() >= count).then_some(lines)
    });
    assert_eq!(got.len(), count);
    got
}

#[test]
fn logger_with_octets_counted() {
    let Some(path) = program("logger", "bsdutils") else {
        return;
    };
    let host = syslog_host();
    let port = host.address().port().to_string();
    let args = [
        "--tcp",
        "--octet-count",
        "--server",
        "127.0.0.1",
        "--port",
        &port,
    ];
    let mut logger = Program::start(
        Command::new(path)
            .args(args)
            .args(["--tag", "linemill-test"]),
    );
    for number in 0..100 {
        logger.send(format!("line {number} of logger\n").as_bytes());
    }
    assert!(logger.wait().success(), "{}", logger.said());
    let expected: Vec<String> = (0..100)
        .map(|number| format!("line {number} of logger"))
        .collect();
    assert_eq!(texts(&host, 100, "line "), expected);
    let first = host.stdout(1);
    assert!(first.starts_with(b"<13>1 "), "{}", first.escape_ascii());
    host.expect_no_connections();
}

/// With the template that rsyslog has for forwarding.
#[test]
#[cfg(unix)]
fn rsyslog_forwards() {
    rsyslog("");
}

/// With the template of RFC 5424, which puts an LF at the end of what is counted.
#[test]
#[cfg(unix)]
fn rsyslog_forwards_by_rfc_5424() {
    rsyslog(" template=\"RSYSLOG_SyslogProtocol23Format\"");
}

#[track_caller]
#[cfg(unix)]
fn rsyslog(template: &str) {
    use std::os::unix::net::UnixDatagram;

    let Some(path) = program("rsyslogd", "rsyslog") else {
        return;
    };
    let host = syslog_host();
    let folder = Folder::new();
    let here = folder.path().display().to_string();
    folder.write(
        "rsyslog.conf",
        format!(
            "global(workDirectory=\"{here}\")\n\
             module(load=\"imuxsock\" SysSock.Use=\"off\")\n\
             input(type=\"imuxsock\" Socket=\"{here}/log\" RateLimit.Interval=\"0\")\n\
             action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{}\" protocol=\"tcp\"\n\
             TCP_Framing=\"octet-counted\"{template})\n",
            host.address().port()
        ),
    );
    let (config, pid) = (format!("{here}/rsyslog.conf"), format!("{here}/pid"));
    let mut daemon = Program::run(path, &["-n", "-f", &config, "-i", &pid]);
    let log = UnixDatagram::unbound().expect("a socket");
    eventually("rsyslogd listens", || {
        log.connect(format!("{here}/log")).ok()
    });
    for number in 0..500 {
        log.send(format!("<14>test: line {number} of rsyslog").as_bytes())
            .expect("rsyslogd takes it");
    }
    let expected: Vec<String> = (0..500)
        .map(|number| format!("line {number} of rsyslog"))
        .collect();
    assert_eq!(texts(&host, 500, "line "), expected);
    assert!(daemon.terminate().success(), "{}", daemon.said());
    host.expect_no_connections();
}
