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
use crate::peer::{LINEMILL, Launch, Peer, Subject};
use crate::report::{Spread, table};

/// Options of the measurement.
#[derive(Debug, Args)]
pub(crate) struct Load {
    #[command(flatten)]
    subject: Subject,
    /// Connections, each with a sender that never waits
    #[arg(long, default_value_t = 4)]
    connections: usize,
    /// Seconds of one measurement, after a warm-up of a quarter of it
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,
    /// Measurements of each peer; peers take turns
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Fail when linemill's median is less than this part of the first peer's
    #[arg(long)]
    at_least: Option<f64>,
}

impl Load {
    /// Measures all peers and prints the table.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        ensure!(
            self.connections > 0 && self.rounds > 0,
            "nothing to measure"
        );
        let seconds = Duration::try_from_secs_f64(self.seconds).context("--seconds")?;
        let pattern = self.subject.pattern()?;
        let launches = self.subject.launches()?;
        let peers: Vec<Peer> = launches
            .into_iter()
            .map(Launch::start)
            .collect::<Result<_, _>>()?;
        let mut rates = vec![Vec::new(); peers.len()];
        let mut costs = vec![Vec::new(); peers.len()];
        for round in 1..=self.rounds {
            for (nth, peer) in peers.iter().enumerate() {
                let measured = measure(peer, &pattern, self.connections, seconds)
                    .with_context(|| format!("{}, round {round}", peer.name))?;
                let lines = measured.bytes / (self.subject.line + 1) as f64;
                let rate = lines / measured.took.as_secs_f64();
                eprintln!(
                    "round {round}: {} {:.2} million lines a second",
                    peer.name,
                    rate / 1e6
                );
                rates[nth].push(rate);
                costs[nth].push(measured.cost.as_nanos() as f64 / lines);
            }
        }
        let spreads: Vec<Spread> = rates.into_iter().map(Spread::of).collect();
        let costs: Vec<f64> = costs
            .into_iter()
            .map(|costs| Spread::of(costs).median)
            .collect();
        self.print(&peers, &spreads, &costs);
        let Some(least) = self.at_least else {
            return Ok(());
        };
        let linemill = peers
            .iter()
            .position(|peer| peer.name == LINEMILL)
            .context("linemill is not among the peers")?;
        let ratio = spreads[linemill].median / spreads[0].median;
        ensure!(
            ratio >= least,
            "linemill is at {ratio:.2} of {}, less than {least}",
            peers[0].name
        );
        Ok(())
    }

    fn print(&self, peers: &[Peer], spreads: &[Spread], costs: &[f64]) {
        let mib = |lines: f64| lines * (self.subject.line + 1) as f64 / f64::from(1 << 20);
        let million = |lines: f64| format!("{:.2}", lines / 1e6);
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
            .zip(spreads)
            .zip(costs)
            .map(|((peer, spread), cost)| {
                [
                    peer.name.to_owned(),
                    million(spread.median),
                    million(spread.min),
                    million(spread.max),
                    format!("{:.0}", mib(spread.median)),
                    format!("{cost:.1}"),
                    format!("{:.2}", spread.median / spreads[0].median),
                ]
            })
            .collect();
        println!(
            "{} connections, lines of {} bytes, medians of {} rounds of {} s, every byte checked;\nCPU is that of the server alone\n",
            self.connections, self.subject.line, self.rounds, self.seconds
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

/// What one measurement found.
struct Measured {
    /// Bytes that came back right.
    bytes: f64,
    took: Duration,
    /// Processor time the server used.
    cost: Duration,
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
