//! Access to the admin address: tokens, Unix sockets, web pages, limits on clients.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use linemill_tests::{Folder, Host, command, request, run};

#[test]
fn a_web_page_cannot_reload() {
    let host = Host::with("");
    let mut stream = TcpStream::connect(host.admin()).expect("the admin address");
    let request = "POST /reload HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    assert_eq!(host.metric("linemill_reloads_total", &[]), 0.0);
}

#[test]
#[cfg(unix)]
fn the_admin_address_may_be_a_unix_socket() {
    let folder = Folder::new();
    let config = Host::config("", "").replacen("127.0.0.1:0\"\n\n[[", "unix:admin.sock\"\n\n[[", 1);
    let host = Host::serve_in(folder, config);
    let path = host.folder().path();
    host.announced(0);
    run(path, ["status", "--admin", "unix:admin.sock"], b"")
        .success()
        .stdout_has(&["generation 1"]);
    run(path, ["reload", "--config", "linemill.toml"], b"")
        .success()
        .stdout_has(&["unchanged"]);
}

#[test]
fn a_configured_token_is_required() {
    let config = Host::config("", "").replacen(
        "admin = \"127.0.0.1:0\"",
        "admin = \"0.0.0.0:0\"\nadmin_token = \"0123456789abcdef\"",
        1,
    );
    let host = Host::serve(config);
    let port = host.admin().port();
    let admin = format!("127.0.0.1:{port}");
    let address = admin.parse().expect("an address");
    for path in ["/healthz", "/readyz"] {
        assert_eq!(request(address, "GET", path).status, 200, "{path}");
    }
    for path in ["/metrics", "/status", "/config", "/trials"] {
        assert_eq!(request(address, "GET", path).status, 401, "{path}");
    }
    assert_eq!(request(address, "POST", "/reload").status, 401);
    let verb = |token: Option<&str>| {
        let mut status = command(host.folder().path());
        status.args(["status", "--admin", &admin]);
        if let Some(token) = token {
            status.env("LINEMILL_ADMIN_TOKEN", token);
        }
        status.output().expect("the binary runs")
    };
    let without = verb(None);
    let report = String::from_utf8_lossy(&without.stderr);
    assert!(report.contains("LINEMILL_ADMIN_TOKEN"), "{report}");
    assert!(!verb(Some("0123456789abcdeF")).status.success());
    assert!(verb(Some("0123456789abcdef")).status.success());
}

#[test]
#[cfg(unix)]
fn an_admin_socket_is_private_to_its_user() {
    use std::os::unix::fs::PermissionsExt as _;

    let config = Host::config("", "").replacen("127.0.0.1:0\"\n\n[[", "unix:admin.sock\"\n\n[[", 1);
    let host = Host::serve(config);
    host.announced(0);
    let path = host.folder().path().join("admin.sock");
    let mode = std::fs::metadata(path)
        .expect("a socket")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// Clients that send endless headers, or nothing, are closed; others are served meanwhile.
#[test]
fn misbehaving_clients_are_closed() {
    let host = Host::with("");
    let connect = || TcpStream::connect(host.admin()).expect("it accepts");
    let mut endless = connect();
    endless
        .write_all(b"GET /status HTTP/1.1\r\n")
        .expect("sent");
    let header = format!("X-More: {}\r\n", "x".repeat(1000));
    // More than a head may have: the host stops reading, or answers and closes.
    for _ in 0..64 {
        if endless.write_all(header.as_bytes()).is_err() {
            break;
        }
    }
    let mut answer = Vec::new();
    drop(endless.read_to_end(&mut answer));
    assert!(
        answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"),
        "{answer:?}"
    );
    let _silent: Vec<_> = (0..16).map(|_| connect()).collect();
    assert_eq!(host.get("/healthz").status, 200);
    let mut random = connect();
    random.write_all(&[0xff, 0, 13, 10, 13, 10]).expect("sent");
    let mut answer = Vec::new();
    drop(random.read_to_end(&mut answer));
    assert_eq!(host.get("/readyz").status, 200);
}
