//! SIGTERM and SIGINT drain the host: lines in flight are delivered, within the grace period.

use std::time::{Duration, Instant};

use linemill_tests::{Client, Host, eventually, rot13};

const LINE: &[u8] = b"a line in flight when the signal comes\n";

/// A configuration with this grace period.
fn config(drain: &str) -> String {
    Host::config("", "").replacen("[host]\n", &format!("[host]\ndrain = \"{drain}\"\n"), 1)
}

/// Sends lines until neither the host nor the kernel takes more.
fn fill(client: &mut Client) -> usize {
    client.fill(LINE, Duration::from_millis(300))
}

/// Asserts that `signal` ends the host after every line it had read came back.
#[track_caller]
fn check_drain(signal: impl Fn(&Host)) {
    // The client stops within a line. The host waits for the rest until the grace period ends.
    let mut host = Host::serve(config("2s"));
    let mut idle = host.connect();
    let mut client = host.connect();
    let sent = fill(&mut client);
    let read = host.metric("linemill_lines_in_total", &[]);
    assert!(read >= 1.0, "nothing in flight");
    let address = host.address();
    signal(&host);
    // When this one ends, the host is draining.
    idle.expect_end();
    let got = client.rest();
    let status = host.wait();

    let expected = rot13(LINE);
    assert!(
        got.len() <= sent && got.chunks(LINE.len()).all(|line| line == expected),
        "a line was damaged"
    );
    let lines = f64::from(u32::try_from(got.len() / LINE.len()).expect("a few MiB"));
    assert!(
        lines >= read,
        "{read} lines were read before the signal, {lines} came back"
    );
    assert_eq!(status.code(), Some(0), "{}", host.stderr());
    let refused = std::net::TcpStream::connect_timeout(&address, Duration::from_secs(1));
    assert!(refused.is_err(), "the port is still open");
}

#[test]
fn sigterm_delivers_lines_in_flight() {
    check_drain(Host::terminate);
}

#[test]
fn sigint_delivers_lines_in_flight() {
    check_drain(Host::interrupt);
}

#[test]
fn an_idle_host_ends_at_once() {
    let mut host = Host::with("");
    let mut client = host.connect();
    client.send(b"hello\n");
    client.expect(b"uryyb\n");
    let start = Instant::now();
    host.terminate();
    client.expect_end();
    assert_eq!(host.wait().code(), Some(0));
    assert!(
        start.elapsed() < Duration::from_secs(3),
        "{:?} with nothing to do",
        start.elapsed()
    );
}

#[test]
fn a_line_completed_during_the_drain_is_answered() {
    let mut host = Host::with("");
    let mut client = host.connect();
    client.send(b"whole\nbeg");
    client.expect(b"jubyr\n");
    let mut idle = host.connect();
    idle.send(b"x\n");
    idle.expect(b"k\n");
    host.terminate();
    idle.expect_end();
    client.send(b"un\n");
    client.expect(b"ortha\n");
    client.expect_end();
    assert_eq!(host.wait().code(), Some(0));
}

#[test]
fn the_grace_period_ends_a_stuck_drain() {
    let mut host = Host::serve(config("1s"));
    let mut client = host.connect();
    fill(&mut client);
    let start = Instant::now();
    host.terminate();
    host.wait();
    let took = start.elapsed();
    assert!(
        took >= Duration::from_secs(1),
        "ended after {took:?}, within the grace period"
    );
    assert!(
        took < Duration::from_secs(4),
        "{took:?} with a grace period of 1 s"
    );
}

#[test]
fn a_half_closed_connection_gets_its_whole_answer() {
    let mut host = Host::with("");
    let mut client = host.connect();
    // Small enough for the buffers of host and kernel, because the client does not read yet.
    let input = LINE.repeat(1500);
    client.send(&input);
    client.finish();
    host.wait_metric("linemill_lines_in_total", &[], 1500.0);
    host.terminate();
    assert!(client.rest() == rot13(&input), "not the whole answer");
    assert_eq!(host.wait().code(), Some(0));
}

/// A configuration with this lame-duck time.
fn delayed(delay: &str) -> String {
    Host::config("", "").replacen(
        "[host]\n",
        &format!("[host]\ndrain_delay = \"{delay}\"\n"),
        1,
    )
}

/// Tells the host to stop, and waits until it says so.
fn stop(host: &Host) {
    assert_eq!(host.get("/readyz").status, 200);
    host.terminate();
    eventually("an answer that it stops", || {
        (host.get("/readyz").status == 503).then_some(())
    });
}

#[test]
fn connections_are_accepted_while_the_host_says_that_it_stops() {
    let mut host = Host::serve(delayed("4s"));
    let mut before = host.connect();
    before.send(b"one\n");
    before.expect(b"bar\n");
    stop(&host);
    assert_eq!(host.connect().exchange(b"two\n"), b"gjb\n");
    before.send(b"one\n");
    before.expect(b"bar\n");
    before.expect_end();
    assert_eq!(host.wait().code(), Some(0));
}

#[test]
fn a_second_signal_ends_the_delay() {
    let mut host = Host::serve(delayed("1h"));
    stop(&host);
    host.terminate();
    assert_eq!(host.wait().code(), Some(143));
    host.expect_stderr("second signal");
}
