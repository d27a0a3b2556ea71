//! A small budget, and everything that wants memory at once: connections without end, filters that take all
//! they may, lines that go on for 16 MiB, and an upstream that is stuck.
//!
//! In: how many connections are tried. Out: the peak of resident memory, what an innocent client saw
//! meanwhile, and what is left afterwards.

use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use linemill_tests::{Folder, Host, Manner, Receiver, guest};

use super::measure::Measure;

/// The budget, in MiB.
const BUDGET: f64 = 256.0;
/// Clients of the filter that takes all it may, of lines that do not end, and of the stuck upstream.
const CLIENTS: usize = 24;
/// How much of a line is sent.
const LINE: usize = 15 << 20;
/// Connections that are open at the same time at most, which this process has descriptors for.
const OPEN: usize = 3000;
/// How long memory has to go back to the system.
const BACK: Duration = Duration::from_secs(20);

/// What an innocent client sees.
#[derive(Debug, Default)]
struct Found {
    asked: u64,
    /// Lines that came back, on a connection that was made before.
    answered: u64,
    /// Clients that came meanwhile, and were served.
    admitted: u64,
    slowest: Duration,
}

pub(super) fn run(attempts: u64) -> anyhow::Result<Vec<Measure>> {
    let stuck = Receiver::start(Manner::Frozen);
    let folder = Folder::new();
    folder.write("sponge.wasm", guest::batch("sponge"));
    let host = Host::serve_in(folder, config(&stuck));
    let [other, crowd, sponge, long, upstream] = [0, 1, 2, 3, 4].map(|nth| host.listener(nth));
    for address in [other, crowd, long] {
        ensure!(
            innocent(address).is_some(),
            "an innocent client is not served"
        );
    }
    let mut early = TcpStream::connect(other)?;
    early.set_read_timeout(Some(linemill_tests::PATIENCE))?;
    let before = mib(host.memory().resident);
    host.forget_peak();
    let (stop, tried) = (AtomicBool::new(false), AtomicU64::new(0));
    let found = thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| stuff(sponge, b"more!\n", usize::MAX, &stop));
            scope.spawn(|| stuff(long, &[b'a'; 64 * 1024], LINE, &stop));
            scope.spawn(|| {
                stuff(
                    upstream,
                    &[&[b'a'; 1023][..], b"\n"].concat(),
                    usize::MAX,
                    &stop,
                )
            });
        }
        scope.spawn(|| {
            attempt(crowd, attempts, &tried);
            stop.store(true, Ordering::Relaxed);
        });
        let mut found = Found::default();
        while !stop.load(Ordering::Relaxed) {
            found.asked += 1;
            if let Some(took) = exchange(&mut early) {
                found.answered += 1;
                found.slowest = found.slowest.max(took);
            }
            found.admitted += u64::from(innocent(other).is_some());
            thread::sleep(Duration::from_millis(50));
        }
        found
    });
    let Found {
        asked,
        answered,
        admitted,
        slowest,
    } = found;
    let peak = mib(host.peak_memory());
    drop(early);
    // Clients that have left wait for their lines to be taken.
    stuck.behave(Manner::Reads);
    let refused = host.metric("linemill_connections_refused_total", &[]);
    host.expect_no_connections();
    let start = Instant::now();
    let mut after = mib(host.memory().resident);
    while after > 1.2 * before && start.elapsed() < BACK {
        thread::sleep(Duration::from_millis(100));
        after = mib(host.memory().resident);
    }
    eprintln!(
        "crowd: {} connections tried, {refused:.0} refused and counted; an innocent client that was there before got \
         {answered} of {asked} lines back, the slowest in {slowest:.1?}; {admitted} of {asked} further ones were \
         admitted; {before:.1} MiB before, {peak:.1} at most, {after:.1} after {:.1?}",
        tried.load(Ordering::Relaxed),
        start.elapsed()
    );
    Ok(vec![
        Measure::at_most(
            1.1 * BUDGET,
            " MiB",
            "most that was resident, of a budget of 256 MiB",
            peak,
        ),
        Measure::exactly(
            asked,
            format!("of {asked} lines of an innocent client, filtered and returned meanwhile"),
            answered,
        ),
        Measure::at_most(1.2, "", "resident afterwards / before", after / before),
    ])
}

fn config(stuck: &Receiver) -> String {
    let listener = |name: &str, keys: &str| {
        format!("[[listener]]\nname = \"{name}\"\nbind = \"127.0.0.1:0\"\n{keys}\n")
    };
    [
        format!("[host]\nadmin = \"127.0.0.1:0\"\nmemory = \"{BUDGET}MiB\"\n"),
        listener("other", "chain = [\"rot13\"]"),
        listener("crowd", "chain = [\"rot13\"]\nmax_connections = 100000"),
        listener("sponge", "chain = [\"sponge\"]"),
        listener("long", "chain = [\"rot13\"]\nmax_line = \"16MiB\"\nline_timeout = \"0s\""),
        listener(
            "upstream",
            &format!("chain = []\nto = \"{}\"\nshared = true\nbuffer = \"1GiB\"", stuck.url()),
        ),
        "[filter.sponge]\nplugin = \"./sponge.wasm\"\nisolation = \"connection\"\nmemory = \"64MiB\"\ndeadline = \"5s\"\n"
            .to_owned(),
    ]
    .concat()
}

/// Opens so many connections, each of which sends a line, and keeps the newest open.
fn attempt(address: SocketAddr, attempts: u64, tried: &AtomicU64) {
    use std::io::Write as _;
    let mut open = std::collections::VecDeque::new();
    for _ in 0..attempts {
        tried.fetch_add(1, Ordering::Relaxed);
        if let Ok(mut stream) = TcpStream::connect(address) {
            // It may have been refused already.
            drop(stream.write_all(b"one line\n"));
            open.push_back(stream);
        }
        if open.len() > OPEN {
            open.pop_front();
        }
    }
}

/// Sends `block` again and again, up to `most` bytes, without reading, until told to stop. Connects again
/// when the host closes.
fn stuff(address: SocketAddr, block: &[u8], most: usize, stop: &AtomicBool) {
    use std::io::{ErrorKind, Write as _};
    while !stop.load(Ordering::Relaxed) {
        let Ok(mut stream) = TcpStream::connect(address) else {
            thread::sleep(Duration::from_millis(20));
            continue;
        };
        let mut sent = 0;
        let wait = Some(Duration::from_millis(50));
        if stream.set_write_timeout(wait).is_err() {
            continue;
        }
        while !stop.load(Ordering::Relaxed) {
            if sent >= most {
                thread::sleep(Duration::from_millis(50));
                continue;
            }
            match stream.write(block) {
                Ok(count) => sent += count,
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => break,
            }
        }
    }
}

/// How long a line and its answer take on a connection of its own; `None` if there is no answer.
fn innocent(address: SocketAddr) -> Option<Duration> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream
        .set_read_timeout(Some(linemill_tests::PATIENCE))
        .ok()?;
    exchange(&mut stream)
}

/// How long a line and its answer take; `None` if there is no answer.
fn exchange(stream: &mut TcpStream) -> Option<Duration> {
    use std::io::{Read as _, Write as _};
    let start = Instant::now();
    stream.write_all(b"Hello\n").ok()?;
    let mut answer = [0; 6];
    stream.read_exact(&mut answer).ok()?;
    (answer == *b"Uryyb\n").then(|| start.elapsed())
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
