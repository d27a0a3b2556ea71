//! Connections that stay open. Each sends numbered lines at its own pace and checks every line that
//! comes back.
//!
//! In: where the host listens, how many connections, how many lines per second. Out: their
//! [`Observations`], once each has half-closed and received all its lines and the FIN. All of them
//! share one thread, to leave the processor to the host that is measured.
//! Not here: the swaps that happen meanwhile (`swaps`).

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until, timeout};

use super::line;
use super::observations::Observations;
use crate::PATIENCE;

/// How much the connections send.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Number of connections.
    pub connections: usize,
    /// Lines per second, of all connections together.
    pub lines: f64,
}

/// What happened while a line was sent; its latency counts in this phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// None of the others: starting, settling.
    Between,
    /// No swaps.
    Steady,
    /// Chains are being swapped.
    Swapping,
    /// The host is under attack.
    Harmed,
}

/// The connections, driven by a thread of their own.
#[derive(Debug)]
pub struct LongLived {
    shared: Arc<Shared>,
    thread: JoinHandle<anyhow::Result<Observations>>,
}

#[derive(Debug)]
struct Shared {
    phase: AtomicU8,
    stop: AtomicBool,
    /// The newest generation whose publication has begun.
    begun: AtomicU64,
    /// For each connection, the newest generation it had a line of.
    newest: Vec<AtomicU64>,
}

impl Phase {
    pub(super) const COUNT: usize = 4;

    fn of(number: u8) -> Self {
        match number {
            1 => Self::Steady,
            2 => Self::Swapping,
            3 => Self::Harmed,
            _ => Self::Between,
        }
    }
}

impl LongLived {
    /// Opens the connections and starts to send. The host must be at its first generation.
    pub fn start(address: SocketAddr, pace: Pace) -> Self {
        let shared = Arc::new(Shared {
            phase: AtomicU8::new(Phase::Between as u8),
            stop: AtomicBool::new(false),
            begun: AtomicU64::new(1),
            newest: (0..pace.connections).map(|_| AtomicU64::new(0)).collect(),
        });
        let for_thread = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let tasks = tokio::task::LocalSet::new();
            let observations = tasks.block_on(&runtime, drive(address, pace, &for_thread));
            for_thread.stop.store(true, Ordering::Relaxed);
            observations
        });
        Self { shared, thread }
    }

    /// Counts lines sent from now on in this phase.
    pub fn phase(&self, phase: Phase) {
        self.shared.phase.store(phase as u8, Ordering::Relaxed);
    }

    /// Allows lines of this generation from now on.
    pub(super) fn begin(&self, generation: u64) {
        self.shared.begun.store(generation, Ordering::SeqCst);
    }

    /// Waits until every connection has had a line of this generation or a later one. The lines of
    /// a generation with an empty chain do not show its number, so do not wait for one of those.
    ///
    /// # Errors
    /// When a connection did not get there in time. One that failed is reported by [`Self::finish`].
    pub fn expect_moved(&self, generation: u64) -> anyhow::Result<()> {
        let start = Instant::now();
        let behind = |newest: &&AtomicU64| newest.load(Ordering::Relaxed) < generation;
        while self.shared.newest.iter().any(|newest| behind(&newest)) {
            // `finish` reports why.
            if self.stopped() {
                return Ok(());
            }
            let count = self.shared.newest.iter().filter(behind).count();
            ensure!(
                start.elapsed() < PATIENCE,
                "after {PATIENCE:?}, {count} connections had no line of generation {generation}"
            );
            thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// Whether a connection has failed.
    pub fn stopped(&self) -> bool {
        self.shared.stop.load(Ordering::Relaxed)
    }

    /// Half-closes all connections, and waits for their remaining answers.
    ///
    /// # Errors
    /// The first line that was wrong, or how its connection ended.
    pub fn finish(self) -> anyhow::Result<Observations> {
        self.shared.stop.store(true, Ordering::Relaxed);
        match self.thread.join() {
            Ok(observations) => observations,
            Err(_) => bail!("the thread of the connections panicked"),
        }
    }
}

async fn drive(
    address: SocketAddr,
    pace: Pace,
    shared: &Arc<Shared>,
) -> anyhow::Result<Observations> {
    let mut tasks = JoinSet::new();
    let start = Instant::now() + Duration::from_millis(10);
    let every = Duration::from_secs_f64(pace.connections as f64 / pace.lines);
    for number in 0..pace.connections {
        let stream = TcpStream::connect(address).await.context("connect")?;
        stream.set_nodelay(true)?;
        let connection = Connection {
            number,
            shared: Arc::clone(shared),
            sent: RefCell::default(),
        };
        let first = start + every.mul_f64(number as f64 / pace.connections as f64);
        tasks.spawn_local(async move {
            let (reader, writer) = stream.into_split();
            let connection = Rc::new(connection);
            let lines = connection.send(writer, first, every);
            let observations = tokio::try_join!(lines, connection.check(reader));
            let (lines, observations) =
                observations.with_context(|| format!("connection {number}"))?;
            ensure!(
                observations.lines == lines,
                "{lines} lines were sent, {} came back",
                observations.lines
            );
            anyhow::Ok(observations)
        });
    }
    let mut observations = Observations::default();
    while let Some(one) = tasks.join_next().await {
        observations.add(one??);
    }
    Ok(observations)
}

struct Connection {
    number: usize,
    shared: Arc<Shared>,
    /// For each line without an answer yet: when its terminator was sent, and in which phase.
    sent: RefCell<VecDeque<(Instant, Phase)>>,
}

impl Connection {
    /// Sends lines until it is time to stop; returns how many.
    async fn send(
        &self,
        mut writer: OwnedWriteHalf,
        first: Instant,
        every: Duration,
    ) -> anyhow::Result<u64> {
        let (mut due, mut lines, mut block) = (first, 0, Vec::new());
        while !self.shared.stop.load(Ordering::Relaxed) {
            sleep_until(due.into()).await;
            block.clear();
            line::write(lines, &mut block);
            let mut rest = &block[..];
            // Swaps must also hit partial lines.
            if lines % 8 == 5 {
                let (start, end) = rest.split_at(block.len() / 2);
                writer.write_all(start).await.context("send")?;
                sleep(Duration::from_millis(1)).await;
                rest = end;
            }
            let phase = Phase::of(self.shared.phase.load(Ordering::Relaxed));
            self.sent.borrow_mut().push_back((Instant::now(), phase));
            writer.write_all(rest).await.context("send")?;
            lines += 1;
            due += every;
        }
        writer.shutdown().await.context("end of input")?;
        Ok(lines)
    }

    /// Checks everything that comes, up to the FIN.
    async fn check(&self, mut reader: OwnedReadHalf) -> anyhow::Result<Observations> {
        let (mut observations, mut moves, mut generation) =
            (Observations::default(), Vec::new(), 0);
        let (mut bytes, mut last): (Vec<u8>, Option<Instant>) =
            (Vec::with_capacity(16 * 1024), None);
        loop {
            let read = timeout(PATIENCE, reader.read_buf(&mut bytes)).await;
            let count = read.context("no answer")?.context("receive")?;
            if count == 0 {
                break;
            }
            let now = Instant::now();
            let mut done = 0;
            while let Some(length) = bytes[done..].iter().position(|&byte| byte == b'\n') {
                let judged =
                    line::judge(&bytes[done..done + length], observations.lines, generation)?;
                done += length + 1;
                let begun = self.shared.begun.load(Ordering::SeqCst);
                ensure!(
                    judged <= begun,
                    "a line of generation {judged}, the newest is {begun}"
                );
                if judged > generation {
                    generation = judged;
                    self.shared.newest[self.number].store(generation, Ordering::Relaxed);
                    moves.push((generation, now));
                }
                let sent = self
                    .sent
                    .borrow_mut()
                    .pop_front()
                    .context("a line that was not sent yet")?;
                let gap = last.map_or(Duration::ZERO, |last| now.duration_since(last));
                observations.answered(sent, now, gap);
                last = Some(now);
            }
            bytes.drain(..done);
        }
        ensure!(
            bytes.is_empty(),
            "unterminated line at the end: {}",
            bytes.escape_ascii()
        );
        observations.moved(moves);
        Ok(observations)
    }
}
