//! An open loop: lines are sent when they are due, whether or not earlier ones came back.
//!
//! In: a server and a schedule. Out: how long after its due time each line came back, and how late it
//! was sent. Latency counts from the due time, not from sending. A late sender or a server that does
//! not read therefore cannot shorten it, and stalls count in full. Every byte is checked. Not here:
//! rounds and tables.

use std::io::{ErrorKind, Read as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use hdrhistogram::Histogram;
use mio::Interest;
use mio::net::TcpStream;

use crate::pattern::{Pattern, STRETCH};
use crate::ready::{Ready, settled};
use crate::saturate::compare;
use crate::schedule::Schedule;

/// A server has failed if it sends nothing for this long while answers are due.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a sender retries a connection that accepts nothing, and checks whether the receiver
/// failed.
const LOOK: Duration = Duration::from_millis(1);
/// One line in a hundred may be sent this late. If more are, the rate was not kept.
const LATE: Duration = Duration::from_millis(10);

/// The load: what is sent, and over which connections.
pub(crate) struct Offer<'a> {
    /// The lines and the expected answers.
    pub(crate) pattern: &'a Pattern,
    /// Bytes of a line, including its terminator.
    pub(crate) line: usize,
    pub(crate) schedule: Schedule,
    /// Lines at the start that warm up the server and are not in a histogram.
    pub(crate) warm: u64,
}

/// Results in nanoseconds.
pub(crate) struct Latencies {
    /// From a line's due time until all of it came back.
    pub(crate) answers: Histogram<u64>,
    /// From a line's due time until it was offered to its socket.
    pub(crate) lateness: Histogram<u64>,
}

impl Offer<'_> {
    /// Sends all lines and waits until all came back.
    pub(crate) fn make(&self, address: std::net::SocketAddr) -> anyhow::Result<Latencies> {
        let (mut senders, mut receivers) = (Vec::new(), Vec::new());
        for _ in 0..self.schedule.connections {
            let stream = std::net::TcpStream::connect(address).context("connect")?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            senders.push(stream.try_clone()?);
            receivers.push(TcpStream::from_std(stream));
        }
        let failed = AtomicBool::new(false);
        let start = Instant::now();
        let (lateness, answers) = thread::scope(|scope| {
            let sender = scope.spawn(|| noting(&failed, || self.send(&senders, start, &failed)));
            let answers = noting(&failed, || self.receive(receivers, start, &failed));
            let lateness = sender
                .join()
                .map_err(|_| anyhow::anyhow!("a thread panicked"));
            (lateness.flatten(), answers)
        });
        let (answers, lateness) = (answers?, lateness?);
        let late = Duration::from_nanos(lateness.value_at_quantile(0.99));
        ensure!(
            late <= LATE,
            "the sender did not keep the rate of {} lines per second: one line in a hundred was sent {late:?} late or later\nhint: lower --rate, or measure on a quieter machine",
            self.schedule.rate
        );
        Ok(Latencies { answers, lateness })
    }

    fn send(
        &self,
        streams: &[std::net::TcpStream],
        start: Instant,
        failed: &AtomicBool,
    ) -> anyhow::Result<Histogram<u64>> {
        wake_in_time()?;
        let mut lateness = histogram()?;
        let mut lanes: Vec<Lane> = streams.iter().map(Lane::new).collect();
        let mut blocked = Vec::new();
        let mut offered = 0;
        while offered < self.schedule.lines || !blocked.is_empty() {
            if failed.load(Ordering::Relaxed) {
                break;
            }
            let due = self.schedule.due(start.elapsed());
            for line in offered..due {
                let late = start.elapsed().saturating_sub(self.schedule.at(line));
                if line >= self.warm {
                    lateness.record(nanoseconds(late))?;
                }
                let connection = self.schedule.connection(line);
                let lane = &mut lanes[connection];
                lane.pending += self.line;
                if lane.pending == self.line && !lane.flush(self.pattern)? {
                    blocked.push(connection);
                }
            }
            offered = due;
            let mut still = Vec::new();
            for connection in blocked.drain(..) {
                if !lanes[connection].flush(self.pattern)? {
                    still.push(connection);
                }
            }
            blocked = still;
            let next = self.schedule.at(offered).saturating_sub(start.elapsed());
            let waiting = !blocked.is_empty() || offered == self.schedule.lines;
            thread::sleep(if waiting { next.min(LOOK) } else { next });
        }
        Ok(lateness)
    }

    fn receive(
        &self,
        mut streams: Vec<TcpStream>,
        start: Instant,
        failed: &AtomicBool,
    ) -> anyhow::Result<Histogram<u64>> {
        let mut answers = histogram()?;
        let mut ready = Ready::new(streams.iter_mut(), Interest::READABLE)?;
        let mut block = vec![0; STRETCH];
        let mut got = vec![0; streams.len()];
        let (mut left, mut last) = (self.schedule.lines, Instant::now());
        while left > 0 && !failed.load(Ordering::Relaxed) {
            let Some(nth) = ready.next(10 * LOOK)? else {
                ensure!(last.elapsed() < PATIENCE, "nothing came for {PATIENCE:?}");
                continue;
            };
            let got: &mut u64 = &mut got[nth];
            let read = settled((&streams[nth]).read(&mut block));
            let Some(count) = read.with_context(|| format!("receive, after {got} bytes"))? else {
                continue;
            };
            last = Instant::now();
            ensure!(count > 0, "the server closed after {got} bytes");
            compare(&block[..count], self.pattern.due(*got, count), *got)?;
            let lines = *got / self.line as u64;
            *got += count as u64;
            let came = *got / self.line as u64;
            ensure!(
                came <= self.schedule.of_connection(nth),
                "the server returned more than was sent"
            );
            for line in lines..came {
                let line = self.schedule.line(nth, line);
                if line >= self.warm {
                    let due = start + self.schedule.at(line);
                    answers.record(nanoseconds(last.duration_since(due)))?;
                }
            }
            left -= came - lines;
            ready.again(nth);
        }
        Ok(answers)
    }
}

/// A connection as its sender sees it.
struct Lane<'a> {
    stream: &'a std::net::TcpStream,
    /// Bytes that the socket accepted.
    sent: u64,
    /// Bytes that it has not accepted yet.
    pending: usize,
}

impl<'a> Lane<'a> {
    fn new(stream: &'a std::net::TcpStream) -> Self {
        Self {
            stream,
            sent: 0,
            pending: 0,
        }
    }

    /// Sends the pending bytes. Returns whether the socket accepted all of them.
    fn flush(&mut self, pattern: &Pattern) -> anyhow::Result<bool> {
        while self.pending > 0 {
            let block = pattern.sent(self.sent, self.pending.min(STRETCH));
            match self.stream.write(block) {
                Ok(count) => {
                    self.sent += count as u64;
                    self.pending -= count;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error).context("send"),
            }
        }
        Ok(true)
    }
}

/// Ends the other thread when one fails.
fn noting<T>(failed: &AtomicBool, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let done = work();
    if done.is_err() {
        failed.store(true, Ordering::Relaxed);
    }
    done
}

/// A histogram with three significant digits, for times up to minutes.
pub(crate) fn histogram() -> anyhow::Result<Histogram<u64>> {
    Ok(Histogram::new(3)?)
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Makes this thread's sleeps end on time. By default, Linux adds up to 50 microseconds.
#[cfg(target_os = "linux")]
fn wake_in_time() -> anyhow::Result<()> {
    let least = std::num::NonZeroU64::new(1);
    rustix::thread::set_current_timer_slack(least).context("timer slack")
}

#[cfg(not(target_os = "linux"))]
fn wake_in_time() -> anyhow::Result<()> {
    Ok(())
}
