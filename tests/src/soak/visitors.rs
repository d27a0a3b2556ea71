//! Connections that come and go: each sends a few lines, half-closes, and judges what comes back;
//! or it sends more than it takes and resets the connection.
//!
//! In: where the host listens, and how many a second. Out: how many there were, or the first that
//! was refused, reset, or answered wrongly. None may be served by an older generation than the one
//! that was in force when it came.

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

/// Lines that each sends.
const LINES: u64 = 3;
/// So many at once are more than a host leaves waiting that keeps up.
const MOST: usize = 4000;

/// Visitors under way.
#[derive(Debug)]
pub(super) struct Visitors {
    stop: Arc<AtomicBool>,
    /// The generation that whoever comes now finds, or a later one.
    in_force: Arc<AtomicU64>,
    thread: JoinHandle<anyhow::Result<u64>>,
}

/// How a visitor goes.
#[derive(Debug, Clone, Copy)]
enum Leave {
    /// With all that it is owed.
    Politely,
    /// By a reset, half of what it is owed still to come.
    Abruptly,
}

impl Visitors {
    /// So many a second from now on; one in so many is reset, if any.
    pub(super) fn start(address: SocketAddr, rate: f64, resets: Option<u64>) -> Self {
        let (stop, in_force) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicU64::new(1)),
        );
        let (theirs, newest) = (Arc::clone(&stop), Arc::clone(&in_force));
        let every = Duration::from_secs_f64(1.0 / rate);
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let visited = runtime.block_on(visit(address, (every, resets), &theirs, &newest));
            theirs.store(true, Ordering::Relaxed);
            visited
        });
        Self {
            stop,
            in_force,
            thread,
        }
    }

    /// Says which generation is in force now.
    pub(super) fn in_force(&self, generation: u64) {
        self.in_force.store(generation, Ordering::SeqCst);
    }

    /// Whether one of them has failed.
    pub(super) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Lets no more come, and waits for those who are there; how many there were.
    ///
    /// # Errors
    /// What went wrong with the first of them.
    pub(super) fn finish(self) -> anyhow::Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        match self.thread.join() {
            Ok(visited) => visited,
            Err(_) => bail!("the thread of the visitors panicked"),
        }
    }
}

async fn visit(
    address: SocketAddr,
    (every, resets): (Duration, Option<u64>),
    stop: &AtomicBool,
    in_force: &AtomicU64,
) -> anyhow::Result<u64> {
    let (mut visitors, mut count, mut due) = (JoinSet::new(), 0, Instant::now());
    while !stop.load(Ordering::Relaxed) {
        sleep_until(due.into()).await;
        let from = in_force.load(Ordering::SeqCst);
        count += 1;
        // Who was held up goes on from there: a crowd of those who are late is another test.
        due = Instant::now().max(due + every);
        let leave = match resets {
            Some(every) if count % every == 0 => Leave::Abruptly,
            _ => Leave::Politely,
        };
        visitors.spawn(timeout(PATIENCE, one(address, from, leave)));
        while let Some(gone) = visitors.try_join_next() {
            gone?.context("no answer")??;
        }
        ensure!(visitors.len() < MOST, "{MOST} visitors wait for the host");
    }
    while let Some(gone) = visitors.join_next().await {
        gone?.context("no answer")??;
    }
    Ok(count)
}

async fn one(address: SocketAddr, from: u64, leave: Leave) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(address)
        .await
        .context("a visitor connects")?;
    let mut lines = Vec::new();
    (0..LINES).for_each(|number| line::write(number, &mut lines));
    stream.write_all(&lines).await.context("a visitor sends")?;
    let mut answer = Vec::new();
    if let Leave::Abruptly = leave {
        // The first line is owed and comes; what is sent now is not waited for.
        while !answer.contains(&b'\n') {
            let read = stream.read_buf(&mut answer).await;
            ensure!(read.context("a visitor")? > 0, "a visitor had no line");
        }
        stream.write_all(&lines).await.context("a visitor sends")?;
        stream.set_zero_linger().context("a visitor")?;
        let whole = answer.iter().rposition(|&byte| byte == b'\n');
        answer.truncate(whole.map_or(0, |at| at + 1));
        return judge(&answer, from).map(drop);
    }
    stream.shutdown().await.context("a visitor half-closes")?;
    let read = stream.read_to_end(&mut answer).await;
    read.with_context(|| format!("a visitor after {}", answer.escape_ascii()))?;
    let count = judge(&answer, from)?;
    ensure!(count == LINES, "a visitor had {count} lines for {LINES}");
    Ok(())
}

/// How many lines an answer has, each of them right.
fn judge(answer: &[u8], mut from: u64) -> anyhow::Result<u64> {
    let mut count = 0;
    for line in answer.split_inclusive(|&byte| byte == b'\n') {
        let line = line
            .strip_suffix(b"\n")
            .context("a visitor's line without an end")?;
        from = line::judge(line, count, from).context("a visitor")?;
        count += 1;
    }
    Ok(count)
}
