//! Upstreams and clients that are down, die, or do not read.

use std::time::{Duration, Instant};

use linemill_tests::tls::Authority;
use linemill_tests::{Host, Upstream, assert_repeats, rot13};

use super::upstreams::{converse, to, to_tls};

/// Asserts that a client whose line cannot be delivered is closed after `write_timeout`, and that the line
/// is counted and the log stays short.
#[track_caller]
fn undeliverable(host: &Host) {
    let start = Instant::now();
    let mut client = host.connect();
    client.send(b"lost\n");
    client.expect_refusal();
    let took = start.elapsed();
    assert!(
        (Duration::from_secs(1)..Duration::from_secs(4)).contains(&took),
        "closed after {took:?}, with a timeout of 1 s"
    );
    host.expect_dropped("next_hop", 1.0);
    host.expect_no_connections();
    let lines = host.stderr().lines().count();
    assert!(lines < 30, "{lines} lines of log:\n{}", host.stderr());
}

#[test]
fn an_upstream_that_stays_down_closes_its_client() {
    let upstream = Upstream::tcp_down();
    let host = Host::with(&format!("{}write_timeout = \"1s\"", to(&upstream)));
    let before = host.processor_time();
    undeliverable(&host);
    let used = host.processor_time() - before;
    assert!(
        used < Duration::from_millis(500),
        "{used:?} of processor time while waiting"
    );
}

#[test]
fn an_upstream_with_an_untrusted_certificate_gets_no_line() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let upstream = Upstream::tls(&stranger.server().server(None));
    let host = to_tls(&upstream, &authority, "");
    std::thread::scope(|scope| {
        let refused = scope.spawn(|| {
            let config = stranger.server().server(None);
            upstream.expect_refused_handshake(&config);
        });
        let mut client = host.connect();
        client.send(b"a secret\n");
        refused.join().expect("a handshake that fails");
        client.expect_refusal();
    });
    host.expect_dropped("next_hop", 1.0);
}

#[test]
fn lines_wait_for_an_upstream_that_is_down() {
    let mut upstream = Upstream::tcp_down();
    let host = Host::with(&to(&upstream));
    let mut client = host.connect();
    client.send(b"one\ntwo\n");
    client.expect_silence(Duration::from_millis(200));
    upstream.up();
    let mut server = upstream.accept();
    server.expect(b"bar\ngjb\n");
    server.send(b"answer\n");
    client.expect(b"answer\n");
}

#[test]
fn lines_of_a_finished_client_wait_for_an_upstream() {
    let mut upstream = Upstream::tcp_down();
    let host = Host::with(&to(&upstream));
    let mut client = host.connect();
    client.send(b"one\ntwo");
    client.finish();
    client.expect_silence(Duration::from_millis(200));
    upstream.up();
    let mut server = upstream.accept();
    server.expect(b"bar\ngjb");
    server.expect_end();
    drop(server);
    client.expect_end();
    host.expect_no_connections();
}

#[test]
fn an_upstream_that_dies_closes_its_client() {
    let upstream = Upstream::tcp();
    let host = Host::with(&to(&upstream));
    let mut client = host.connect();
    let server = upstream.accept();
    client.fill(
        b"a line that waits for the upstream\n",
        Duration::from_millis(300),
    );
    let written = host.metric("linemill_lines_out_total", &[]);
    server.reset();
    client.expect_refusal();
    host.expect_no_connections();
    let metrics = host.metrics();
    let read = metrics.sum("linemill_lines_in_total", &[]);
    let out = metrics.sum("linemill_lines_out_total", &[]);
    assert!(out >= written && read > out, "{read} read, {out} written");
    host.expect_dropped("next_hop", read - out);
    // The next client is served normally.
    converse(&host, &upstream);
}

#[test]
fn a_client_that_dies_closes_its_upstream_connection() {
    let upstream = Upstream::tcp();
    let host = Host::with(&to(&upstream));
    let mut client = host.connect();
    client.send(b"Hello\nunfin");
    let mut server = upstream.accept();
    server.expect(b"Uryyb\n");
    client.reset();
    let (rest, _) = server.rest_until_end();
    assert_eq!(rest, b"", "a part of an incomplete line was delivered");
    host.expect_no_connections();
}

#[test]
fn an_upstream_that_does_not_read_delays_only_its_client() {
    let upstream = Upstream::tcp();
    let host = Host::with(&to(&upstream));
    let line = b"a line that waits for the upstream\n";
    let mut client = host.connect();
    let mut server = upstream.accept();
    let sent = client.fill(line, Duration::from_millis(300));
    let start = Instant::now();
    let mut other = host.connect();
    other.send(b"Hello\n");
    upstream.accept().expect(b"Uryyb\n");
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "another client was delayed"
    );
    client.finish();
    let got = server.rest();
    assert_repeats(&got, &rot13(line), sent);
}

#[test]
fn a_client_that_does_not_read_delays_its_upstream() {
    let upstream = Upstream::tcp();
    let host = Host::with(&to(&upstream));
    let line = b"an answer that waits for its client\n";
    let mut client = host.connect();
    let mut server = upstream.accept();
    let sent = server.fill(line, Duration::from_millis(300));
    server.finish();
    let got = client.rest();
    assert_repeats(&got, line, sent);
}
