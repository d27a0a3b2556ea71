//! Resets anywhere in a stream, injected by a proxy: no connection is left behind, no line uncounted.

use std::time::Duration;

use linemill_tests::{Client, Faults, Host, Proxy, Upstream, rot13};

use super::slow::NONE;

/// Offsets of resets: within and between lines, and in the middle of a large stream.
const PLACES: [u64; 9] = [0, 1, 5, 6, 7, 13, 1_000, 65_536, 300_000];

/// Sends `input` until the other end closes.
fn offer(end: &mut Client, input: &[u8]) {
    let mut sent = 0;
    while sent < input.len() {
        match end.offer(&input[sent..], Duration::from_secs(10)) {
            Some(count) => sent += count,
            None => return,
        }
    }
}

/// Sends `input` and reads the answers until the connection is reset; asserts that they are correct.
fn until_reset(client: &mut Client, input: &[u8]) {
    let mut sender = client.another();
    std::thread::scope(|scope| {
        scope.spawn(move || offer(&mut sender, input));
        // If the sender gets the error of the reset, the reader sees a normal end.
        let (got, _) = client.rest_until_end();
        let expected = rot13(&input[..got.len()]);
        assert!(got == expected, "a wrong answer before the reset");
    });
}

#[test]
fn a_reset_anywhere_leaves_no_connection_behind() {
    let host = Host::with("");
    let input = b"Hello\nWorld\na line among many\n".repeat(20_000);
    for place in PLACES {
        let cut = Faults {
            reset_after: Some(place),
            ..NONE
        };
        for (up, down) in [(cut, NONE), (NONE, cut)] {
            let proxy = Proxy::to(host.address(), up, down);
            match Client::try_connect(proxy.address()) {
                Ok(mut client) => until_reset(&mut client, &input),
                // The reset may come before `connect` returns.
                Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
            }
        }
    }
    host.expect_no_connections();
    assert_eq!(host.connect().exchange(b"Hello\n"), b"Uryyb\n");
    let metrics = host.metrics();
    let read = metrics.sum("linemill_lines_in_total", &[]);
    let written = metrics.sum("linemill_lines_out_total", &[]);
    let lost = metrics.sum("linemill_lines_dropped_total", &[("reason", "closed")]);
    assert_eq!(read.to_string(), (written + lost).to_string());
}

/// Sends much in both directions, to an upstream behind `proxy`, until the proxy resets both
/// connections.
fn between_resets(upstream: &Upstream, proxy: &Proxy) {
    let input = b"Hello\nWorld\na line among many\n".repeat(20_000);
    // An immediate reset may look like an upstream that is down, which the host retries.
    let host = Host::with(&format!(
        "to = \"tcp://{}\"\nreply_chain = [\"rot13\"]\nwrite_timeout = \"3s\"",
        proxy.address()
    ));
    let mut client = host.connect();
    let mut server = upstream.accept();
    let (mut asking, mut answering) = (client.another(), server.another());
    std::thread::scope(|scope| {
        scope.spawn(|| offer(&mut asking, &input));
        scope.spawn(|| offer(&mut answering, &input));
        scope.spawn(|| server.rest_until_end());
        let (got, _) = client.rest_until_end();
        assert!(got == rot13(&input[..got.len()]), "a wrong answer");
    });
    host.expect_no_connections();
}

#[test]
fn a_reset_of_an_upstream_anywhere_leaves_no_connection_behind() {
    std::thread::scope(|scope| {
        for place in [0, 6, 1_000, 300_000] {
            let cut = Faults {
                reset_after: Some(place),
                ..NONE
            };
            for (up, down) in [(cut, NONE), (NONE, cut)] {
                scope.spawn(move || {
                    let upstream = Upstream::tcp();
                    between_resets(&upstream, &Proxy::to(upstream.address(), up, down));
                });
            }
        }
    });
}
