//! Saturated connections: senders never wait, every byte that comes back is checked.
//!
//! In: a server, what to send, and the number of connections. Out: the correct bytes that came back in
//! a given time, and what they cost the server. Not here: rounds, tables, and the choice of servers.
//!
//! A few threads send and as many check, each for its share of the connections, so that a thousand
//! connections cost the client hardly more than four. Senders half-close only after everything came
//! back, because some servers lose pending output at a half-close, and the bench measures them too.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use mio::Interest;
use mio::net::TcpStream;

use crate::pattern::{Pattern, STRETCH};
use crate::peer::Peer;
use crate::ready::{Ready, settled};
use crate::throughput::Measured;

/// A server has failed if it sends nothing for this long while answers are due.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often an idle thread checks whether to stop.
const LOOK: Duration = Duration::from_millis(50);

/// The state that the threads of a measurement share.
struct Run<'a> {
    pattern: &'a Pattern,
    /// Correct bytes that came back.
    checked: AtomicU64,
    /// Tells senders to finish their current period and stop.
    stop: AtomicBool,
    /// Set when a thread fails, so that the others stop at once.
    failed: AtomicBool,
}

/// One end of a connection. The sender and the checker each have one, with a descriptor of its own,
/// because a descriptor can belong to only one poll.
struct End {
    stream: TcpStream,
    progress: Arc<Progress>,
}

/// The state that both ends of a connection share.
struct Progress {
    /// Correct bytes that came back.
    checked: AtomicU64,
    /// Bytes that must come back, once the sender is done. Until then, a larger number.
    expected: AtomicU64,
}

/// Measures a server for `time`, after a warm-up of a quarter of it.
pub(crate) fn saturate(
    peer: &Peer,
    pattern: &Pattern,
    connections: usize,
    time: Duration,
) -> anyhow::Result<Measured> {
    let run = &Run {
        pattern,
        checked: AtomicU64::new(0),
        stop: AtomicBool::new(false),
        failed: AtomicBool::new(false),
    };
    let mut ends = (0..connections)
        .map(|_| open(peer))
        .collect::<Result<Vec<_>, _>>()?;
    let threads = thread::available_parallelism()?.get().min(connections);
    let share = connections.div_ceil(threads);
    thread::scope(|scope| {
        let mut workers = Vec::new();
        while !ends.is_empty() {
            let (senders, checkers): (Vec<_>, Vec<_>) = ends.drain(..share.min(ends.len())).unzip();
            workers.push(scope.spawn(move || run.noting(|| run.send(senders))));
            workers.push(scope.spawn(move || run.noting(|| run.check(checkers))));
        }
        let measured = run.watch(peer, time);
        run.stop.store(true, Ordering::Relaxed);
        let mut ended = Ok(());
        for worker in workers {
            let one = worker.join();
            let one = one.unwrap_or_else(|_| bail!("a thread panicked"));
            ended = ended.and(one);
        }
        ended.and(measured)
    })
}

impl Run<'_> {
    /// Samples the clock, the bytes and the server at the start and at the end.
    fn watch(&self, peer: &Peer, time: Duration) -> anyhow::Result<Measured> {
        thread::sleep(time / 4);
        let (from, cost, start) = (
            self.checked.load(Ordering::Relaxed),
            peer.processor_time()?,
            Instant::now(),
        );
        thread::sleep(time);
        let (to, took) = (self.checked.load(Ordering::Relaxed), start.elapsed());
        let cost = peer.processor_time()?.saturating_sub(cost);
        let peak = peer.peak_memory()?;
        ensure!(to > from, "no byte came back during the measurement");
        Ok(Measured {
            bytes: (to - from) as f64 * self.pattern.sent_per_due(),
            took,
            cost,
            peak,
        })
    }

    /// Stops the others when one fails.
    fn noting(&self, work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
        let done = work();
        if done.is_err() {
            self.failed.store(true, Ordering::Relaxed);
        }
        done
    }

    /// Sends until it is told to stop, and then the rest of the period.
    fn send(&self, mut share: Vec<End>) -> anyhow::Result<()> {
        let mut ready = Ready::new(
            share.iter_mut().map(|end| &mut end.stream),
            Interest::WRITABLE,
        )?;
        let period = self.pattern.period() as u64;
        let mut sent = vec![0; share.len()];
        let mut open = share.len();
        while open > 0 && !self.failed.load(Ordering::Relaxed) {
            let Some(nth) = ready.next(LOOK)? else {
                continue;
            };
            let (end, sent): (_, &mut u64) = (&share[nth], &mut sent[nth]);
            let begun = *sent % period;
            if begun == 0 && self.stop.load(Ordering::Relaxed) {
                let expected = self.pattern.expected(*sent / period);
                end.progress.expected.store(expected, Ordering::SeqCst);
                end.finish_when_all_came()?;
                ready.done(nth);
                open -= 1;
                continue;
            }
            let block = self.pattern.sent(*sent, (period - begun) as usize);
            if let Some(count) = settled((&end.stream).write(block)).context("send")? {
                *sent += count as u64;
                ready.again(nth);
            }
        }
        Ok(())
    }

    /// Reads all connections to their end and compares every byte.
    fn check(&self, mut share: Vec<End>) -> anyhow::Result<()> {
        let mut ready = Ready::new(
            share.iter_mut().map(|end| &mut end.stream),
            Interest::READABLE,
        )?;
        let mut block = vec![0; STRETCH];
        let mut open = share.len();
        let mut last = Instant::now();
        while open > 0 && !self.failed.load(Ordering::Relaxed) {
            let Some(nth) = ready.next(LOOK)? else {
                ensure!(last.elapsed() < PATIENCE, "nothing came for {PATIENCE:?}");
                continue;
            };
            let end = &share[nth];
            let checked = end.progress.checked.load(Ordering::Relaxed);
            let read = settled((&end.stream).read(&mut block));
            match read.with_context(|| format!("receive, after {checked} bytes"))? {
                None => continue,
                Some(0) => {
                    let expected = end.progress.expected.load(Ordering::SeqCst);
                    ensure!(
                        checked == expected,
                        "the server closed after {checked} bytes of {expected}"
                    );
                    ready.done(nth);
                    open -= 1;
                }
                Some(count) => {
                    compare(&block[..count], self.pattern.due(checked, count), checked)?;
                    self.checked.fetch_add(count as u64, Ordering::Relaxed);
                    let checked = checked + count as u64;
                    end.progress.checked.store(checked, Ordering::SeqCst);
                    end.finish_when_all_came()?;
                    ready.again(nth);
                }
            }
            last = Instant::now();
        }
        Ok(())
    }
}

/// Opens a connection. Returns the sender's end and the checker's.
fn open(peer: &Peer) -> anyhow::Result<(End, End)> {
    let stream = std::net::TcpStream::connect(peer.address).context("connect")?;
    stream.set_nonblocking(true)?;
    let progress = Arc::new(Progress {
        checked: AtomicU64::new(0),
        expected: AtomicU64::new(u64::MAX),
    });
    let end = |stream| End {
        stream: TcpStream::from_std(stream),
        progress: Arc::clone(&progress),
    };
    Ok((end(stream.try_clone()?), end(stream)))
}

impl End {
    /// Half-closes once everything came back. Both ends call this after publishing their progress, so
    /// at least one of them sees the end.
    fn finish_when_all_came(&self) -> anyhow::Result<()> {
        let Progress { checked, expected } = &*self.progress;
        if checked.load(Ordering::SeqCst) == expected.load(Ordering::SeqCst) {
            let ended = self.stream.shutdown(Shutdown::Write);
            // On the second call, the server may have closed already.
            if !matches!(&ended, Err(error) if error.kind() == ErrorKind::NotConnected) {
                ended.context("end of input")?;
            }
        }
        Ok(())
    }
}

/// Fails at the first byte that differs from the expected one; `before` bytes preceded these.
pub(crate) fn compare(got: &[u8], due: &[u8], before: u64) -> anyhow::Result<()> {
    if got == due {
        return Ok(());
    }
    let pairs = got.iter().zip(due);
    let wrong = pairs.take_while(|(got, due)| got == due).count();
    bail!(
        "byte {} is {:?}, expected {:?}",
        before + wrong as u64,
        got[wrong] as char,
        due[wrong] as char
    );
}
