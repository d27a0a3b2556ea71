//! A raw client: bytes out, bytes in, and how the connection ended.
//!
//! It does not know lines. Every wait is bounded by [`PATIENCE`](crate::PATIENCE).

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::{PATIENCE, show};

/// A TCP connection to a host.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
}

impl Client {
    /// Connects, with Nagle's algorithm off so that each `send` is a segment of its own.
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("the listener accepts");
        stream
            .set_nodelay(true)
            .expect("a fresh socket takes options");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a fresh socket takes options");
        stream
            .set_write_timeout(Some(PATIENCE))
            .expect("a fresh socket takes options");
        Self { stream }
    }

    /// The same connection once more, for another thread.
    pub fn another(&self) -> Self {
        Self {
            stream: self.stream.try_clone().expect("a socket can be cloned"),
        }
    }

    /// Writes all of `bytes`.
    #[track_caller]
    pub fn send(&mut self, bytes: &[u8]) {
        self.stream
            .write_all(bytes)
            .expect("the host takes the bytes");
    }

    /// Writes what goes at once or within `wait`; `None` when the host has closed.
    pub fn offer(&mut self, bytes: &[u8], wait: Duration) -> Option<usize> {
        self.stream
            .set_write_timeout(Some(wait))
            .expect("an open socket takes options");
        let written = match self.stream.write(bytes) {
            Ok(count) => Some(count),
            Err(error) if is_timeout(error.kind()) => Some(0),
            Err(_) => None,
        };
        self.stream
            .set_write_timeout(Some(PATIENCE))
            .expect("an open socket takes options");
        written
    }

    /// Ends the input: a half-close, output can still come.
    pub fn finish(&self) {
        // A host that has already closed makes this an error, which the next read shows better.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Asserts that exactly `expected` comes next.
    #[track_caller]
    pub fn expect(&mut self, expected: &[u8]) {
        let mut got = vec![0; expected.len()];
        let mut filled = 0;
        while filled < got.len() {
            match self.stream.read(&mut got[filled..]) {
                Ok(0) => panic!(
                    "closed after {}, expected {}",
                    show(&got[..filled]),
                    show(expected)
                ),
                Ok(count) => filled += count,
                Err(error) => panic!(
                    "{error} after {}, expected {}",
                    show(&got[..filled]),
                    show(expected)
                ),
            }
            assert!(
                got[..filled] == expected[..filled],
                "got {}, expected {}",
                show(&got[..filled]),
                show(expected)
            );
        }
    }

    /// Asserts that nothing comes for `time`, and that the connection stays open.
    #[track_caller]
    pub fn expect_silence(&mut self, time: Duration) {
        let mut byte = [0; 64];
        self.stream
            .set_read_timeout(Some(time))
            .expect("an open socket takes options");
        match self.stream.read(&mut byte) {
            Ok(0) => panic!("closed, expected an open connection"),
            Ok(count) => panic!("got {}, expected nothing", show(&byte[..count])),
            Err(error) => assert!(
                is_timeout(error.kind()),
                "{error}, expected an open connection"
            ),
        }
        self.stream
            .set_read_timeout(Some(PATIENCE))
            .expect("an open socket takes options");
    }

    /// Asserts that the connection ends with a FIN, and nothing before it.
    #[track_caller]
    pub fn expect_end(&mut self) {
        let rest = self.rest();
        assert!(rest.is_empty(), "got {}, expected the end", show(&rest));
    }

    /// Everything up to the FIN.
    #[track_caller]
    pub fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Ok(_) => rest,
            Err(error) => panic!("{error} instead of a FIN, after {}", show(&rest)),
        }
    }

    /// Whether the host closes within `time`, by FIN or by reset, with nothing sent before.
    #[track_caller]
    pub fn closes_within(&mut self, time: Duration) -> bool {
        let start = Instant::now();
        let mut byte = [0; 64];
        self.stream
            .set_read_timeout(Some(time))
            .expect("an open socket takes options");
        let closed = match self.stream.read(&mut byte) {
            Ok(0) => true,
            Ok(count) => panic!("got {}, expected nothing", show(&byte[..count])),
            Err(error) => !is_timeout(error.kind()),
        };
        self.stream
            .set_read_timeout(Some(PATIENCE))
            .expect("an open socket takes options");
        closed && start.elapsed() <= time
    }

    /// Sends `input` and the end of input while reading: all that came back, up to the FIN.
    #[track_caller]
    pub fn exchange(&mut self, input: &[u8]) -> Vec<u8> {
        let mut writer = self.another();
        thread::scope(|scope| {
            scope.spawn(move || {
                writer.send(input);
                writer.finish();
            });
            self.rest()
        })
    }
}

/// What ROT13 makes of `bytes`.
pub fn rot13(bytes: &[u8]) -> Vec<u8> {
    let turn = |byte: u8| match byte {
        b'a'..=b'm' | b'A'..=b'M' => byte + 13,
        b'n'..=b'z' | b'N'..=b'Z' => byte - 13,
        _ => byte,
    };
    bytes.iter().copied().map(turn).collect()
}

fn is_timeout(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
