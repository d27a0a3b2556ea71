//! Many clients that send single bytes and never a whole line, or that never read.

use std::time::{Duration, Instant};

use linemill_tests::{PATIENCE, eventually};

use super::scene::{Innocent, KINDS, Kind, Scene};

/// Slow clients per kind.
const SLOW: usize = 30;

#[test]
fn lines_and_handshakes_that_never_end() {
    let scene = Scene::new("line_timeout = \"2s\"", "handshake_timeout = \"2s\"");
    let mut innocents = scene.innocents();
    let mut slow = Vec::new();
    for kind in KINDS {
        for _ in 0..SLOW {
            let mut client = scene.connect(kind);
            let server = (kind == Kind::Upstream).then(|| scene.upstream.accept());
            client.send(match kind {
                Kind::Octet => b"9999 ",
                // The start of a handshake of 512 bytes.
                Kind::Tls => &[22, 3, 1, 2, 0, 1, 0, 1, 252],
                _ => b"a",
            });
            slow.push((client, server));
        }
    }
    let start = Instant::now();
    while !slow.is_empty() {
        assert!(start.elapsed() < PATIENCE, "{} are open", slow.len());
        innocents.iter_mut().for_each(Innocent::exchange);
        // A closed client gets an error at the second byte it sends afterwards.
        slow.retain_mut(|(client, _)| client.offer(&[1], Duration::from_secs(1)).is_some());
        std::thread::sleep(Duration::from_millis(10));
    }
    for (reason, kinds) in [("line_timeout", KINDS.len() - 1), ("handshake", 1)] {
        let count = (SLOW * kinds) as f64;
        let labels = [("reason", reason)];
        scene
            .host
            .wait_metric("linemill_connections_closed_total", &labels, count);
    }
    scene.unharmed(innocents);
}

#[test]
fn readers_that_never_read() {
    let scene = Scene::new("write_timeout = \"1s\"", "");
    let mut innocents = scene.innocents();
    let kinds = [Kind::Lf, Kind::Octet, Kind::Unix, Kind::Upstream];
    let mut stuck = Vec::new();
    for kind in kinds {
        for _ in 0..4 {
            let mut client = scene.connect(kind);
            let server = (kind == Kind::Upstream).then(|| scene.upstream.accept());
            client.fill(
                &kind.line(b"a line whose answer nobody reads"),
                Duration::from_millis(50),
            );
            innocents[kind as usize].exchange();
            stuck.push((client, server));
        }
    }
    let labels = [("reason", "write_timeout")];
    eventually("all are closed", || {
        innocents.iter_mut().for_each(Innocent::exchange);
        let closed = scene
            .host
            .metric("linemill_connections_closed_total", &labels);
        (closed > stuck.len() as f64 - 0.5).then_some(())
    });
    drop(stuck);
    scene.unharmed(innocents);
}
