//! Attacks on the admin address: nothing changes except by POST, bodies are not read, payload is not shown,
//! and other clients are served meanwhile.

use std::path::Path;

use linemill_tests::{Client, Folder, Host, eventually, guest, request};

use super::scene::{Numbers, no_panic, offer};

/// More clients than are served at a time.
const CROWD: usize = 40;

/// A GET after which the server closes.
fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").into_bytes()
}

/// Asserts that `/healthz` answers 200 on this connection.
#[track_caller]
fn check_health(mut client: Client) {
    let answer = client.exchange(&get("/healthz"));
    assert!(
        answer.starts_with(b"HTTP/1.1 200 "),
        "{}",
        answer.escape_ascii()
    );
}

#[test]
fn the_admin_address_is_off_unless_configured() {
    let config = Host::config("", "").replacen("admin = \"127.0.0.1:0\"", "", 1);
    let host = Host::serve(config);
    assert_eq!(host.connect().exchange(b"Hello\n"), b"Uryyb\n");
    assert!(
        !host.stderr().contains("admin listening"),
        "{}",
        host.stderr()
    );
}

#[test]
fn only_a_post_changes_anything() {
    let host = Host::with("");
    let reloads = || host.metric("linemill_reloads_total", &[]);
    let before = reloads();
    for path in ["/reload", "/rollback", "/promote?filter=rot13"] {
        for method in [
            "GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "POSTS", "post",
        ] {
            let status = request(host.admin(), method, path).status;
            assert_eq!(status, 405, "{method} {path}");
        }
    }
    assert_eq!(reloads().to_string(), before.to_string());
    assert_eq!(host.generation(), 1);
}

/// No request needs a body, so a body is not read to its end.
#[test]
fn a_body_without_end_is_not_read() {
    let mut host = Host::with("");
    let chunk = [&b"10000\r\n"[..], &[b'x'; 0x10000], b"\r\n"].concat();
    for length in [
        "Content-Length: 1000000000000",
        "Transfer-Encoding: chunked",
    ] {
        let mut client = Client::connect(host.admin());
        client.send(format!("POST /reload HTTP/1.1\r\nHost: a\r\n{length}\r\n\r\n").as_bytes());
        let taken = (0..1024).take_while(|_| {
            client
                .offer(&chunk, std::time::Duration::from_secs(10))
                .is_some()
        });
        assert!(taken.count() < 1024, "64 MiB of a body were read");
    }
    host.expect_alive();
    no_panic(&host);
}

/// Connections close after one answer.
#[test]
fn a_connection_serves_one_request() {
    let host = Host::with("");
    let request = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut client = Client::connect(host.admin());
    client.send(&request.repeat(3));
    let (answer, _) = client.rest_until_end();
    let answers = String::from_utf8_lossy(&answer)
        .matches("HTTP/1.1 ")
        .count();
    assert_eq!(answers, 1, "{}", answer.escape_ascii());
}

/// Silent clients are closed, so that others are served.
#[test]
fn silent_clients_are_closed() {
    let host = Host::with("");
    let idle = host.idle_descriptors();
    let crowd: Vec<Client> = (0..CROWD)
        .map(|number| {
            let mut client = Client::connect(host.admin());
            let head = b"GET /healthz HTTP/1.1\r\nHost: ";
            offer(&mut client, &head[..number % head.len()]);
            client
        })
        .collect();
    assert_eq!(host.get("/healthz").status, 200);
    drop(crowd);
    assert_eq!(host.idle_descriptors(), idle);
}

/// Clients that do not read an answer larger than all buffers are closed as well.
#[test]
fn clients_that_do_not_read_are_closed() {
    let long = format!("# {}\n", "a comment that makes the file long ".repeat(2)).repeat(13_000);
    let host = Host::serve(Host::config("", "") + &long);
    let token = std::fs::read_to_string(host.token_file()).expect("a token");
    let head = "GET /config HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer";
    let _crowd: Vec<Client> = (0..CROWD)
        .map(|_| {
            let mut client = Client::with_little_room(host.admin(), 1024);
            client.send(format!("{head} {token}\r\n\r\n").as_bytes());
            client
        })
        .collect();
    assert_eq!(host.get("/healthz").status, 200);
    // Others wait until the first of them have been closed.
    eventually("a seat", || {
        (host.get("/config").status == 200).then_some(())
    });
}

#[test]
fn any_bytes_to_a_tcp_address() {
    let host = Host::with("");
    let admin = host.admin();
    let idle = host.idle_descriptors();
    any_bytes(|| Client::connect(admin));
    assert_eq!(host.idle_descriptors(), idle);
    no_panic(&host);
}

#[test]
fn any_bytes_to_a_unix_socket() {
    let config = Host::config("", "").replacen("127.0.0.1:0\"\n\n[[", "unix:admin.sock\"\n\n[[", 1);
    let host = Host::serve(config);
    host.announced(0);
    let path = host.folder().path().join("admin.sock");
    any_bytes(|| Client::connect_unix(Path::new(&path)));
    no_panic(&host);
}

fn any_bytes(connect: impl Fn() -> Client) {
    let mut numbers = Numbers(0x2545_f491);
    for round in 0..60 {
        let mut bytes = numbers.bytes(3000);
        if round % 2 == 0 {
            // A valid start of a head, followed by an invalid header.
            bytes.splice(0..0, *b"POST /reload HTTP/1.1\r\n:");
        }
        let mut client = connect();
        offer(&mut client, &bytes);
        client.finish();
        let (answer, _) = client.rest_until_end();
        assert!(
            answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"),
            "{}",
            answer.escape_ascii()
        );
        check_health(connect());
    }
}

/// Lines of clients must not appear at the admin address, except as the examples of `/trials`.
#[test]
fn payload_is_not_shown() {
    let folder = Folder::new();
    folder.write("trap.wasm", guest::batch("trap"));
    folder.write("verdicts.wasm", guest::batch("verdicts"));
    let filters = "[filter.trap]\nplugin = \"./trap.wasm\"\n\n[filter.verdicts]\nplugin = \"./verdicts.wasm\"\n";
    let host = Host::serve_in(
        folder,
        Host::config("chain = [\"trap\", \"verdicts\"]", filters),
    );
    // Lines that are passed, dropped, failed and split, and lines on which a filter traps.
    let lines =
        ["plain", "-gone", "?fails", "+two", "trap!"].map(|line| format!("{line} pay10ad\n"));
    for _ in 0..50 {
        host.connect().exchange(lines.concat().as_bytes());
    }
    let failures = host.metric("linemill_filter_failures_total", &[]);
    assert!(failures > 49.5, "{failures} failures");
    for path in [
        "/status", "/metrics", "/log", "/config", "/trials", "/healthz", "/readyz",
    ] {
        let body = host.get(path).body.to_lowercase();
        assert!(!body.contains("pay10ad"), "{path}: {body}");
    }
}
