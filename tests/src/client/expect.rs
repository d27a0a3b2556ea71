//! Expectations: what must come from the other end, and what must not.
//!
//! In: bytes and times. Out: what came, where a test needs it; a panic that shows both otherwise.

use std::io::{ErrorKind, Read as _};
use std::net::Shutdown;
use std::thread;
use std::time::{Duration, Instant};

use super::{Client, is_timeout};
use crate::{PATIENCE, show};

impl Client {
    /// Asserts that exactly `expected` comes next.
    #[track_caller]
    pub fn expect(&mut self, expected: &[u8]) {
        let mut got = vec![0; expected.len()];
        let mut filled = 0;
        while filled < got.len() {
            match self.read(&mut got[filled..]) {
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

    /// The next `count` bytes.
    #[track_caller]
    pub fn take(&mut self, count: usize) -> Vec<u8> {
        let mut got = vec![0; count];
        let mut filled = 0;
        while filled < count {
            match self.read(&mut got[filled..]) {
                Ok(0) => panic!("closed after {} of {count}", show(&got[..filled])),
                Ok(more) => filled += more,
                Err(error) => panic!("{error} after {} of {count}", show(&got[..filled])),
            }
        }
        got
    }

    /// The next `count` lines. Asserts that no further bytes came with them.
    #[track_caller]
    pub fn take_lines(&mut self, count: usize) -> Vec<u8> {
        let (mut got, mut lines, mut block) = (Vec::new(), 0, vec![0; 64 * 1024]);
        while lines < count {
            match self.read(&mut block) {
                Ok(0) => panic!("closed after {lines} of {count} lines: {}", show(&got)),
                Ok(more) => {
                    lines += block[..more].iter().filter(|&&byte| byte == b'\n').count();
                    got.extend_from_slice(&block[..more]);
                }
                Err(error) => panic!("{error} after {lines} of {count} lines: {}", show(&got)),
            }
        }
        assert!(
            lines == count && got.ends_with(b"\n"),
            "more than {count} lines: {}",
            show(&got)
        );
        got
    }

    /// Asserts that nothing comes for `time` and the connection stays open.
    #[track_caller]
    pub fn expect_silence(&mut self, time: Duration) {
        let mut byte = [0; 64];
        self.read_within(time);
        match self.read(&mut byte) {
            Ok(0) => panic!("closed, expected an open connection"),
            Ok(count) => panic!("got {}, expected nothing", show(&byte[..count])),
            Err(error) => assert!(
                is_timeout(error.kind()),
                "{error}, expected an open connection"
            ),
        }
        self.read_within(PATIENCE);
    }

    /// Asserts that nothing more comes but the end: a FIN, in TLS after a close_notify.
    #[track_caller]
    pub fn expect_end(&mut self) {
        let rest = self.rest();
        assert!(rest.is_empty(), "got {}, expected the end", show(&rest));
    }

    /// Everything up to the end, which must be a FIN, in TLS after a close_notify.
    #[track_caller]
    pub fn rest(&mut self) -> Vec<u8> {
        let (rest, end) = self.rest_until_end();
        match end {
            Ok(()) => rest,
            Err(error) => panic!("{error} instead of a FIN, after {}", show(&rest)),
        }
    }

    /// Everything up to the end, and whether the end was a FIN or an error.
    ///
    /// # Panics
    /// When the connection does not end.
    #[track_caller]
    pub fn rest_until_end(&mut self) -> (Vec<u8>, std::io::Result<()>) {
        let (mut rest, mut block) = (Vec::new(), vec![0; 64 * 1024]);
        loop {
            match self.read(&mut block) {
                Ok(0) => return (rest, Ok(())),
                Ok(count) => rest.extend_from_slice(&block[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    let what = show(&rest);
                    assert!(!is_timeout(error.kind()), "still open after {what}");
                    return (rest, Err(error));
                }
            }
        }
    }

    /// Asserts that the other end closes without having sent anything, by FIN or by reset.
    #[track_caller]
    pub fn expect_refusal(&mut self) {
        let (rest, _) = self.rest_until_end();
        assert!(rest.is_empty(), "got {}, expected a refusal", show(&rest));
    }

    /// Everything up to the end, as bytes of the TCP connection: a TLS alert is a few bytes.
    #[track_caller]
    pub fn raw_rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        match self.socket.read_to_end(&mut rest) {
            Err(error) if is_timeout(error.kind()) => panic!("still open after {}", show(&rest)),
            // A reset ends it too.
            _ => rest,
        }
    }

    /// Whether `expected` comes, with its first byte within `time`. Any other bytes are a failure.
    #[track_caller]
    pub fn answers_within(&mut self, expected: &[u8], time: Duration) -> bool {
        let mut first = [0];
        self.read_within(time);
        let read = self.read(&mut first);
        self.read_within(PATIENCE);
        match read {
            Err(error) if is_timeout(error.kind()) => false,
            Ok(1) => {
                assert_eq!(first[0], expected[0], "expected {}", show(expected));
                self.expect(&expected[1..]);
                true
            }
            other => panic!("{other:?}, expected {} or nothing", show(expected)),
        }
    }

    /// Whether the host closes within `time`, by FIN or by reset, without sending anything.
    #[track_caller]
    pub fn closes_within(&mut self, time: Duration) -> bool {
        let start = Instant::now();
        let mut byte = [0; 64];
        self.read_within(time);
        let closed = match self.read(&mut byte) {
            Ok(0) => true,
            Ok(count) => panic!("got {}, expected nothing", show(&byte[..count])),
            Err(error) => !is_timeout(error.kind()),
        };
        self.read_within(PATIENCE);
        closed && start.elapsed() <= time
    }

    /// Sends `input`, half-closes, and reads everything up to the FIN at the same time. With TLS it
    /// reads only after sending, so `input` must fit into the buffers in between.
    #[track_caller]
    pub fn exchange(&mut self, input: &[u8]) -> Vec<u8> {
        if self.tls.is_some() {
            self.send(input);
            self.finish();
            return self.rest();
        }
        let mut writer = self.another();
        thread::scope(|scope| {
            let sender = scope.spawn(move || {
                writer.send(input);
                writer.finish();
            });
            let (rest, end) = self.rest_until_end();
            if let Err(error) = end {
                // Do not leave the sender blocked on a connection that nobody reads.
                let _ = self.socket.shutdown(Shutdown::Both);
                let _ = sender.join();
                panic!("{error} instead of a FIN, after {}", show(&rest));
            }
            rest
        })
    }
}
