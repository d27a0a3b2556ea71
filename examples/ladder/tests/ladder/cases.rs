//! The table of cases.
//!
//! What of linemill's behaviour is a matter of its configuration (framings, sizes, policies, TLS,
//! swaps) is not here: the rungs have none.

use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use linemill_tests::{Client, assert_repeats, rot13};

use crate::server::Kind::{Busy, Fork, Mio, Select};
use crate::server::{Kind, Server, Settings};

/// One row.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) settings: Settings,
    /// Panics when the server does otherwise.
    pub(crate) run: fn(&Server),
    /// Servers that are known to do otherwise, and why.
    pub(crate) known: &'static [Reason],
    /// Servers that it is not tried on, and why.
    pub(crate) left_out: &'static [Reason],
}

/// Which servers, and why.
type Reason = (&'static [Kind], &'static str);

impl Case {
    /// The reason for which this server is known to do otherwise.
    pub(crate) fn known_of(&self, kind: Kind) -> Option<&'static str> {
        reason(self.known, kind)
    }

    /// The reason for which it is not tried on this server.
    pub(crate) fn left_out_of(&self, kind: Kind) -> Option<&'static str> {
        reason(self.left_out, kind)
    }
}

fn reason(reasons: &[Reason], kind: Kind) -> Option<&'static str> {
    let found = reasons.iter().find(|(kinds, _)| kinds.contains(&kind));
    found.map(|(_, why)| *why)
}

const fn case(name: &'static str, run: fn(&Server)) -> Case {
    Case {
        name,
        settings: Settings::Default,
        run,
        known: &[],
        left_out: &[],
    }
}

/// One that needs a clock.
const fn impatient(name: &'static str, run: fn(&Server)) -> Case {
    Case {
        settings: Settings::Impatient,
        known: &[(
            &[Fork, Busy, Select, Mio],
            "it has no clock: what waits may wait for ever",
        )],
        ..case(name, run)
    }
}

pub(crate) const CASES: &[Case] = &[
    case("1: a line", |server| whole(server, b"hello\n", b"uryyb\n")),
    case("2: a line in pieces", case_02),
    case("3: lines in one write", |server| {
        whole(server, b"a\nb\nc\n", b"n\no\np\n");
    }),
    case("4: empty lines", |server| {
        whole(server, b"\n\n\n", b"\n\n\n")
    }),
    case("5: a line over two writes", case_05),
    case("6: the unterminated rest", |server| {
        whole(server, b"", b"");
        let mut client = server.connect();
        client.send(b"abc");
        client.finish();
        client.expect(b"nop");
        client.expect_end();
    }),
    case("7: all bytes but LF", |server| {
        let mut input: Vec<u8> = (0..=255).filter(|&byte| byte != b'\n').collect();
        input.push(b'\n');
        whole(server, &input, &rot13(&input));
    }),
    case("8: each terminator comes back as it came", |server| {
        whole(server, b"a\r\nb\n", b"n\r\no\n");
        let input = b"a\r\n\r\n\r\r\n\n\rb\nc\r\r\nd\r";
        assert_eq!(server.connect().exchange(input), rot13(input));
    }),
    case("12: the longest line", |server| {
        for end in ["\n", "\r\n"] {
            let input = [vec![b'a'; 16_384], end.into()].concat();
            whole(server, &input, &rot13(&input));
        }
    }),
    case("13: a longer one is split", |server| {
        let input = [vec![b'a'; 16_385], b"\nok\n".to_vec()].concat();
        let output = [vec![b'n'; 16_384], b"\nn\nbx\n".to_vec()].concat();
        whole(server, &input, &output);
        let mut long = vec![b'a'; 3 * 16_384];
        long.extend_from_slice(b"a\r\n");
        let part = [vec![b'n'; 16_384], b"\n".to_vec()].concat();
        let output = [part.repeat(3), b"n\r\n".to_vec()].concat();
        assert!(server.connect().exchange(&long) == output);
    }),
    impatient("15: a silent connection is closed", |server| {
        let mut client = server.connect();
        client.expect_silence(Duration::from_millis(1_900));
        assert!(client.closes_within(Duration::from_secs(2)), "still open");
    }),
    impatient(
        "17 and 15: one with a line now and then is not, until then",
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
    case("18: who never reads is not read from", case_18),
    impatient("18: who never reads is closed", |server| {
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
        "16 KiB and more pipelined, then answers, many times",
        pipelined,
    ),
    case("megabytes pipelined, then the end of input", |server| {
        let input = b"a line among many\n\nand another\r\n".repeat(200_000);
        assert!(server.connect().exchange(&input) == rot13(&input));
    }),
    case("all that is owed comes after the end of input", owed),
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
    case("a stuck client holds up nobody", |server| {
        let mut stuck = server.connect();
        let sent = stuck.fill(b"Hello\n", Duration::from_millis(200));
        for _ in 0..20 {
            whole(server, b"hello\n", b"uryyb\n");
        }
        stuck.finish();
        assert_repeats(&stuck.rest(), b"Uryyb\n", sent);
    }),
    case("a client that resets is forgotten", |server| {
        for _ in 0..20 {
            let mut client = server.connect();
            client.send(b"Hello\nunfin");
            client.reset();
        }
        let mut stuck = server.connect();
        stuck.fill(b"Hello\n", Duration::from_millis(200));
        stuck.reset();
        whole(server, b"hello\n", b"uryyb\n");
    }),
    case("many connections at once, each its own", many),
    Case {
        left_out: &[(&[Fork], "1,100 processes are too much for a test")],
        ..case(
            "more connections than a set of select has bits",
            descriptors,
        )
    },
    Case {
        known: &[(&[Busy], "it asks all sockets all the time")],
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

/// All bytes of `input` in one write and exactly `output`, then FIN for FIN.
fn whole(server: &Server, input: &[u8], output: &[u8]) {
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
    // What is paid once is no connection's: some MiB through one that reads.
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
    // And none of it is lost.
    client.finish();
    assert_repeats(&client.rest(), &rot13(line), sent);
}

/// Small enough for the buffers of sockets, larger than any buffer of 16 KiB; the connection stays.
fn pipelined(server: &Server) {
    let mut client = server.connect();
    for round in 0..20 {
        let input = format!("line of round {round}\n").repeat(2_000);
        client.send(input.as_bytes());
        client.expect(&rot13(input.as_bytes()));
    }
    // As much without any LF, and then one: the parts are as long as a line may be.
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

fn owed(server: &Server) {
    let line = b"a line that is still owed\n";
    let mut client = Client::with_little_room(server.address, 4 * 1024);
    let sent = client.fill(line, Duration::from_millis(200));
    // Behind a line that may be cut.
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
