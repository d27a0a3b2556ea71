//! When a connection is closed for being silent or slow.
//!
//! Lower bounds are exact: the clock starts before the host's can. Upper bounds are half a second
//! on an idle machine, and more here, where tests share the cores.

use std::thread::sleep;
use std::time::{Duration, Instant};

use linemill_tests::Host;

const LATE: Duration = Duration::from_millis(2500);

#[track_caller]
fn between(start: Instant, least: Duration) {
    let took = start.elapsed();
    assert!(
        took >= least,
        "closed after {took:?}, which is before {least:?}"
    );
    assert!(
        took < least + LATE,
        "closed after {took:?}, which is long after {least:?}"
    );
}

#[test]
fn case_15_a_silent_connection_is_closed() {
    let host = Host::with("idle_timeout = \"2s\"");
    let address = host.address();
    let start = Instant::now();
    let mut client = linemill_tests::Client::connect(address);
    client.expect_end();
    between(start, Duration::from_secs(2));
}

#[test]
fn case_15_silence_counts_from_the_last_byte() {
    let host = Host::with("idle_timeout = \"2s\"");
    let mut client = host.connect();
    sleep(Duration::from_millis(500));
    let start = Instant::now();
    client.send(b"hello\n");
    client.expect(b"uryyb\n");
    client.expect_end();
    between(start, Duration::from_secs(2));
}

#[test]
fn case_16_a_line_that_never_ends_is_closed() {
    let host = Host::with("line_timeout = \"5s\"");
    let mut client = host.connect();
    client.send(b"a whole line first\n");
    client.expect(b"n jubyr yvar svefg\n");
    let start = Instant::now();
    client.send(b"a");
    while !client.closes_within(Duration::from_secs(1)) {
        assert!(start.elapsed() < Duration::from_secs(10), "still open");
        if client.offer(b"a", Duration::from_secs(1)).is_none() {
            break;
        }
    }
    between(start, Duration::from_secs(5));
}

#[test]
fn case_17_a_line_now_and_then_keeps_it_open() {
    let host = Host::with("idle_timeout = \"2s\"");
    let mut client = host.connect();
    for _ in 0..4 {
        client.send(b"still here\n");
        client.expect(b"fgvyy urer\n");
        client.expect_silence(Duration::from_millis(1500));
    }
    client.send(b"last\n");
    client.expect(b"ynfg\n");
}

#[test]
fn lines_that_follow_each_other_do_not_add_up_to_a_line_timeout() {
    let host = Host::with("line_timeout = \"1s\"");
    let mut client = host.connect();
    // There is always an unfinished line, but none is older than 400 ms.
    client.send(b"a");
    for _ in 0..5 {
        sleep(Duration::from_millis(400));
        client.send(b"b\na");
        client.expect(b"no\n");
    }
}
