//! Saturated connections: senders never wait, every byte that comes back is checked.
//!
//! In: a server, what to send, how many connections. Out: what came back right in a time, and what
//! it cost the server. Not here: rounds, tables, and which server.
//!
//! A few threads send and as many check, each for its share of the connections, whatever their
//! number: a thousand connections cost the client hardly more than four. The end of input is said
//! only after all came back: there are servers that lose what they owe at it, and their throughput
//! is wanted too.

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

/// A server that sends nothing for so long, while something is due, has failed.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a thread without work looks whether it is time to stop.
const LOOK: Duration = Duration::from_millis(50);

/// What the threads of one measurement share.
struct Run<'a> {
    pattern: &'a Pattern,
    /// Bytes that came back right.
    checked: AtomicU64,
    /// Senders end with the period that they are in.
    stop: AtomicBool,
    /// A thread has failed: the others end at once.
    failed: AtomicBool,
}

/// One end of a connection: a thread that sends and one that checks have one each, with a
/// descriptor of its own, because a descriptor belongs to one poll.
struct End {
    stream: TcpStream,
    progress: Arc<Progress>,
}

/// What both ends know of a connection.
struct Progress {
    /// Bytes that came back right.
    checked: AtomicU64,
    /// Bytes that must come back, once no more will be sent; until then more than can come.
    owed: AtomicU64,
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
    /// Looks at the clock, the bytes and the server, twice.
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
        ensure!(to > from, "no byte came back in time");
        Ok(Measured {
            bytes: (to - from) as f64 * self.pattern.sent_per_due(),
            took,
            cost,
            peak,
        })
    }

    /// The others end when one fails.
    fn noting(&self, work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
        let done = work();
        if done.is_err() {
            self.failed.store(true, Ordering::Relaxed);
        }
        done
    }

    /// Sends until it is time to stop, and then what is left of a period.
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
                let owed = self.pattern.owed(*sent / period);
                end.progress.owed.store(owed, Ordering::SeqCst);
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

    /// Reads to the end of all, comparing.
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
                    let owed = end.progress.owed.load(Ordering::SeqCst);
                    ensure!(
                        checked == owed,
                        "the server closed after {checked} bytes of {owed}"
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

/// The sender's end of a new connection, and the checker's.
fn open(peer: &Peer) -> anyhow::Result<(End, End)> {
    let stream = std::net::TcpStream::connect(peer.address).context("connect")?;
    stream.set_nonblocking(true)?;
    let progress = Arc::new(Progress {
        checked: AtomicU64::new(0),
        owed: AtomicU64::new(u64::MAX),
    });
    let end = |stream| End {
        stream: TcpStream::from_std(stream),
        progress: Arc::clone(&progress),
    };
    Ok((end(stream.try_clone()?), end(stream)))
}

impl End {
    /// Both ends ask after they have said how far they are, so one of them sees it, perhaps both.
    fn finish_when_all_came(&self) -> anyhow::Result<()> {
        let Progress { checked, owed } = &*self.progress;
        if checked.load(Ordering::SeqCst) == owed.load(Ordering::SeqCst) {
            let ended = self.stream.shutdown(Shutdown::Write);
            // The server may have closed since the first time.
            if !matches!(&ended, Err(error) if error.kind() == ErrorKind::NotConnected) {
                ended.context("end of input")?;
            }
        }
        Ok(())
    }
}

/// Fails at the first byte that is not the one that is due; `before` came before them.
pub(crate) fn compare(got: &[u8], due: &[u8], before: u64) -> anyhow::Result<()> {
    if got == due {
        return Ok(());
    }
    let pairs = got.iter().zip(due);
    let wrong = pairs.take_while(|(got, due)| got == due).count();
    bail!(
        "byte {} is {:?}, {:?} is due",
        before + wrong as u64,
        got[wrong] as char,
        due[wrong] as char
    );
}
