//! Connections that last: each sends numbered lines at its own pace, whatever comes back, and
//! judges each line that does.
//!
//! In: where the host listens, how many connections, how many lines. Out: what they [`Found`], at
//! the end, when each has half-closed and had all its lines and the FIN. All of them share one
//! thread, so that they take little from the host that is measured.

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

use super::found::Found;
use super::line;
use crate::PATIENCE;

/// How much is sent.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Connections, open all the time.
    pub connections: usize,
    /// Lines a second, of all of them together.
    pub lines: f64,
}

/// What a line is counted with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// Neither.
    Between,
    /// Nothing is swapped.
    Steady,
    /// Chains are being swapped.
    Swapping,
    /// Something works against the host.
    Harmed,
}

/// Connections at work.
#[derive(Debug)]
pub struct Traffic {
    shared: Arc<Shared>,
    thread: JoinHandle<anyhow::Result<Found>>,
}

#[derive(Debug)]
struct Shared {
    phase: AtomicU8,
    stop: AtomicBool,
    /// The newest generation whose publication has begun.
    begun: AtomicU64,
    /// The newest generation that each connection had a line of.
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

impl Traffic {
    /// Connects all, and starts to send. The host is at its first generation.
    pub fn start(address: SocketAddr, pace: Pace) -> Self {
        let shared = Arc::new(Shared {
            phase: AtomicU8::new(Phase::Between as u8),
            stop: AtomicBool::new(false),
            begun: AtomicU64::new(1),
            newest: (0..pace.connections).map(|_| AtomicU64::new(0)).collect(),
        });
        let theirs = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let tasks = tokio::task::LocalSet::new();
            let found = tasks.block_on(&runtime, all(address, pace, &theirs));
            theirs.stop.store(true, Ordering::Relaxed);
            found
        });
        Self { shared, thread }
    }

    /// Counts lines that are sent from now on with this phase.
    pub fn phase(&self, phase: Phase) {
        self.shared.phase.store(phase as u8, Ordering::Relaxed);
    }

    /// Says that lines of this generation may come from now on.
    pub(super) fn begin(&self, generation: u64) {
        self.shared.begun.store(generation, Ordering::SeqCst);
    }

    /// Waits until every connection has had a line of this generation or a later one. Not for one
    /// with an empty chain, whose lines do not tell.
    ///
    /// # Errors
    /// When a connection has failed, or none came.
    pub fn expect_moved(&self, generation: u64) -> anyhow::Result<()> {
        let start = Instant::now();
        let behind = |newest: &&AtomicU64| newest.load(Ordering::Relaxed) < generation;
        while self.shared.newest.iter().any(|newest| behind(&newest)) {
            // `finish` tells why.
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

    /// Ends the input of all connections, and waits for what they are owed.
    ///
    /// # Errors
    /// The first line that was not as it had to be, or how its connection ended.
    pub fn finish(self) -> anyhow::Result<Found> {
        self.shared.stop.store(true, Ordering::Relaxed);
        match self.thread.join() {
            Ok(found) => found,
            Err(_) => bail!("the thread of the connections panicked"),
        }
    }
}

async fn all(address: SocketAddr, pace: Pace, shared: &Arc<Shared>) -> anyhow::Result<Found> {
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
            let found = tokio::try_join!(lines, connection.check(reader));
            let (lines, found) = found.with_context(|| format!("connection {number}"))?;
            ensure!(
                found.lines == lines,
                "{lines} lines were sent, {} came back",
                found.lines
            );
            anyhow::Ok(found)
        });
    }
    let mut found = Found::default();
    while let Some(one) = tasks.join_next().await {
        found.add(one??);
    }
    Ok(found)
}

struct Connection {
    number: usize,
    shared: Arc<Shared>,
    /// Of each line on its way: when its terminator was sent, and in which phase.
    sent: RefCell<VecDeque<(Instant, Phase)>>,
}

impl Connection {
    /// Sends until it is time to stop; says how many lines.
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
            // A swap is to find partial lines too.
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

    /// Judges all that comes, up to the FIN.
    async fn check(&self, mut reader: OwnedReadHalf) -> anyhow::Result<Found> {
        let (mut found, mut moves, mut generation) = (Found::default(), Vec::new(), 0);
        let (mut bytes, mut last): (Vec<u8>, Option<Instant>) =
            (Vec::with_capacity(16 * 1024), None);
        loop {
            let read = timeout(PATIENCE, reader.read_buf(&mut bytes)).await;
            let count = read.context("nothing came any more")?.context("receive")?;
            if count == 0 {
                break;
            }
            let now = Instant::now();
            let mut done = 0;
            while let Some(length) = bytes[done..].iter().position(|&byte| byte == b'\n') {
                let judged = line::judge(&bytes[done..done + length], found.lines, generation)?;
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
                let sent = self.sent.borrow_mut().pop_front();
                let sent = sent.context("a line that nobody has sent yet")?;
                let gap = last.map_or(Duration::ZERO, |last| now.duration_since(last));
                found.answered(sent, now, gap);
                last = Some(now);
            }
            bytes.drain(..done);
        }
        ensure!(
            bytes.is_empty(),
            "half a line at the end: {}",
            bytes.escape_ascii()
        );
        found.moved(moves);
        Ok(found)
    }
}
