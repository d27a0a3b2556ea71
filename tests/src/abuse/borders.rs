//! What comes before lines, and beside them: handshakes, headers, lengths and requests that are wrong.
//!
//! In: where to send them. Out: nothing.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::{Stop, Targets, open, pause, pull, push, stay};
use crate::Client;

/// Connections of an attack that holds some.
const HELD: usize = 200;

/// Sends each of `parts` in turn as the first and only bytes of connections, and holds these.
fn offer(address: SocketAddr, parts: &[&[u8]], stop: &Stop) {
    let mut held = Vec::new();
    for part in parts.iter().cycle().take(HELD) {
        if stop.is_set() {
            return;
        }
        if let Some(stream) = open(address) {
            push(&stream, part);
            held.push(stream);
        }
        if held.len() % 10 == 0 {
            pause();
        }
    }
    stay(stop);
}

pub(super) fn half_hellos(to: &Targets, stop: &Stop) {
    // The start of a handshake of 512 bytes, and nothing like one.
    let parts: [&[u8]; 3] = [
        &[22, 3, 1, 2, 0, 1, 0, 1, 252],
        &[22, 3, 1],
        &[22, 3, 1, 255, 255, 9, 9, 9],
    ];
    offer(to.tls, &parts, stop);
}

pub(super) fn handshakes(to: &Targets, _: &Stop) {
    let client =
        Client::try_connect(to.tls).and_then(|client| client.start_tls(&Arc::clone(&to.trust)));
    // It may be refused.
    drop(client);
}

pub(super) fn proxy_garbage(to: &Targets, stop: &Stop) {
    let parts: [&[u8]; 6] = [
        b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2",
        b"PROXY TCP9 a b c d\r\n",
        b"PROXY UNKNOWN aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff",
        b"\r\n\r\n\0\r\nQUIT\n\x2f\x00\x00",
        b"no header at all\n",
    ];
    offer(to.proxied, &parts, stop);
}

pub(super) fn bad_lengths(to: &Targets, stop: &Stop) {
    let parts: [&[u8]; 6] = [
        b"99999999999999999999 a",
        b"-1 a",
        b"0000000000000000000000001 a",
        b"60000 only a part",
        b"1x",
        b" ",
    ];
    offer(to.octet, &parts, stop);
}

pub(super) fn random_bytes(to: &Targets, stop: &Stop) {
    let all = [
        to.innocent,
        to.states,
        to.tls,
        to.proxied,
        to.octet,
        to.admin,
    ];
    let (mut state, mut answers) = (0x6c69_6e65_6d69_6c6c_u64, vec![0; 64 * 1024]);
    let mut next = move || {
        // xorshift64*
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as u8
    };
    for address in all.iter().cycle() {
        if stop.is_set() {
            return;
        }
        let bytes: Vec<u8> = (0..4096).map(|_| next()).collect();
        if let Some(stream) = open(*address) {
            push(&stream, &bytes);
            thread::sleep(Duration::from_micros(200));
            pull(&stream, &mut answers);
        }
    }
}

pub(super) fn slow_heads(to: &Targets, stop: &Stop) {
    let head = b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ";
    let mut held: Vec<TcpStream> = Vec::new();
    for at in 0.. {
        if stop.is_set() {
            return;
        }
        if held.len() < HELD {
            held.extend(open(to.admin));
        }
        let byte = &[*head.get(at % 400).unwrap_or(&b'a')];
        held.retain(|stream| push(stream, byte).is_some());
        pause();
    }
}

pub(super) fn requests(to: &Targets, stop: &Stop) {
    let mut answers = vec![0; 64 * 1024];
    for path in ["/metrics", "/status", "/healthz", "/nothing"]
        .iter()
        .cycle()
    {
        let Some(stream) = open(to.admin) else {
            pause();
            continue;
        };
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            to.admin
        );
        push(&stream, request.as_bytes());
        let start = Instant::now();
        while pull(&stream, &mut answers).is_some() && start.elapsed() < Duration::from_secs(1) {
            if stop.is_set() {
                return;
            }
            thread::sleep(Duration::from_micros(100));
        }
    }
}
