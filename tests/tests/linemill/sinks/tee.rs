//! `tee`: copies of lines to further sinks, which never delay the lines themselves.

use std::time::{Duration, Instant};

use linemill_tests::{Host, Upstream, eventually, rot13};

use super::routes::{expect_file, routing};

#[test]
fn copies_go_to_every_sink_of_tee() {
    let upstream = Upstream::tcp();
    let host = Host::with(&format!(
        "tee = [\"{}\", \"file:copy.log\"]",
        upstream.url()
    ));
    let mut client = host.connect();
    client.send(b"Hello\r\nrest");
    client.finish();
    assert_eq!(client.rest(), b"Uryyb\r\nerfg");
    let mut copy = upstream.accept();
    copy.expect(b"Uryyb\r\nerfg\n");
    // Answers to copies are discarded.
    copy.send(b"an answer\n");
    expect_file(&host, "copy.log", b"Uryyb\r\nerfg\n");
}

#[test]
fn only_lines_at_the_end_of_the_chain_are_copied() {
    let host = routing("routes = { errors = \"file:errors.log\" }\ntee = [\"file:copy.log\"]");
    assert_eq!(
        host.connect().exchange(b"one\n>two\n-three\nfour\n"),
        rot13(b"ONE\nFOUR\n")
    );
    expect_file(&host, "errors.log", b">TWO\n");
    expect_file(&host, "copy.log", &rot13(b"ONE\nFOUR\n"));
}

/// Sends much through a host whose copies get stuck. Asserts that all lines come back in time; returns the
/// number of copies that were dropped.
#[track_caller]
fn unaffected(host: &Host) -> f64 {
    const LINES: usize = 400_000;
    let line = b"a line that is copied as long as there is room for it\n";
    let input = line.repeat(LINES);
    let start = Instant::now();
    let answer = host.connect().exchange(&input);
    assert!(answer == rot13(&input), "an answer is wrong");
    assert!(
        start.elapsed() < Duration::from_secs(15),
        "{:?} for 20 MiB",
        start.elapsed()
    );
    let dropped = eventually("dropped copies are counted", || {
        let dropped = host.dropped("tee");
        (dropped > 0.0).then_some(dropped)
    });
    assert_eq!(
        host.metric("linemill_lines_out_total", &[]).to_string(),
        LINES.to_string()
    );
    dropped
}

#[test]
fn copies_that_are_not_read_do_not_delay_lines() {
    let upstream = Upstream::tcp();
    let host = Host::with(&format!(
        "tee = [\"{}\"]\nbuffer = \"64KiB\"",
        upstream.url()
    ));
    unaffected(&host);
    // Copies are whole lines, in order; some are left out.
    let mut copy = upstream.accept();
    let line = rot13(b"a line that is copied as long as there is room for it\n");
    let got = copy.take(1000 * line.len());
    assert!(got == line.repeat(1000), "a damaged copy");
}

#[test]
fn copies_to_an_upstream_that_is_down_do_not_delay_lines() {
    let upstream = Upstream::tcp_down();
    let host = Host::with(&format!(
        "tee = [\"{}\"]\nbuffer = \"64KiB\"",
        upstream.url()
    ));
    let dropped = unaffected(&host);
    assert!(dropped > 390_000.0, "{dropped} of 400,000 dropped");
}
