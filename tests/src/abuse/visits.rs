//! Connections that come and go, or stay and say nothing.
//!
//! In: where to connect. Out: nothing.

use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use socket2::SockRef;

use super::{Stop, Targets, open, pause, pull, push, stay};

/// Connections that stay open.
const HELD: usize = 500;
/// Connections that wait for filters to start. Each costs processor time even after it has been closed: a
/// client may send lines and FIN, and wait for answers.
const STARTS: usize = 20;
/// How long an answer is waited for.
const WAIT: Duration = Duration::from_millis(200);

/// Opens connections and sends `first` on each, until there are many; holds them for a while.
fn hold(address: SocketAddr, first: &[u8], ends: bool, stop: &Stop) {
    let mut held = Vec::new();
    while held.len() < HELD && !stop.is_set() {
        let Some(stream) = open(address) else {
            pause();
            continue;
        };
        push(&stream, first);
        if ends {
            drop(stream.shutdown(Shutdown::Write));
        }
        held.push(stream);
        if held.len() % 10 == 0 {
            pause();
        }
    }
    stay(stop);
}

/// Opens a connection, sends a line, and waits for the answer.
fn visit(address: SocketAddr) -> Option<TcpStream> {
    let stream = open(address)?;
    push(&stream, b"a short visit\n")?;
    let (mut answer, start) = ([0; 64], Instant::now());
    while pull(&stream, &mut answer) == Some(0) && start.elapsed() < WAIT {
        std::thread::sleep(Duration::from_micros(50));
    }
    Some(stream)
}

pub(super) fn slow_starts(to: &Targets, stop: &Stop) {
    let held: Vec<_> = (0..STARTS).filter_map(|_| open(to.start)).collect();
    for stream in &held {
        push(stream, b"a\n");
    }
    while !stop.is_set() {
        pause();
    }
}

pub(super) fn states(to: &Targets, stop: &Stop) {
    hold(to.states, b"a\n", false, stop);
}

pub(super) fn say_nothing(to: &Targets, stop: &Stop) {
    hold(to.innocent, b"", false, stop);
}

pub(super) fn half_close(to: &Targets, stop: &Stop) {
    let lines = b"lines before an early end\n".repeat(100);
    hold(to.innocent, &lines, true, stop);
}

pub(super) fn reconnect(to: &Targets, _: &Stop) {
    drop(visit(to.innocent));
}

pub(super) fn reset(to: &Targets, _: &Stop) {
    if let Some(stream) = visit(to.innocent) {
        push(&stream, b"a line whose answer nobody waits for\n");
        drop(SockRef::from(&stream).set_linger(Some(Duration::ZERO)));
    }
}
