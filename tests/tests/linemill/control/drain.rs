//! SIGTERM and SIGINT with lines in flight.

use std::time::{Duration, Instant};

use linemill_tests::{Client, Host, rot13};

const LINE: &[u8] = b"a line in flight when the signal comes\n";

fn config(drain: &str) -> String {
    Host::config("", "").replacen("[host]\n", &format!("[host]\ndrain = \"{drain}\"\n"), 1)
}

/// Sends lines until neither the host nor the kernel takes more.
fn fill(client: &mut Client) -> usize {
    let lines = LINE.repeat(2000);
    let mut sent = 0;
    while let Some(count @ 1..) =
        client.offer(&lines[sent % LINE.len()..], Duration::from_millis(300))
    {
        sent += count;
    }
    sent
}

#[track_caller]
fn drains(signal: impl Fn(&Host)) {
    // The client stops in the middle of a line; the host waits for its rest as long as it may.
    let mut host = Host::serve(config("2s"));
    let mut idle = host.connect();
    let mut client = host.connect();
    let sent = fill(&mut client);
    let read = host.metric("linemill_lines_in_total", &[]);
    assert!(read >= 1.0, "nothing in flight");
    let address = host.address();
    signal(&host);
    // Its end is the sign that the host drains.
    idle.expect_end();
    let got = client.rest();
    let status = host.wait();

    let expected = rot13(LINE);
    assert!(
        got.len() <= sent && got.chunks(LINE.len()).all(|line| line == expected),
        "a line was torn or changed"
    );
    let lines = f64::from(u32::try_from(got.len() / LINE.len()).expect("a few MiB"));
    assert!(
        lines >= read,
        "{read} lines were read before the signal, {lines} came back"
    );
    assert_eq!(status.code(), Some(0), "{}", host.stderr());
    let refused = std::net::TcpStream::connect_timeout(&address, Duration::from_secs(1));
    assert!(refused.is_err(), "something still listens");
}

#[test]
fn sigterm_writes_what_is_owed() {
    drains(Host::terminate);
}

#[test]
fn sigint_writes_what_is_owed() {
    drains(Host::interrupt);
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
fn a_line_that_is_completed_during_the_drain_is_answered() {
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
fn the_grace_period_bounds_a_reader_that_does_not_read() {
    let mut host = Host::serve(config("1s"));
    let mut client = host.connect();
    fill(&mut client);
    let start = Instant::now();
    host.terminate();
    host.wait();
    let took = start.elapsed();
    assert!(
        took >= Duration::from_secs(1),
        "gave up after {took:?}, within the grace period"
    );
    assert!(
        took < Duration::from_secs(4),
        "{took:?} with a grace period of a second"
    );
}

#[test]
fn a_half_closed_connection_gets_all_of_its_answer() {
    let mut host = Host::with("");
    let mut client = host.connect();
    // Small enough to have been taken whole by host and kernel, though nothing is read yet.
    let input = LINE.repeat(1500);
    client.send(&input);
    client.finish();
    host.wait_metric("linemill_lines_in_total", &[], 1500.0);
    host.terminate();
    assert!(
        client.rest() == rot13(&input),
        "all that was read before the signal comes back"
    );
    assert_eq!(host.wait().code(), Some(0));
}
