//! Throughput: connections whose senders never wait, every byte checked.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use linemill_tests::processor_time;

use crate::pattern::{Pattern, STRETCH};
use crate::peer::{Launch, Peer, Subject};
use crate::report::table;
use crate::rounds::{Measured, Rounds, Throughput};

/// Options of the measurement.
#[derive(Debug, Args)]
pub(crate) struct Load {
    #[command(flatten)]
    subject: Subject,
    #[command(flatten)]
    rounds: Rounds,
}

impl Load {
    /// Measures all peers and prints the table.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let pattern = self.subject.pattern()?;
        let launches = self.subject.launches()?;
        let peers: Vec<Peer> = launches
            .into_iter()
            .map(Launch::start)
            .collect::<Result<_, _>>()?;
        let told = |rate: f64| format!("{:.2} million lines", rate / self.line() / 1e6);
        let found = self.rounds.measure(&peers, told, |peer, seconds| {
            measure(peer, &pattern, self.rounds.connections, seconds)
        })?;
        self.print(&peers, &found);
        self.rounds.judge(&peers, &found)
    }

    /// Bytes of a line with its terminator.
    fn line(&self) -> f64 {
        (self.subject.line + 1) as f64
    }

    fn print(&self, peers: &[Peer], found: &[Throughput]) {
        let million = |rate: f64| format!("{:.2}", rate / self.line() / 1e6);
        let head = [
            "peer",
            "M lines/s",
            "min",
            "max",
            "MiB/s",
            "CPU ns/line",
            "ratio",
        ];
        let rows: Vec<_> = peers
            .iter()
            .zip(found)
            .map(|(peer, Throughput { rate, cost })| {
                [
                    peer.name.to_owned(),
                    million(rate.median),
                    million(rate.min),
                    million(rate.max),
                    format!("{:.0}", rate.median / f64::from(1 << 20)),
                    format!("{:.1}", cost * self.line() * 1e9),
                    format!("{:.2}", rate.median / found[0].rate.median),
                ]
            })
            .collect();
        println!(
            "{} connections, lines of {} bytes, medians of {} rounds of {} s, every byte checked;\nCPU is that of the server alone\n",
            self.rounds.connections, self.subject.line, self.rounds.rounds, self.rounds.seconds
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
    let streams: Vec<TcpStream> = (0..connections)
        .map(|_| TcpStream::connect(peer.address))
        .collect::<Result<_, _>>()
        .context("connect")?;
    thread::scope(|scope| {
        let threads: Vec<_> = streams
            .iter()
            .map(|stream| {
                (
                    scope.spawn(|| run.send(stream)),
                    scope.spawn(|| run.check(stream)),
                )
            })
            .collect();
        thread::sleep(time / 4);
        let (from, cost, start) = (
            run.checked.load(Ordering::Relaxed),
            processor_time(peer.id())?,
            Instant::now(),
        );
        thread::sleep(time);
        let (to, took) = (run.checked.load(Ordering::Relaxed), start.elapsed());
        let cost = processor_time(peer.id())?.saturating_sub(cost);
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
        let bytes = (to - from) as f64;
        ensure!(bytes > 0.0, "no byte came back in time");
        Ok(Measured { bytes, took, cost })
    })
}

impl Run<'_> {
    /// Sends until it is time to stop; says how many bytes.
    fn send(&self, mut stream: &TcpStream) -> anyhow::Result<u64> {
        let mut sent = 0;
        while !self.stop.load(Ordering::Relaxed) {
            let block = self.pattern.sent(sent, self.pattern.period());
            stream.write_all(block).context("send")?;
            sent += block.len() as u64;
        }
        stream.shutdown(Shutdown::Write).context("end of input")?;
        Ok(sent)
    }

    /// Reads to the end; says how many bytes, all of them right.
    fn check(&self, stream: &TcpStream) -> anyhow::Result<u64> {
        let checked = self.compare(stream);
        if checked.is_err() {
            // Ends the sender too. It may have ended by itself.
            let _ = stream.shutdown(Shutdown::Both);
        }
        checked
    }

    fn compare(&self, mut stream: &TcpStream) -> anyhow::Result<u64> {
        let mut block = vec![0; STRETCH];
        let mut checked = 0;
        loop {
            let count = match stream.read(&mut block) {
                Ok(0) => return Ok(checked),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error).context("receive"),
            };
            let due = self.pattern.due(checked, count);
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
            self.checked.fetch_add(count as u64, Ordering::Relaxed);
        }
    }
}
