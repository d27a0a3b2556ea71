//! The table of test cases.
//!
//! In: a running server. Out: a panic if it does not behave as a case requires. Not here: behaviour
//! that depends on linemill's configuration (framings, sizes, policies, TLS, swaps), because the
//! rungs have no configuration.

use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use linemill_tests::{Client, assert_repeats, rot13};

use crate::server::Kind::{Busy, Fork, Mio, Select};
use crate::server::{Kind, Server, Settings};

/// A row of the table.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) settings: Settings,
    /// Panics if the server fails the case.
    pub(crate) run: fn(&Server),
    /// Servers that are known to fail the case, and why.
    pub(crate) known_failures: &'static [Reason],
    /// Servers that the case is not run against, and why.
    pub(crate) skipped: &'static [Reason],
}

/// Some servers, and a reason that applies to them.
type Reason = (&'static [Kind], &'static str);

impl Case {
    /// Why this server is known to fail the case, if it is.
    pub(crate) fn known_failure(&self, kind: Kind) -> Option<&'static str> {
        reason(self.known_failures, kind)
    }

    /// Why the case is not run against this server, if it is not.
    pub(crate) fn skip_reason(&self, kind: Kind) -> Option<&'static str> {
        reason(self.skipped, kind)
    }
}

fn reason(reasons: &[Reason], kind: Kind) -> Option<&'static str> {
    let found = reasons.iter().find(|(kinds, _)| kinds.contains(&kind));
    found.map(|(_, why)| *why)
}

/// A case with default settings that every server must pass.
const fn case(name: &'static str, run: fn(&Server)) -> Case {
    Case {
        name,
        settings: Settings::Default,
        run,
        known_failures: &[],
        skipped: &[],
    }
}

/// A case that requires timeouts, which rungs 2 to 5 do not have.
const fn timeout_case(name: &'static str, run: fn(&Server)) -> Case {
    Case {
        settings: Settings::ShortTimeouts,
        known_failures: &[(&[Fork, Busy, Select, Mio], "it has no timeouts")],
        ..case(name, run)
    }
}

/// All cases. Where a name has numbers, linemill's own tests use the same ones (`case_13_…`).
pub(crate) const CASES: &[Case] = &[
    case("1: a line", |server| {
        answers(server, b"hello\n", b"uryyb\n")
    }),
    case("2: a line in pieces", case_02),
    case("3: lines in one write", |server| {
        answers(server, b"a\nb\nc\n", b"n\no\np\n");
    }),
    case("4: empty lines", |server| {
        answers(server, b"\n\n\n", b"\n\n\n")
    }),
    case("5: a line over two writes", case_05),
    case("6: a partial line at the end", |server| {
        answers(server, b"", b"");
        let mut client = server.connect();
        client.send(b"abc");
        client.finish();
        client.expect(b"nop");
        client.expect_end();
    }),
    case("7: all bytes but LF", |server| {
        let mut input: Vec<u8> = (0..=255).filter(|&byte| byte != b'\n').collect();
        input.push(b'\n');
        answers(server, &input, &rot13(&input));
    }),
    case("8: each terminator is preserved", |server| {
        answers(server, b"a\r\nb\n", b"n\r\no\n");
        let input = b"a\r\n\r\n\r\r\n\n\rb\nc\r\r\nd\r";
        assert_eq!(server.connect().exchange(input), rot13(input));
    }),
    case("12: the longest line", |server| {
        for end in ["\n", "\r\n"] {
            let input = [vec![b'a'; 16_384], end.into()].concat();
            answers(server, &input, &rot13(&input));
        }
    }),
    case("13: a longer one is split", |server| {
        let input = [vec![b'a'; 16_385], b"\nok\n".to_vec()].concat();
        let output = [vec![b'n'; 16_384], b"\nn\nbx\n".to_vec()].concat();
        answers(server, &input, &output);
        let mut long = vec![b'a'; 3 * 16_384];
        long.extend_from_slice(b"a\r\n");
        let part = [vec![b'n'; 16_384], b"\n".to_vec()].concat();
        let output = [part.repeat(3), b"n\r\n".to_vec()].concat();
        assert!(server.connect().exchange(&long) == output);
    }),
    timeout_case("15: a silent connection is closed", |server| {
        let mut client = server.connect();
        client.expect_silence(Duration::from_millis(1_900));
        assert!(client.closes_within(Duration::from_secs(2)), "still open");
    }),
    timeout_case(
        "17 and 15: a connection with occasional lines stays open until it is silent",
        |server| {
            let mut client = server.connect();
            for _ in 0..3 {
                client.expect_silence(Duration::from_millis(1_200));
                client.send(b"Hello\n");
                client.expect(b"Uryyb\n");
            }
            assert!(client.closes_within(Duration::from_secs(4)), "still open");
        },
    ),
    case("18: a client that never reads is not read from", case_18),
    timeout_case("18: a client that never reads is closed", |server| {
        let mut client = server.connect();
        client.fill(b"Hello\n", Duration::from_millis(500));
        let start = Instant::now();
        while client
            .offer(b"Hello\n", Duration::from_millis(100))
            .is_some()
        {
            assert!(start.elapsed() < Duration::from_secs(5), "still open");
        }
    }),
    case(
        "more than 16 KiB pipelined, then answers, many times",
        pipelined,
    ),
    case("megabytes pipelined, then the end of input", |server| {
        let input = b"a line among many\n\nand another\r\n".repeat(200_000);
        assert!(server.connect().exchange(&input) == rot13(&input));
    }),
    case(
        "pending output is sent after the end of input",
        pending_output,
    ),
    case("one byte at a time", |server| {
        let mut client = server.connect();
        for byte in b"Hello\r\n\nrest" {
            client.send(&[*byte]);
            sleep(Duration::from_millis(2));
        }
        client.finish();
        client.expect(b"Uryyb\r\n\nerfg");
        client.expect_end();
    }),
    case("a stuck client does not hold up others", |server| {
        let mut stuck = server.connect();
        let sent = stuck.fill(b"Hello\n", Duration::from_millis(200));
        for _ in 0..20 {
            answers(server, b"hello\n", b"uryyb\n");
        }
        stuck.finish();
        assert_repeats(&stuck.rest(), b"Uryyb\n", sent);
    }),
    case(
        "a client that resets the connection does not affect others",
        |server| {
            for _ in 0..20 {
                let mut client = server.connect();
                client.send(b"Hello\nunfin");
                client.reset();
            }
            let mut stuck = server.connect();
            stuck.fill(b"Hello\n", Duration::from_millis(200));
            stuck.reset();
            answers(server, b"hello\n", b"uryyb\n");
        },
    ),
    case("many connections at once do not mix", many),
    Case {
        skipped: &[(&[Fork], "1,100 processes are too much for a test")],
        ..case(
            "more connections than the sets of select have bits",
            descriptors,
        )
    },
    Case {
        known_failures: &[(&[Busy], "it polls all sockets all the time")],
        ..case("idle connections cost no processor time", |server| {
            let mut idle = server.connect();
            idle.send(b"hello\n");
            idle.expect(b"uryyb\n");
            // Less than a tenth of a core.
            let before = server.processor_time();
            idle.expect_silence(Duration::from_millis(500));
            let used = server.processor_time() - before;
            assert!(used < Duration::from_millis(50), "{used:?}");
        })
    },
];

/// Sends `input` in one write, expects exactly `output`, then sends a FIN and expects one.
fn answers(server: &Server, input: &[u8], output: &[u8]) {
    let mut client = server.connect();
    client.send(input);
    client.expect(output);
    client.finish();
    client.expect_end();
}

fn case_02(server: &Server) {
    let mut client = server.connect();
    for byte in b"Hello" {
        client.send(&[*byte]);
        sleep(Duration::from_millis(10));
    }
    client.expect_silence(Duration::from_millis(40));
    client.send(b"\n");
    client.expect(b"Uryyb\n");
}

fn case_05(server: &Server) {
    let mut client = server.connect();
    client.send(b"ab");
    client.expect_silence(Duration::from_millis(200));
    client.send(b"c\nde");
    client.expect(b"nop\n");
    client.expect_silence(Duration::from_millis(100));
    client.send(b"\n");
    client.expect(b"qr\n");
}

fn case_18(server: &Server) {
    // First send a few MiB through a client that reads, so that one-time allocations do not count.
    let line = b"a line that waits for its reader\n";
    let input = line.repeat(100_000);
    assert!(server.connect().exchange(&input) == rot13(&input));
    let mut client = server.connect();
    client.send(b"Hello\n");
    client.expect(b"Uryyb\n");
    let before = server.memory();
    let sent = client.fill(line, Duration::from_millis(300));
    assert!(sent < 64 << 20, "{sent} bytes were taken");
    let grown = server.memory().saturating_sub(before);
    assert!(grown < 1 << 20, "grew by {grown} bytes");
    // Nothing of it is lost.
    client.finish();
    assert_repeats(&client.rest(), &rot13(line), sent);
}

/// Pipelines input that fits into the buffers of sockets but not into a buffer of 16 KiB,
/// repeatedly on one connection.
fn pipelined(server: &Server) {
    let mut client = server.connect();
    for round in 0..20 {
        let input = format!("line of round {round}\n").repeat(2_000);
        client.send(input.as_bytes());
        client.expect(&rot13(input.as_bytes()));
    }
    // More than 16 KiB without an LF, then an LF: the line is split into parts of maximum length.
    client.send(&[b'a'; 40_000]);
    client.send(b"\nok\n");
    let part = [vec![b'n'; 16_384], b"\n".to_vec()].concat();
    client.expect(
        &[
            part.repeat(2),
            vec![b'n'; 40_000 - 2 * 16_384],
            b"\nbx\n".to_vec(),
        ]
        .concat(),
    );
}

fn pending_output(server: &Server) {
    let line = b"a line that is still pending\n";
    let mut client = Client::with_little_room(server.address, 4 * 1024);
    let sent = client.fill(line, Duration::from_millis(200));
    // The last line may be cut off.
    client.finish();
    assert_repeats(&client.rest(), &rot13(line), sent);
}

fn many(server: &Server) {
    scope(|scope| {
        for name in 0..8_u8 {
            scope.spawn(move || {
                let mut clients: Vec<_> = (0..25).map(|_| server.connect()).collect();
                for round in 0..10 {
                    let lines = |nth: usize| format!("{name} {nth} {round} hello\n").repeat(10);
                    for (nth, client) in clients.iter_mut().enumerate() {
                        client.send(lines(nth).as_bytes());
                    }
                    for (nth, client) in clients.iter_mut().enumerate() {
                        client.expect(&rot13(lines(nth).as_bytes()));
                    }
                }
            });
        }
    });
}

fn descriptors(server: &Server) {
    let mut clients: Vec<_> = (0..1_100).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.send(b"hello\n");
    }
    for client in &mut clients {
        client.expect(b"uryyb\n");
    }
}
