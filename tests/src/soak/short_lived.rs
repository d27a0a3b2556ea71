//! Connections that come and go. Each sends a few lines, half-closes and checks every answer, or
//! resets the connection before it has read them all.
//!
//! In: where the host listens, and how many connections to open per second. Out: how many there
//! were, or the first that was refused, reset, answered wrongly, or served by an older generation
//! than the one in force when it connected.
//! Not here: connections that stay open (`long_lived`).

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep_until, timeout};

use super::line;
use crate::PATIENCE;

/// Lines that each connection sends.
const LINES: u64 = 3;
/// More connections than this at once mean that the host does not keep up.
const MOST: usize = 4000;

/// Short-lived connections, opened at a steady rate by a thread of their own.
#[derive(Debug)]
pub(super) struct ShortLived {
    stop: Arc<AtomicBool>,
    /// A connection opened now must be served by this generation or a later one.
    in_force: Arc<AtomicU64>,
    thread: JoinHandle<anyhow::Result<u64>>,
}

/// How a connection ends.
#[derive(Debug, Clone, Copy)]
enum End {
    /// By a half-close, after which every answer must come.
    HalfClose,
    /// By a reset, while answers are still due.
    Reset,
}

impl ShortLived {
    /// Opens `rate` connections per second. With `resets`, every `resets`th is reset.
    pub(super) fn start(address: SocketAddr, rate: f64, resets: Option<u64>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let in_force = Arc::new(AtomicU64::new(1));
        let (thread_stop, thread_in_force) = (Arc::clone(&stop), Arc::clone(&in_force));
        let every = Duration::from_secs_f64(1.0 / rate);
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let opening = open_all(address, every, resets, &thread_stop, &thread_in_force);
            let opened = runtime.block_on(opening);
            thread_stop.store(true, Ordering::Relaxed);
            opened
        });
        Self {
            stop,
            in_force,
            thread,
        }
    }

    /// Sets the generation that is in force from now on.
    pub(super) fn in_force(&self, generation: u64) {
        self.in_force.store(generation, Ordering::SeqCst);
    }

    /// Whether one of the connections has failed.
    pub(super) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Opens no more, waits for those that are open, and returns how many there were in all.
    ///
    /// # Errors
    /// What went wrong with the first that failed.
    pub(super) fn finish(self) -> anyhow::Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        match self.thread.join() {
            Ok(opened) => opened,
            Err(_) => bail!("the thread of the short-lived connections panicked"),
        }
    }
}

async fn open_all(
    address: SocketAddr,
    every: Duration,
    resets: Option<u64>,
    stop: &AtomicBool,
    in_force: &AtomicU64,
) -> anyhow::Result<u64> {
    let (mut open, mut count, mut due) = (JoinSet::new(), 0, Instant::now());
    while !stop.load(Ordering::Relaxed) {
        sleep_until(due.into()).await;
        let from = in_force.load(Ordering::SeqCst);
        count += 1;
        // After a delay, go on at the same rate: catching up at once would be another test.
        due = Instant::now().max(due + every);
        let end = match resets {
            Some(every) if count % every == 0 => End::Reset,
            _ => End::HalfClose,
        };
        open.spawn(timeout(PATIENCE, serve(address, from, end)));
        while let Some(ended) = open.try_join_next() {
            ended?.context("no answer")??;
        }
        ensure!(open.len() < MOST, "{MOST} connections wait for the host");
    }
    while let Some(ended) = open.join_next().await {
        ended?.context("no answer")??;
    }
    Ok(count)
}

/// One connection, from start to end.
async fn serve(address: SocketAddr, from: u64, end: End) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(address).await.context("connect")?;
    let mut lines = Vec::new();
    (0..LINES).for_each(|number| line::write(number, &mut lines));
    stream.write_all(&lines).await.context("send")?;
    let mut answer = Vec::new();
    if let End::Reset = end {
        // The answer to the first line must come. What is sent after it is not waited for.
        while !answer.contains(&b'\n') {
            let read = stream.read_buf(&mut answer).await.context("receive")?;
            ensure!(read > 0, "closed before the first line came back");
        }
        stream.write_all(&lines).await.context("send again")?;
        stream.set_zero_linger().context("set SO_LINGER")?;
        let whole = answer.iter().rposition(|&byte| byte == b'\n');
        answer.truncate(whole.map_or(0, |at| at + 1));
        return judge(&answer, from).map(drop);
    }
    stream.shutdown().await.context("half-close")?;
    let read = stream.read_to_end(&mut answer).await;
    read.with_context(|| format!("receive, after {}", answer.escape_ascii()))?;
    let count = judge(&answer, from)?;
    ensure!(count == LINES, "{LINES} lines sent, {count} came back");
    Ok(())
}

/// Checks each line of an answer; returns how many there are.
fn judge(answer: &[u8], mut from: u64) -> anyhow::Result<u64> {
    let mut count = 0;
    for line in answer.split_inclusive(|&byte| byte == b'\n') {
        let line = line
            .strip_suffix(b"\n")
            .context("the last line has no terminator")?;
        from = line::judge(line, count, from)?;
        count += 1;
    }
    Ok(count)
}
