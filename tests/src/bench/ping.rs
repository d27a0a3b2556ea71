//! Latency: one line at a time on one connection, every byte checked. The peers take turns.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Args;

use crate::others::Others;
use crate::pattern::Pattern;
use crate::peer::Subject;
use crate::report::{Spread, table};

/// A server that does not answer for so long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Options of the measurement.
#[derive(Debug, Args)]
pub(crate) struct Ping {
    #[command(flatten)]
    subject: Subject,
    /// Seconds of one measurement, after a warm-up of a quarter of it
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Measurements of each peer; peers take turns
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    #[command(flatten)]
    others: Others,
}

/// What one measurement found, in microseconds.
struct Measured {
    median: f64,
    p99: f64,
    max: f64,
    lines: usize,
}

impl Ping {
    /// Measures all peers and prints the table.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let time = Duration::try_from_secs_f64(self.seconds).context("--seconds")?;
        ensure!(self.rounds > 0, "nothing to measure");
        let mut launches = self.subject.launches_with(&self.others)?;
        let mut found: Vec<Vec<Measured>> = launches.iter().map(|_| Vec::new()).collect();
        for round in 1..=self.rounds {
            for (launch, found) in launches.iter_mut().zip(&mut found) {
                let peer = launch.start()?;
                let pattern = peer.pattern(&self.subject);
                let times = measure(peer.address, &pattern, self.subject.line + 1, time)
                    .with_context(|| format!("{}, round {round}", peer.name))?;
                found.push(Measured::of(times));
            }
        }
        let rows: Vec<_> = launches
            .iter()
            .zip(&found)
            .map(|(launch, own)| {
                let spread =
                    |value: fn(&Measured) -> f64| Spread::of(own.iter().map(value).collect());
                let ratio = |value: fn(&Measured) -> f64| {
                    let pairs = own.iter().zip(&found[0]);
                    Spread::of(
                        pairs
                            .map(|(own, first)| value(own) / value(first))
                            .collect(),
                    )
                };
                let (median, p99) = (spread(|of| of.median), spread(|of| of.p99));
                let (of_median, of_p99) = (ratio(|of| of.median), ratio(|of| of.p99));
                [
                    launch.name.clone(),
                    format!("{:.1}", median.median),
                    format!("{:.1}", p99.median),
                    format!("{:.1}", spread(|of| of.max).max),
                    format!("{:.2}", of_median.median),
                    format!("{:.2}-{:.2}", of_median.min, of_median.max),
                    format!("{:.2}", of_p99.median),
                    format!("{:.2}-{:.2}", of_p99.min, of_p99.max),
                    own.iter().map(|of| of.lines).sum::<usize>().to_string(),
                ]
            })
            .collect();
        println!(
            "one connection, one line of {} bytes at a time, medians of {} rounds of {} s, every byte checked;\nratios are to {} in the same round\n",
            self.subject.line, self.rounds, self.seconds, launches[0].name
        );
        let head = [
            "peer",
            "median µs",
            "p99 µs",
            "max µs",
            "ratio",
            "spread",
            "p99 ratio",
            "spread",
            "lines",
        ];
        print!("{}", table(&head, &rows));
        Ok(())
    }
}

impl Measured {
    /// Of at least one time.
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let part = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e6;
        Self {
            median: part(50),
            p99: part(99),
            max: part(100),
            lines: times.len(),
        }
    }
}

fn measure(
    address: SocketAddr,
    pattern: &Pattern,
    line: usize,
    time: Duration,
) -> anyhow::Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(address).context("connect")?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let (mut offset, mut times) = (0, Vec::new());
    let mut answer = vec![0; line];
    let start = Instant::now();
    while start.elapsed() < time + time / 4 {
        let sent = Instant::now();
        stream
            .write_all(pattern.sent(offset, line))
            .context("send")?;
        stream.read_exact(&mut answer).context("receive")?;
        let took = sent.elapsed();
        ensure!(
            answer == pattern.due(offset, line),
            "a wrong answer: {}",
            answer.escape_ascii()
        );
        if sent.duration_since(start) > time / 4 {
            times.push(took);
        }
        offset += line as u64;
    }
    ensure!(!times.is_empty(), "no line came back in time");
    Ok(times)
}
