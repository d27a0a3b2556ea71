//! An open loop: lines are sent when they are due, whatever became of those before.
//!
//! In: a server and a schedule. Out: how long after it was due each line came back, and how late it
//! was sent. A line's time runs from when it was due, not from when it was sent: neither a sender
//! that is late nor a server that does not read makes it shorter, so nothing is left out when a
//! server stalls. Every byte is checked. Not here: rounds and tables.

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

/// A server that sends nothing for so long, while something is due, has failed.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a connection that takes nothing is tried again, and whether the other end failed.
const LOOK: Duration = Duration::from_millis(1);
/// One line in a hundred may be sent so late; else the rate was not kept.
const LATE: Duration = Duration::from_millis(10);

/// What is sent where.
pub(crate) struct Offer<'a> {
    /// What is sent and what must come back.
    pub(crate) pattern: &'a Pattern,
    /// Bytes of a line, terminator counted.
    pub(crate) line: usize,
    pub(crate) schedule: Schedule,
    /// Lines at the start that warm up, and are in no histogram.
    pub(crate) warm: u64,
}

/// What was found, in nanoseconds.
pub(crate) struct Latencies {
    /// From when a line was due to when all of it was back.
    pub(crate) answers: Histogram<u64>,
    /// From when a line was due to when it was offered to its socket.
    pub(crate) lateness: Histogram<u64>,
}

impl Offer<'_> {
    /// Sends all lines; waits until all are back.
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
            "the sender did not keep the rate of {} lines a second: one line in a hundred was sent {late:?} after its time or later\nhint: ask for less with --rate, or measure on a quieter machine",
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
                lane.owed += self.line;
                if lane.owed == self.line && !lane.flush(self.pattern)? {
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
                "more came back than was sent"
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
    /// Bytes that the socket took.
    sent: u64,
    /// Bytes that it has yet to take.
    owed: usize,
}

impl<'a> Lane<'a> {
    fn new(stream: &'a std::net::TcpStream) -> Self {
        Self {
            stream,
            sent: 0,
            owed: 0,
        }
    }

    /// Sends what is owed; whether the socket took all of it.
    fn flush(&mut self, pattern: &Pattern) -> anyhow::Result<bool> {
        while self.owed > 0 {
            let block = pattern.sent(self.sent, self.owed.min(STRETCH));
            match self.stream.write(block) {
                Ok(count) => {
                    self.sent += count as u64;
                    self.owed -= count;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error).context("send"),
            }
        }
        Ok(true)
    }
}

/// The other thread ends when one fails.
fn noting<T>(failed: &AtomicBool, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let done = work();
    if done.is_err() {
        failed.store(true, Ordering::Relaxed);
    }
    done
}

/// Three digits of any time up to minutes.
pub(crate) fn histogram() -> anyhow::Result<Histogram<u64>> {
    Ok(Histogram::new(3)?)
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Has this thread's sleeps end when they are due: Linux adds 50 microseconds otherwise.
#[cfg(target_os = "linux")]
fn wake_in_time() -> anyhow::Result<()> {
    let least = std::num::NonZeroU64::new(1);
    rustix::thread::set_current_timer_slack(least).context("timer slack")
}

#[cfg(not(target_os = "linux"))]
fn wake_in_time() -> anyhow::Result<()> {
    Ok(())
}
