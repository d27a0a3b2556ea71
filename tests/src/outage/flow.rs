//! A client that sends numbered lines at a steady pace.
//!
//! In: where the host listens, and how many lines per second. Out: how many were sent, at the end. While
//! the host does not read, the client waits; afterwards it sends what has become due meanwhile.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::Client;

/// How often lines are sent.
const TICK: Duration = Duration::from_millis(10);
/// The most lines that are sent together.
const TOGETHER: u64 = 1000;

/// Line `number`, counted from 0.
pub(super) fn line(into: &mut String, number: u64) {
    let _ = writeln!(into, "line {number:010} of a flow that no outage may tear");
}

/// The number of a line that is as [`line`] writes it.
pub(super) fn number(text: &str) -> Option<u64> {
    let number = text.strip_prefix("line ")?.get(..10)?.parse().ok()?;
    let mut whole = String::new();
    line(&mut whole, number);
    (whole.strip_suffix('\n')? == text).then_some(number)
}

/// A client that sends.
#[derive(Debug)]
pub(crate) struct Flow {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<u64>>,
}

impl Flow {
    pub(crate) fn start(address: SocketAddr, lines: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut client = Client::connect(address);
            let sent = send(&mut client, lines, &stopped);
            client.finish();
            client.expect_end();
            sent
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }

    /// Ends the input, and waits until the host has taken all lines. Returns how many were sent.
    pub(crate) fn finish(&mut self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().expect("it ends once");
        thread.join().expect("the host takes every line")
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn send(client: &mut Client, lines: u32, stopped: &AtomicBool) -> u64 {
    let (start, mut sent) = (Instant::now(), 0);
    while !stopped.load(Ordering::Relaxed) {
        let due = (start.elapsed().as_secs_f64() * f64::from(lines)) as u64;
        let mut text = String::new();
        let until = due.min(sent + TOGETHER);
        (sent..until).for_each(|number| line(&mut text, number));
        client.send(text.as_bytes());
        sent = until;
        if sent == due {
            thread::sleep(TICK);
        }
    }
    sent
}

#[cfg(test)]
mod tests {
    use super::{line, number};

    #[test]
    fn a_line_has_its_number() {
        let mut text = String::new();
        line(&mut text, 4711);
        assert_eq!(number(text.trim_end()), Some(4711));
        assert_eq!(number(&text), None);
        assert_eq!(number("line 0000000001 of a fl"), None);
        assert_eq!(number(""), None);
    }
}
