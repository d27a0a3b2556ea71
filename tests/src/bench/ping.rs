//! Latency: one line at a time on one connection, every byte checked. The peers take turns.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Args;

use crate::document::{Cell, Kind, Part, Plot};
use crate::others::Others;
use crate::pattern::Pattern;
use crate::peer::{LINEMILL, Subject};
use crate::spread::Spread;

/// A server has failed if it does not answer for this long.
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

/// Results of one measurement in microseconds.
struct Measured {
    median: f64,
    p99: f64,
    max: f64,
    lines: usize,
}

impl Ping {
    /// Measures all peers and prints the table.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        self.measure()?.print();
        Ok(())
    }

    /// Measures all peers.
    pub(crate) fn measure(&self) -> anyhow::Result<Part> {
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
        let rows = launches.iter().zip(&found);
        let rows = rows.map(|(launch, own)| row(&launch.name, own, &found[0]));
        let columns = [
            "peer",
            "median µs",
            "p99 µs",
            "max µs",
            "ratio",
            "least",
            "most",
            "p99 ratio",
            "p99 least",
            "p99 most",
            "lines",
        ];
        Ok(Part {
            title: "Ping".to_owned(),
            about: format!(
                "One connection, one line of {} bytes at a time: from sending it until all of it is back. Medians of {} rounds of {} s, the largest of all rounds under `max µs`, every byte checked. Ratios are to {} in the same round.",
                self.subject.line, self.rounds, self.seconds, launches[0].name
            ),
            command: String::new(),
            columns: columns.map(str::to_owned).to_vec(),
            rows: rows.collect(),
            plots: vec![Plot {
                title: "One line and back: the median".to_owned(),
                kind: Kind::Bars,
                x: Some("peer".to_owned()),
                y: vec!["median µs".to_owned()],
                y_label: "microseconds".to_owned(),
                emphasis: Some(LINEMILL.to_owned()),
                ..Plot::default()
            }],
        })
    }
}

/// The results of a peer's rounds, compared with the first peer's.
fn row(name: &str, own: &[Measured], first: &[Measured]) -> Vec<Cell> {
    let spread = |value: fn(&Measured) -> f64| Spread::of(own.iter().map(value).collect());
    let ratio = |value: fn(&Measured) -> f64| {
        let pairs = own.iter().zip(first);
        let ratios = pairs.map(|(own, first)| value(own) / value(first));
        Spread::of(ratios.collect())
    };
    let (of_median, of_p99) = (ratio(|of| of.median), ratio(|of| of.p99));
    let numbers = [
        spread(|of| of.median).median,
        spread(|of| of.p99).median,
        spread(|of| of.max).max,
        of_median.median,
        of_median.min,
        of_median.max,
        of_p99.median,
        of_p99.min,
        of_p99.max,
    ];
    let mut row = vec![Cell::text(name)];
    row.extend(numbers.map(Cell::number));
    row.push(Cell::count(own.iter().map(|of| of.lines).sum::<usize>()));
    row
}

impl Measured {
    /// Computes them; `times` must not be empty.
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
