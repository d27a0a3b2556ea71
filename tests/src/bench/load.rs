//! Throughput: connections whose senders never wait, every byte checked.
//!
//! The end of input is said only after all came back: there are servers that lose what they owe at
//! it, and their throughput is wanted too.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use clap::Args;

use crate::others::Others;
use crate::pattern::{Pattern, STRETCH};
use crate::peer::{Peer, Subject};
use crate::report::table;
use crate::rounds::{Measured, Rounds, Throughput};

/// A server that sends nothing for so long, while something is due, has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Options of the measurement.
#[derive(Debug, Args)]
pub(crate) struct Load {
    #[command(flatten)]
    subject: Subject,
    #[command(flatten)]
    rounds: Rounds,
    #[command(flatten)]
    others: Others,
}

impl Load {
    /// Measures all peers and prints the table.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let mut launches = self.subject.launches_with(&self.others)?;
        let told = |rate: f64| format!("{:.2} million lines", rate / self.line() / 1e6);
        let found = self.rounds.measure(&mut launches, told, |peer, seconds| {
            let pattern = peer.pattern(&self.subject);
            measure(peer, &pattern, self.rounds.connections, seconds)
        })?;
        self.print(&found);
        self.rounds.judge(&found)
    }

    /// Bytes of a line with its terminator.
    fn line(&self) -> f64 {
        (self.subject.line + 1) as f64
    }

    fn print(&self, found: &[Throughput]) {
        let million = |rate: f64| format!("{:.2}", rate / self.line() / 1e6);
        let head = [
            "peer",
            "M lines/s",
            "min",
            "max",
            "MiB/s",
            "CPU ns/line",
            "CPU s/GB",
            "peak MiB",
            "ratio",
            "least",
            "most",
        ];
        let rows: Vec<_> = found
            .iter()
            .map(|found| {
                let Throughput {
                    name,
                    rate,
                    ratio,
                    peak,
                    cost,
                } = found;
                [
                    name.clone(),
                    million(rate.median),
                    million(rate.min),
                    million(rate.max),
                    format!("{:.0}", rate.median / f64::from(1 << 20)),
                    format!("{:.1}", cost * self.line() * 1e9),
                    format!("{:.2}", cost * 1e9),
                    format!("{:.1}", peak / f64::from(1 << 20)),
                    format!("{:.2}", ratio.median),
                    format!("{:.2}", ratio.min),
                    format!("{:.2}", ratio.max),
                ]
            })
            .collect();
        println!(
            "{} connections, lines of {} bytes, medians of {} rounds of {} s, every byte checked;\nCPU and memory are those of the server alone; ratios are to {} in the same round\n",
            self.rounds.connections,
            self.subject.line,
            self.rounds.rounds,
            self.rounds.seconds,
            found[0].name
        );
        print!("{}", table(&head, &rows));
    }
}

/// What the threads of one measurement share.
struct Run<'a> {
    pattern: &'a Pattern,
    /// Bytes that came back right.
    checked: AtomicU64,
    stop: AtomicBool,
}

/// One of its connections.
struct Connection<'a> {
    run: &'a Run<'a>,
    stream: TcpStream,
    /// Bytes that came back right.
    checked: AtomicU64,
    /// Bytes that were sent, once no more will be; until then more than can be.
    sent: AtomicU64,
}

fn measure(
    peer: &Peer,
    pattern: &Pattern,
    connections: usize,
    time: Duration,
) -> anyhow::Result<Measured> {
    let run = Run {
        pattern,
        checked: AtomicU64::new(0),
        stop: AtomicBool::new(false),
    };
    let connections: Vec<Connection> = (0..connections)
        .map(|_| Connection::open(&run, peer))
        .collect::<Result<_, _>>()?;
    thread::scope(|scope| {
        let threads: Vec<_> = connections
            .iter()
            .map(|connection| {
                (
                    scope.spawn(|| connection.send()),
                    scope.spawn(|| connection.check()),
                )
            })
            .collect();
        let measured = run.watch(peer, time);
        run.stop.store(true, Ordering::Relaxed);
        for (sender, checker) in threads {
            let checked = checker
                .join()
                .map_err(|_| anyhow::anyhow!("a thread panicked"))??;
            let sent = sender
                .join()
                .map_err(|_| anyhow::anyhow!("a thread panicked"))??;
            ensure!(
                sent == checked,
                "{sent} bytes were sent, {checked} came back"
            );
        }
        measured
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
        let bytes = (to - from) as f64;
        ensure!(bytes > 0.0, "no byte came back in time");
        Ok(Measured {
            bytes,
            took,
            cost,
            peak,
        })
    }
}

impl<'a> Connection<'a> {
    fn open(run: &'a Run<'a>, peer: &Peer) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(peer.address).context("connect")?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self {
            run,
            stream,
            checked: AtomicU64::new(0),
            sent: AtomicU64::new(u64::MAX),
        })
    }

    /// Sends until it is time to stop; says how many bytes.
    fn send(&self) -> anyhow::Result<u64> {
        let pattern = self.run.pattern;
        let mut sent = 0;
        while !self.run.stop.load(Ordering::Relaxed) {
            let block = pattern.sent(sent, pattern.period());
            (&self.stream).write_all(block).context("send")?;
            sent += block.len() as u64;
        }
        self.sent.store(sent, Ordering::SeqCst);
        self.finish_when_all_came()?;
        Ok(sent)
    }

    /// Both ends ask after they have said how far they are, so one of them sees it, perhaps both.
    fn finish_when_all_came(&self) -> anyhow::Result<()> {
        if self.checked.load(Ordering::SeqCst) == self.sent.load(Ordering::SeqCst) {
            let ended = self.stream.shutdown(Shutdown::Write);
            // The other end may have closed since the first time.
            if !matches!(&ended, Err(error) if error.kind() == ErrorKind::NotConnected) {
                ended.context("end of input")?;
            }
        }
        Ok(())
    }

    /// Reads to the end; says how many bytes, all of them right.
    fn check(&self) -> anyhow::Result<u64> {
        let checked = self.compare();
        if checked.is_err() {
            // Ends the sender too. It may have ended by itself.
            let _ = self.stream.shutdown(Shutdown::Both);
        }
        checked
    }

    fn compare(&self) -> anyhow::Result<u64> {
        let mut block = vec![0; STRETCH];
        let mut checked = 0;
        loop {
            let count = match (&self.stream).read(&mut block) {
                Ok(0) => return Ok(checked),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    return Err(error).with_context(|| format!("receive, after {checked} bytes"));
                }
            };
            let due = self.run.pattern.due(checked, count);
            if block[..count] != *due {
                let wrong = block[..count]
                    .iter()
                    .zip(due)
                    .take_while(|(got, due)| got == due)
                    .count();
                bail!(
                    "byte {} is {:?}, {:?} is due",
                    checked + wrong as u64,
                    block[wrong] as char,
                    due[wrong] as char
                );
            }
            checked += count as u64;
            self.run.checked.fetch_add(count as u64, Ordering::Relaxed);
            self.checked.store(checked, Ordering::SeqCst);
            self.finish_when_all_came()?;
        }
    }
}
