//! The admin address: health, readiness, and counters that add up.

use linemill_tests::{Host, request};

#[test]
fn healthy_and_ready() {
    let host = Host::with("");
    assert_eq!(host.address().ip().to_string(), "127.0.0.1");
    for path in ["/healthz", "/readyz"] {
        assert_eq!(host.get(path).status, 200, "{path}");
    }
    assert_eq!(host.get("/nothing").status, 404);
    assert_eq!(request(host.admin(), "POST", "/metrics").status, 405);
}

#[test]
fn metrics_are_prometheus_text() {
    let host = Host::with("");
    assert_eq!(host.connect().exchange(b"a\n"), b"n\n");
    let response = host.get("/metrics");
    assert_eq!(response.status, 200);
    let kind = response
        .head
        .lines()
        .find(|line| line.to_ascii_lowercase().starts_with("content-type:"));
    let kind = kind.expect("a content type").to_ascii_lowercase();
    assert!(
        kind.contains("text/plain") || kind.contains("application/openmetrics-text"),
        "{kind}"
    );
    for name in host.metrics().names() {
        assert!(
            name.starts_with("linemill_") || name.starts_with("process_"),
            "{name} is not ours"
        );
    }
}

#[test]
fn counters_add_up() {
    let host = Host::with("");
    let input = b"one\ntwo\r\n\nfour\n";
    for _ in 0..3 {
        assert_eq!(host.connect().exchange(input).len(), input.len());
    }
    host.wait_metric("linemill_connections_closed_total", &[], 3.0);
    let metrics = host.metrics();
    let listener = [("listener", "test")];
    for (name, value) in [
        ("linemill_connections_accepted_total", 3),
        ("linemill_connections", 0),
        ("linemill_lines_in_total", 12),
        ("linemill_lines_out_total", 12),
        ("linemill_bytes_in_total", 3 * input.len()),
        ("linemill_bytes_out_total", 3 * input.len()),
        ("linemill_lines_dropped_total", 0),
    ] {
        assert_eq!(
            metrics.sum(name, &listener).to_string(),
            value.to_string(),
            "{name}"
        );
    }
    let filter = [("filter", "rot13")];
    assert_eq!(
        metrics
            .sum("linemill_filter_lines_total", &filter)
            .to_string(),
        "12"
    );
    let calls = metrics.sum("linemill_filter_calls_total", &filter);
    assert!(
        (3.0..=12.0).contains(&calls),
        "{calls} calls for 3 connections of 4 lines"
    );
    assert_eq!(
        metrics
            .sum("linemill_filter_failures_total", &filter)
            .to_string(),
        "0"
    );
    assert_eq!(
        metrics
            .sum("linemill_filter_call_seconds_count", &filter)
            .to_string(),
        calls.to_string()
    );
}

#[test]
fn lines_of_one_write_share_a_call() {
    let host = Host::with("");
    let input = b"a line of twenty b.\n".repeat(500);
    let mut client = host.connect();
    client.send(&input);
    client.expect(&linemill_tests::rot13(&input));
    let calls = host.metric("linemill_filter_calls_total", &[("filter", "rot13")]);
    assert!((1.0..=50.0).contains(&calls), "{calls} calls for 500 lines");
}

#[test]
fn idle_connections_hold_no_instance_of_a_stateless_filter() {
    let host = Host::with("");
    let clients: Vec<_> = (0..50)
        .map(|_| {
            let mut client = host.connect();
            client.send(b"a\n");
            client.expect(b"n\n");
            client
        })
        .collect();
    let instances = host.metric("linemill_filter_instances", &[]);
    assert!(
        (1.0..=8.0).contains(&instances),
        "{instances} instances for {} idle connections",
        clients.len()
    );
}

#[test]
fn dropped_and_split_lines_are_in_the_balance() {
    let filters = "[filter.grep]\nplugin = \"grep\"\nsettings = { drop = [\"secret\"] }";
    let host = Host::serve(Host::config("chain = [\"grep\"]", filters));
    assert_eq!(
        host.connect().exchange(b"one\na secret\ntwo\n"),
        b"one\ntwo\n"
    );
    host.wait_metric("linemill_lines_in_total", &[], 3.0);
    host.wait_metric("linemill_lines_out_total", &[], 2.0);
}

#[test]
fn a_token_is_asked_for_where_there_is_one() {
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
        let mut command = linemill_tests::command(host.folder().path());
        command.args(["status", "--admin", &admin]);
        if let Some(token) = token {
            command.env("LINEMILL_ADMIN_TOKEN", token);
        }
        command.output().expect("it runs")
    };
    let without = verb(None);
    let told = String::from_utf8_lossy(&without.stderr);
    assert!(told.contains("LINEMILL_ADMIN_TOKEN"), "{told}");
    assert!(!verb(Some("0123456789abcdeF")).status.success());
    assert!(verb(Some("0123456789abcdef")).status.success());
}

#[test]
#[cfg(unix)]
fn an_admin_socket_is_for_its_user_alone() {
    use std::os::unix::fs::PermissionsExt;
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

/// A client that sends no end of headers, or none, is cut off; others are served meanwhile.
#[test]
fn clients_of_the_admin_address_are_bounded() {
    use std::io::{Read, Write};
    let host = Host::with("");
    let connect = || std::net::TcpStream::connect(host.admin()).expect("it accepts");
    let mut endless = connect();
    endless
        .write_all(b"GET /status HTTP/1.1\r\n")
        .expect("sent");
    let header = format!("X-More: {}\r\n", "x".repeat(1000));
    // More than any head may have; the host stops reading, or answers and closes.
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
