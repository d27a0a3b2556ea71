//! `/metrics`, `/healthz` and `/readyz`: formats, and counters that add up.

use linemill_tests::{Host, request, rot13};

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
        .map(str::to_ascii_lowercase)
        .find(|line| line.starts_with("content-type:"))
        .expect("a content type");
    assert!(
        kind.contains("text/plain") || kind.contains("application/openmetrics-text"),
        "{kind}"
    );
    for name in host.metrics().names() {
        assert!(
            name.starts_with("linemill_") || name.starts_with("process_"),
            "{name} has another prefix"
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
    client.expect(&rot13(&input));
    let calls = host.metric("linemill_filter_calls_total", &[("filter", "rot13")]);
    assert!((1.0..=50.0).contains(&calls), "{calls} calls for 500 lines");
}

#[test]
fn idle_connections_keep_no_instance_of_a_stateless_filter() {
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
fn dropped_lines_are_counted() {
    let filters = "[filter.grep]\nplugin = \"grep\"\nsettings = { drop = [\"secret\"] }";
    let host = Host::serve(Host::config("chain = [\"grep\"]", filters));
    assert_eq!(
        host.connect().exchange(b"one\na secret\ntwo\n"),
        b"one\ntwo\n"
    );
    host.wait_metric("linemill_lines_in_total", &[], 3.0);
    host.wait_metric("linemill_lines_out_total", &[], 2.0);
}
