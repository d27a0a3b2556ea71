//! Peers behind a proxy that sends bytes one by one, delays them, or stalls; watermarks.

use std::time::Duration;

use linemill_tests::{Client, Faults, Host, Proxy, Upstream, assert_repeats, rot13};

/// No faults.
pub(super) const NONE: Faults = Faults {
    delay: Duration::ZERO,
    piece: 64 * 1024,
    reset_after: None,
    stall_after: None,
};

/// One byte at a time.
const BYTES: Faults = Faults { piece: 1, ..NONE };

/// Lines of all kinds: short, empty, long, with either terminator and without one.
fn lines() -> Vec<u8> {
    let long = b"a line that is longer than others ".repeat(100);
    [&b"Hello\r\n\nWorld\n\r\n"[..], &long, b"\nrest"].concat()
}

#[test]
fn bytes_come_and_go_one_at_a_time() {
    let host = Host::with("");
    let input = lines();
    for (up, down) in [(BYTES, NONE), (NONE, BYTES), (BYTES, BYTES)] {
        let proxy = Proxy::to(host.address(), up, down);
        let answer = Client::connect(proxy.address()).exchange(&input);
        assert!(answer == rot13(&input));
    }
    host.expect_no_connections();
}

#[test]
fn bytes_go_to_an_upstream_and_back_one_at_a_time() {
    let upstream = Upstream::tcp();
    let beyond = Proxy::to(upstream.address(), BYTES, BYTES);
    let host = Host::with(&format!("to = \"tcp://{}\"", beyond.address()));
    let proxy = Proxy::to(host.address(), BYTES, BYTES);
    let input = lines();
    let mut client = Client::connect(proxy.address());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut server = upstream.accept();
            let got = server.rest();
            assert!(got == rot13(&input), "forward");
            server.send(&got);
        });
        assert!(client.exchange(&input) == rot13(&input), "back");
    });
    host.expect_no_connections();
}

#[test]
fn a_slow_reader_gets_everything() {
    let host = Host::with("");
    let slow = Faults {
        piece: 16 * 1024,
        delay: Duration::from_millis(1),
        ..NONE
    };
    let proxy = Proxy::to(host.address(), NONE, slow);
    let input = b"a line that a slow reader gets in the end\n".repeat(200_000);
    let answer = Client::connect(proxy.address()).exchange(&input);
    assert!(answer == rot13(&input));
    host.expect_no_connections();
}

#[test]
fn a_reader_that_pauses_gets_everything() {
    let host = Host::with("");
    let stall = Faults {
        stall_after: Some(100_000),
        ..NONE
    };
    let proxy = Proxy::to(host.address(), NONE, stall);
    let line = b"a line that waits for its reader\n";
    let mut client = Client::connect(proxy.address());
    let sent = client.fill(line, Duration::from_millis(300));
    assert_eq!(proxy.passed_down(), 100_000);
    client.finish();
    proxy.resume();
    let got = client.rest();
    assert_repeats(&got, &rot13(line), sent);
}

/// Bytes that the host has read but not written when a reader is stuck.
#[track_caller]
fn held_bytes(watermarks: &str) -> f64 {
    let host = Host::with(watermarks);
    let line = b"a line that waits for its reader\n";
    let mut client = host.connect();
    let sent = client.fill(line, Duration::from_millis(300));
    let held = || {
        let metrics = host.metrics();
        metrics.sum("linemill_bytes_in_total", &[]) - metrics.sum("linemill_bytes_out_total", &[])
    };
    let found = held();
    client.finish();
    assert_eq!(client.rest().len(), sent);
    host.expect_no_connections();
    assert_eq!(held().to_string(), "0");
    found
}

#[test]
fn a_stuck_reader_holds_at_most_the_high_watermark_and_a_batch() {
    const KIB: f64 = 1024.0;
    // A read is at most 64 KiB, and a partial line of up to 16 KiB may wait as well.
    let batch = 80.0 * KIB;
    let little = held_bytes("watermarks = { high = \"16KiB\", low = \"4KiB\" }");
    assert!(
        (1.0..16.0 * KIB + batch).contains(&little),
        "{little} bytes held"
    );
    let much = held_bytes("watermarks = { high = \"1MiB\", low = \"16KiB\" }");
    assert!(
        (1024.0 * KIB..1024.0 * KIB + batch).contains(&much),
        "{much} bytes held"
    );
}
