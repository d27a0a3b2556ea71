//! One upstream connection that all clients share (`shared = true`), and the lines that wait for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use linemill_tests::tls::Authority;
use linemill_tests::{Folder, Host, Upstream, assert_bytes, eventually};

/// Keys of a listener whose clients share one connection to `upstream`.
fn to(upstream: &Upstream) -> String {
    format!("to = \"{}\"\nshared = true\nchain = []\n", upstream.url())
}

/// Line `number` of client `client`, recognizable wherever it arrives.
pub(super) fn line(client: usize, number: usize) -> Vec<u8> {
    format!("client {client:02} line {number:06} of a stream that must not be torn\n").into_bytes()
}

/// Client and number of a line; asserts that the line is intact.
#[track_caller]
fn read(text: &[u8]) -> (usize, usize) {
    let parse = || {
        let text = std::str::from_utf8(text).ok()?;
        let (client, rest) = text.strip_prefix("client ")?.split_once(" line ")?;
        let (number, _) = rest.split_once(' ')?;
        Some((client.parse().ok()?, number.parse().ok()?))
    };
    let found = parse().unwrap_or_else(|| panic!("damaged: {}", text.escape_ascii()));
    assert_bytes(text, line(found.0, found.1));
    found
}

/// Asserts that `got` has all lines of this many clients, with those of each client in order.
#[track_caller]
pub(super) fn assert_all_in_order(got: &[u8], clients: usize, lines: usize) {
    let mut next = vec![0; clients];
    for text in got.split_inclusive(|&byte| byte == b'\n') {
        let (client, number) = read(text);
        assert_eq!(number, next[client], "of client {client}");
        next[client] += 1;
    }
    assert_eq!(next, vec![lines; clients]);
}

/// Sends this many lines from each of this many clients at once, and waits for every FIN.
pub(super) fn send(host: &Host, clients: usize, lines: usize) {
    std::thread::scope(|scope| {
        for client in 0..clients {
            scope.spawn(move || {
                let lines: Vec<u8> = (0..lines).flat_map(|number| line(client, number)).collect();
                assert_eq!(host.connect().exchange(&lines), b"");
            });
        }
    });
}

#[test]
fn twenty_clients_share_a_connection() {
    const CLIENTS: usize = 20;
    const LINES: usize = 1000;
    let upstream = Upstream::tcp();
    let host = Host::with(&to(&upstream));
    std::thread::scope(|scope| {
        scope.spawn(|| send(&host, CLIENTS, LINES));
        let mut server = upstream.accept();
        assert_all_in_order(
            &server.take(CLIENTS * LINES * line(0, 0).len()),
            CLIENTS,
            LINES,
        );
        assert!(upstream.try_accept().is_none(), "a second connection");
        // Answers are discarded: they belong to no client.
        server.send(b"an answer\n");
    });
    host.expect_no_connections();
}

/// Answers without end are read and discarded; lines go out meanwhile.
#[test]
fn an_upstream_that_chatters_does_not_delay_lines() {
    const LINES: usize = 100;
    let upstream = Upstream::tcp();
    let host = Host::with(&to(&upstream));
    let mut client = host.connect();
    client.send(&line(0, 0));
    let mut server = upstream.accept();
    server.expect(&line(0, 0));
    let (mut chatter, over) = (server.another(), AtomicBool::new(false));
    let mut times: Vec<Duration> = std::thread::scope(|scope| {
        scope.spawn(|| {
            let answers = [b'x'; 64 * 1024];
            while !over.load(Ordering::Relaxed) {
                chatter.offer(&answers, Duration::from_millis(100));
            }
        });
        std::thread::sleep(Duration::from_millis(200));
        let times = (1..=LINES).map(|number| {
            let start = Instant::now();
            client.send(&line(0, number));
            server.expect(&line(0, number));
            start.elapsed()
        });
        let times = times.collect();
        over.store(true, Ordering::Relaxed);
        times
    });
    times.sort_unstable();
    let (median, worst) = (times[LINES / 2], times[LINES - 1]);
    // Reading and writing by turns of fixed order took 115 ms, and up to 3 s.
    assert!(
        median < Duration::from_millis(40) && worst < Duration::from_secs(1),
        "median {median:?}, worst {worst:?}"
    );
}

#[test]
fn a_partial_line_does_not_merge_with_the_next_line() {
    let upstream = Upstream::tcp();
    let host = Host::with(&to(&upstream));
    for _ in 0..2 {
        assert_eq!(host.connect().exchange(b"one\r\nrest"), b"");
    }
    upstream.accept().expect(b"one\r\nrest\none\r\nrest\n");
}

#[test]
fn lines_wait_for_a_shared_upstream_that_is_down() {
    let mut upstream = Upstream::tcp_down();
    let host = Host::with(&format!("{}buffer = \"16KiB\"", to(&upstream)));
    let mut client = host.connect();
    let line = line(0, 0);
    let sent = client.fill(&line, Duration::from_millis(300));
    assert!(sent > 16 * 1024);
    let read = host.metric("linemill_bytes_in_total", &[]);
    assert!(read < 1e6, "{read} bytes read without a sink for them");
    upstream.up();
    let mut server = upstream.accept();
    let whole = sent / line.len() * line.len();
    assert!(server.take(whole) == line.repeat(whole / line.len()));
    client.send(&line[sent % line.len()..]);
    client.finish();
    client.expect_end();
    host.expect_no_connections();
    host.wait_metric("linemill_lines_dropped_total", &[], 0.0);
}

#[test]
fn waiting_for_an_upstream_uses_no_processor_time() {
    let upstream = Upstream::tcp_down();
    let host = Host::with(&to(&upstream));
    let mut client = host.connect();
    client.send(&line(0, 0));
    client.expect_silence(Duration::from_millis(300));
    let before = host.processor_time();
    client.expect_silence(Duration::from_millis(1500));
    let used = host.processor_time() - before;
    assert!(
        used < Duration::from_millis(150),
        "{used:?} of processor time in 1.5 s"
    );
    let lines = host.stderr().lines().count();
    assert!(lines < 20, "{lines} lines of log:\n{}", host.stderr());
}

#[test]
fn an_upstream_that_comes_back_gets_whole_lines() {
    const LINES: usize = 120_000;
    let mut upstream = Upstream::tcp();
    let host = Host::with(&to(&upstream));
    let lines: Vec<u8> = (0..LINES).flat_map(|number| line(0, number)).collect();
    let length = line(0, 0).len();
    let (before, after) = lines.split_at(lines.len() / 2);
    let (back, is_back) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let mut client = host.connect();
        scope.spawn(move || {
            client.send(before);
            is_back.recv().expect("the upstream comes back");
            assert_eq!(client.exchange(after), b"");
        });
        let mut server = upstream.accept();
        // Stop within a line, while more data is in flight.
        let first = server.take(1000 * length + length / 2);
        for (number, text) in first[..1000 * length].chunks(length).enumerate() {
            assert_eq!(read(text), (0, number));
        }
        upstream.down();
        server.reset();
        upstream.up();
        back.send(()).expect("the client waits");
        let mut server = upstream.accept();
        let (_, start) = read(&server.take(length));
        // What had left the host and was not acknowledged is lost; the line that was cut off is sent
        // again in full.
        assert!(start >= 1000, "line {start} came twice");
        let rest = server.take((LINES - 1 - start) * length);
        for (text, number) in rest.chunks(length).zip(start + 1..) {
            assert_eq!(read(text), (0, number));
        }
    });
    host.expect_no_connections();
    eventually("every line counted as queued or dropped", || {
        let metrics = host.metrics();
        let dropped = metrics.sum("linemill_lines_dropped_total", &[]);
        let queued = metrics.sum("linemill_lines_queued_total", &[]);
        (queued + dropped == LINES as f64).then_some(())
    });
}

#[test]
#[cfg(unix)]
fn a_drain_gives_up_on_an_upstream_after_the_grace_period() {
    let upstream = Upstream::tcp_down();
    let config = Host::config(&to(&upstream), "").replacen("[host]", "[host]\ndrain = \"1s\"", 1);
    let mut host = Host::serve(config);
    let mut client = host.connect();
    client.send(b"lost\n");
    host.wait_metric("linemill_lines_in_total", &[], 1.0);
    let start = Instant::now();
    host.terminate();
    host.wait();
    let took = start.elapsed();
    assert!(
        (Duration::from_secs(1)..Duration::from_secs(4)).contains(&took),
        "{took:?} with a grace period of 1 s"
    );
}

#[test]
#[cfg(unix)]
fn a_drain_delivers_waiting_lines() {
    let mut upstream = Upstream::tcp_down();
    let mut host = Host::with(&to(&upstream));
    let lines: Vec<u8> = (0..100).flat_map(|number| line(0, number)).collect();
    host.connect().send(&lines);
    host.wait_metric("linemill_lines_in_total", &[], 100.0);
    host.terminate();
    upstream.up();
    assert_all_in_order(&upstream.accept().rest(), 1, 100);
    assert_eq!(host.wait().code(), Some(0), "{}", host.stderr());
}

#[test]
#[cfg(unix)]
fn a_replaced_authority_applies_to_the_next_attempt() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let upstream = Upstream::tls(&authority.server().server(None));
    let folder = Folder::new();
    stranger.write(&folder, "ca.crt");
    let more = format!("{}to_tls = {{ ca = \"ca.crt\" }}\n", to(&upstream));
    let host = Host::serve_in(folder, Host::config(&more, ""));
    upstream.expect_refused_handshake(&authority.server().server(None));
    host.connect().send(b"waits\n");
    host.wait_metric("linemill_lines_queued_total", &[], 1.0);
    authority.write(host.folder(), "ca.crt");
    host.hang_up();
    let config = authority.server().server(None);
    let mut server = eventually("a successful handshake", || {
        upstream.try_accept()?.accept_tls(&config).ok()
    });
    server.expect(b"waits\n");
}

#[test]
#[cfg(unix)]
fn waiting_lines_use_about_their_size_in_memory() {
    const CLIENTS: usize = 50;
    let upstream = Upstream::tcp_down();
    let host = Host::with(&to(&upstream));
    let mut clients: Vec<_> = (0..CLIENTS).map(|_| host.connect()).collect();
    let mut send = |rounds: std::ops::Range<usize>| {
        for round in rounds {
            for client in &mut clients {
                client.send(b"a line\n");
            }
            // Wait, so that each line is a batch of its own.
            let sent = ((round + 1) * CLIENTS) as f64;
            host.wait_metric("linemill_lines_queued_total", &[], sent);
        }
    };
    send(0..5);
    let before = host.memory().resident;
    send(5..105);
    let grown = host.memory().resident.saturating_sub(before);
    assert!(
        grown < 4 << 20,
        "{grown} bytes for 35,000 bytes of waiting lines"
    );
}
