//! Lines that are endless, expensive, or whose answers are never read.
//!
//! In: where to send them. Out: nothing.

use std::net::{SocketAddr, TcpStream};

use super::{Stop, Targets, open, pause, pull, push};

/// Connections of an attack that holds some.
const CONNECTIONS: usize = 16;
/// How much is offered at a time.
const BLOCK: usize = 64 * 1024;

/// Sends `block` again and again on some connections, and reads the answers if `reads`. A connection that
/// the host has closed is replaced.
fn repeat(address: SocketAddr, connections: usize, block: &[u8], reads: bool, stop: &Stop) {
    let mut open: Vec<(Option<TcpStream>, usize)> = (0..connections).map(|_| (None, 0)).collect();
    let mut answers = vec![0; BLOCK];
    while !stop.is_set() {
        let mut moved = 0;
        for (stream, at) in &mut open {
            if stream.is_none() {
                (*stream, *at) = (super::open(address), 0);
            }
            let Some(one) = stream else { continue };
            let sent = push(one, &block[*at..]);
            let got = if reads {
                pull(one, &mut answers)
            } else {
                Some(0)
            };
            match (sent, got) {
                (Some(sent), Some(got)) => {
                    *at = (*at + sent) % block.len();
                    moved += sent + got;
                }
                _ => *stream = None,
            }
        }
        if moved == 0 {
            pause();
        }
    }
}

pub(super) fn never_read(to: &Targets, stop: &Stop) {
    let lines = b"a line whose answer nobody reads\n".repeat(BLOCK / 33);
    repeat(to.innocent, CONNECTIONS, &lines, false, stop);
}

pub(super) fn never_end(to: &Targets, stop: &Stop) {
    repeat(to.innocent, CONNECTIONS, &[b'a'; BLOCK], true, stop);
}

pub(super) fn flood(to: &Targets, stop: &Stop) {
    let lines = b"one of very many lines that come as fast as they are taken\n".repeat(BLOCK / 59);
    repeat(to.innocent, 1, &lines, true, stop);
}

pub(super) fn single_bytes(to: &Targets, stop: &Stop) {
    let streams: Vec<_> = (0..CONNECTIONS).filter_map(|_| open(to.innocent)).collect();
    let mut answers = vec![0; BLOCK];
    for byte in b"a line in many writes\n".iter().cycle() {
        for stream in &streams {
            let whole = push(stream, &[*byte]).and(pull(stream, &mut answers));
            if whole.is_none() || stop.is_set() {
                return;
            }
        }
    }
}

/// Each byte is one that the filter has to replace by more.
pub(super) fn expensive(to: &Targets, stop: &Stop) {
    let line = [&b"#".repeat(24 * 1024)[..], b"\n"].concat();
    repeat(to.innocent, 4, &line.repeat(2), true, stop);
}

pub(super) fn trap(to: &Targets, stop: &Stop) {
    repeat(to.trap, CONNECTIONS, b"bad!\n", true, stop);
}

pub(super) fn spin(to: &Targets, stop: &Stop) {
    repeat(to.spin, CONNECTIONS, b"spin!\n", true, stop);
}

pub(super) fn bloat(to: &Targets, stop: &Stop) {
    repeat(to.sponge, CONNECTIONS, b"more!\n", true, stop);
}

pub(super) fn huge_answers(to: &Targets, stop: &Stop) {
    repeat(to.huge, CONNECTIONS, b"huge!\n", true, stop);
}
