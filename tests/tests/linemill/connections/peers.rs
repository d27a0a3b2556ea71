//! Slow and odd peers: bytes one by one, resets anywhere, floods, no descriptors left.
//!
//! What stands between them and the host is a proxy that makes the faults.

use std::time::{Duration, Instant};

use linemill_tests::{Client, Hop, Host, Proxy, Way, assert_repeats, rot13};

const NONE: Way = Way {
    delay: Duration::ZERO,
    piece: 64 * 1024,
    reset_after: None,
    stall_after: None,
};

/// Ways that pass one byte at a time.
const BYTES: Way = Way { piece: 1, ..NONE };

/// Lines of all kinds: short, empty, with either terminator, and a long one.
fn input() -> Vec<u8> {
    let long = b"a line that is longer than others ".repeat(100);
    [&b"Hello\r\n\nWorld\n\r\n"[..], &long, b"\nrest"].concat()
}

#[test]
fn bytes_come_and_go_one_at_a_time() {
    let host = Host::with("");
    let input = input();
    for (up, down) in [(BYTES, NONE), (NONE, BYTES), (BYTES, BYTES)] {
        let proxy = Proxy::to(host.address(), up, down);
        let answer = Client::connect(proxy.address()).exchange(&input);
        assert!(answer == rot13(&input));
    }
    host.expect_no_connections();
}

#[test]
fn bytes_go_through_a_hop_one_at_a_time() {
    let hop = Hop::tcp();
    let beyond = Proxy::to(hop.address(), BYTES, BYTES);
    let host = Host::with(&format!("to = \"tcp://{}\"", beyond.address()));
    let proxy = Proxy::to(host.address(), BYTES, BYTES);
    let input = input();
    let mut client = Client::connect(proxy.address());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut server = hop.accept();
            let got = server.rest();
            assert!(got == rot13(&input), "forward");
            server.send(&got);
        });
        assert!(client.exchange(&input) == rot13(&input), "back");
    });
    host.expect_no_connections();
}

/// Places where a reset may hit: within and between lines, and in the middle of much.
const PLACES: [u64; 9] = [0, 1, 5, 6, 7, 13, 1_000, 65_536, 300_000];

/// Sends what is taken of `input`.
fn offer(end: &mut Client, input: &[u8]) {
    let mut sent = 0;
    while sent < input.len() {
        match end.offer(&input[sent..], Duration::from_secs(10)) {
            Some(count) => sent += count,
            None => return,
        }
    }
}

/// Sends much and reads what comes, until the connection is reset.
fn until_reset(client: &mut Client, input: &[u8]) {
    let mut sender = client.another();
    std::thread::scope(|scope| {
        scope.spawn(move || offer(&mut sender, input));
        // The sender may have been told of the reset, and then the reader sees a plain end.
        let (got, _) = client.rest_until_end();
        let expected = rot13(&input[..got.len()]);
        assert!(got == expected, "what came before the reset is right");
    });
}

#[test]
fn a_reset_anywhere_leaves_no_connection_behind() {
    let host = Host::with("");
    let input = b"Hello\nWorld\na line among many\n".repeat(20_000);
    for place in PLACES {
        let cut = Way {
            reset_after: Some(place),
            ..NONE
        };
        for (up, down) in [(cut, NONE), (NONE, cut)] {
            let proxy = Proxy::to(host.address(), up, down);
            match Client::try_connect(proxy.address()) {
                Ok(mut client) => until_reset(&mut client, &input),
                // It may come before the client has looked whether it is connected.
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

/// Much both ways through a hop behind `proxy`, until that resets both.
fn between_resets(hop: &Hop, proxy: &Proxy) {
    let input = b"Hello\nWorld\na line among many\n".repeat(20_000);
    // A reset at once may look like a hop that cannot be reached, and is then tried again.
    let host = Host::with(&format!(
        "to = \"tcp://{}\"\nreply_chain = [\"rot13\"]\nwrite_timeout = \"3s\"",
        proxy.address()
    ));
    let mut client = host.connect();
    let mut server = hop.accept();
    let (mut asking, mut answering) = (client.another(), server.another());
    std::thread::scope(|scope| {
        scope.spawn(|| offer(&mut asking, &input));
        scope.spawn(|| offer(&mut answering, &input));
        scope.spawn(|| server.rest_until_end());
        let (got, _) = client.rest_until_end();
        assert!(got == rot13(&input[..got.len()]), "what came back is right");
    });
    host.expect_no_connections();
}

#[test]
fn a_reset_of_the_hop_anywhere_leaves_no_connection_behind() {
    std::thread::scope(|scope| {
        for place in [0, 6, 1_000, 300_000] {
            let cut = Way {
                reset_after: Some(place),
                ..NONE
            };
            for (up, down) in [(cut, NONE), (NONE, cut)] {
                scope.spawn(move || {
                    let hop = Hop::tcp();
                    between_resets(&hop, &Proxy::to(hop.address(), up, down));
                });
            }
        }
    });
}

#[test]
fn a_slow_reader_gets_everything() {
    let host = Host::with("");
    let slow = Way {
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
fn a_reader_that_stops_and_goes_on_gets_everything() {
    let host = Host::with("");
    let stall = Way {
        stall_after: Some(100_000),
        ..NONE
    };
    let proxy = Proxy::to(host.address(), NONE, stall);
    let line = b"a line that waits for its reader\n";
    let mut client = Client::connect(proxy.address());
    let sent = client.fill(line, Duration::from_millis(300));
    assert_eq!(proxy.passed_down(), 100_000);
    client.finish();
    proxy.go_on();
    let got = client.rest();
    assert_repeats(&got, &rot13(line), sent);
}

/// Bytes that the host has read and not written, when a reader is stuck.
#[track_caller]
fn held(watermarks: &str) -> f64 {
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
fn a_stuck_reader_holds_no_more_than_the_high_watermark_and_a_batch() {
    const KIB: f64 = 1024.0;
    // A read takes 64 KiB at most, and a partial line may wait beside it.
    let batch = 80.0 * KIB;
    let little = held("watermarks = { high = \"16KiB\", low = \"4KiB\" }");
    assert!(
        (1.0..16.0 * KIB + batch).contains(&little),
        "{little} bytes held"
    );
    let much = held("watermarks = { high = \"1MiB\", low = \"16KiB\" }");
    assert!(
        (1024.0 * KIB..1024.0 * KIB + batch).contains(&much),
        "{much} bytes held"
    );
}

#[test]
fn a_flood_of_connections_passes() {
    let host = Host::with("");
    let address = host.address();
    for round in 0..5 {
        let mut clients: Vec<Client> = (0..300).map(|_| Client::connect(address)).collect();
        for (number, client) in clients.iter_mut().enumerate() {
            client.send(b"Hello\nunfin");
            if number % 3 == 0 {
                client.expect(b"Uryyb\n");
            }
        }
        for (number, mut client) in clients.into_iter().enumerate() {
            match (number + round) % 3 {
                0 => client.reset(),
                1 => client.finish(),
                _ => drop(client),
            }
        }
    }
    host.expect_no_connections();
    assert_eq!(host.connect().exchange(b"Hello\n"), b"Uryyb\n");
}

#[test]
#[cfg(target_os = "linux")]
fn without_descriptors_accept_pauses_and_goes_on_when_there_are_some() {
    let host = Host::serve_with_descriptors(80, Host::config("", ""));
    let address = host.address();
    let mut waiting: Vec<Client> = (0..120)
        .map(|_| {
            let mut client = Client::connect(address);
            client.send(b"Hello\n");
            client
        })
        .collect();
    // Those that it accepts are answered, in order, until it can accept no more.
    let mut served = Vec::new();
    while waiting[0].answers_within(b"Uryyb\n", Duration::from_millis(500)) {
        served.push(waiting.remove(0));
    }
    assert!(
        (20..80).contains(&served.len()),
        "{} served with 80 descriptors",
        served.len()
    );
    let (start, before) = (Instant::now(), host.processor_time());
    waiting[0].expect_silence(Duration::from_millis(1500));
    let used = host.processor_time() - before;
    assert!(
        used < start.elapsed() / 8,
        "{used:?} of {:?} in a busy loop",
        start.elapsed()
    );
    // Who is served is not disturbed.
    served[0].send(b"more\n");
    served[0].expect(b"zber\n");
    while !waiting.is_empty() {
        // Each that leaves makes room for one that waits.
        let mut leaving = served.remove(0);
        leaving.finish();
        leaving.expect_end();
        let mut next = waiting.remove(0);
        next.expect(b"Uryyb\n");
        served.push(next);
    }
    drop(served);
    host.expect_no_connections();
    let lines = host.stderr().lines().count();
    assert!(lines < 60, "{lines} lines of log:\n{}", host.stderr());
}
