//! Latency at a given rate: an open loop, in rounds. The peers take turns.
//!
//! In: rates. Out: a table of percentiles. Not here: sending and receiving (`openloop`).

use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Args;

use crate::document::{Cell, Part, Plot};
use crate::idle::raise_files;
use crate::openloop::{Latencies, Offer};
use crate::others::Others;
use crate::peer::{Launch, Subject};
use crate::schedule::Schedule;
use crate::spread::Spread;

/// The percentiles that are shown, and their columns.
const QUANTILES: [(f64, &str); 5] = [
    (0.5, "p50 µs"),
    (0.9, "p90 µs"),
    (0.99, "p99 µs"),
    (0.999, "p99.9 µs"),
    (1.0, "max µs"),
];

/// Options of the measurement.
#[derive(Debug, Args)]
pub(crate) struct Latency {
    #[command(flatten)]
    pub(crate) subject: Subject,
    /// Lines per second offered over all connections; separate several rates by commas
    #[arg(long, default_value = "20000", value_delimiter = ',')]
    pub(crate) rate: Vec<u64>,
    /// Connections; lines go to them in turn
    #[arg(long, default_value_t = 16)]
    pub(crate) connections: usize,
    /// Seconds of one measurement, after a warm-up of a quarter of it
    #[arg(long, default_value_t = 4.0)]
    pub(crate) seconds: f64,
    /// Measurements of each peer at each rate; peers take turns
    #[arg(long, default_value_t = 5)]
    pub(crate) rounds: usize,
    #[command(flatten)]
    pub(crate) others: Others,
}

impl Latency {
    /// Measures all peers and prints the table.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        self.measure()?.print();
        Ok(())
    }

    /// Measures all peers at all rates.
    pub(crate) fn measure(&self) -> anyhow::Result<Part> {
        ensure!(
            self.rounds > 0 && self.connections > 0 && !self.rate.contains(&0),
            "nothing to measure"
        );
        let time = Duration::try_from_secs_f64(self.seconds).context("--seconds")?;
        raise_files(2 * self.connections as u64 + 200)?;
        let mut launches = self.subject.launches_with(&self.others)?;
        let mut part = self.part(&launches);
        // By rate, then by peer, then by round.
        let mut found: Vec<Vec<Vec<Latencies>>> = Vec::new();
        found.resize_with(self.rate.len(), || {
            launches.iter().map(|_| Vec::new()).collect()
        });
        for round in 1..=self.rounds {
            for (&rate, found) in self.rate.iter().zip(&mut found) {
                for (launch, found) in launches.iter_mut().zip(found) {
                    let taken = self.take(launch, rate, time);
                    let taken = taken.with_context(|| {
                        format!("{}, {rate} lines per second, round {round}", launch.name)
                    })?;
                    eprintln!(
                        "round {round}: {}, {rate} lines per second: p99 {:.0} µs",
                        launch.name,
                        taken.quantile(0.99)
                    );
                    found.push(taken);
                }
            }
        }
        for (&rate, found) in self.rate.iter().zip(&found) {
            for (launch, own) in launches.iter().zip(found) {
                part.rows.push(row(rate, &launch.name, own, &found[0]));
            }
        }
        Ok(part)
    }

    fn take(&self, launch: &mut Launch, rate: u64, time: Duration) -> anyhow::Result<Latencies> {
        let peer = launch.start()?;
        let warm = time / 4;
        let schedule = Schedule::within(rate, self.connections, warm + time);
        let offer = Offer {
            pattern: &launch.pattern(&self.subject),
            line: self.subject.line + 1,
            warm: schedule.due(warm),
            schedule,
        };
        ensure!(
            offer.warm < schedule.lines,
            "the measurement is too short for a single line"
        );
        offer.make(peer.address)
    }

    /// The table without rows.
    fn part(&self, launches: &[Launch]) -> Part {
        let quantiles = QUANTILES.iter().map(|(_, name)| *name);
        let columns = ["lines/s", "peer"].into_iter().chain(quantiles).chain([
            "p99 ratio",
            "least",
            "most",
            "sender p99 µs",
        ]);
        let one = self.rate.get(self.rate.len() / 2).copied();
        let shown = one
            .map(|rate| Cell::count(rate).shown())
            .unwrap_or_default();
        let percentiles = Plot {
            title: format!(
                "{shown} lines per second over {} connections",
                self.connections
            ),
            y: QUANTILES
                .iter()
                .map(|(_, name)| (*name).to_owned())
                .collect(),
            by: Some("peer".to_owned()),
            only: Some(["lines/s".to_owned(), shown]),
            x_label: "percentile of all lines".to_owned(),
            y_label: "microseconds, log scale".to_owned(),
            log: true,
            ..Plot::default()
        };
        let over_rates = Plot {
            title: "The 99th percentile as the rate grows".to_owned(),
            x: Some("lines/s".to_owned()),
            y: vec!["p99 µs".to_owned()],
            by: Some("peer".to_owned()),
            x_label: "lines offered per second".to_owned(),
            y_label: "microseconds, log scale".to_owned(),
            log: true,
            ..Plot::default()
        };
        let mut plots = vec![percentiles];
        plots.extend((self.rate.len() > 1).then_some(over_rates));
        Part {
            title: "Latency at a given rate".to_owned(),
            about: format!(
                "An open loop: single lines of {} bytes are offered at a fixed rate, in turn to {} connections, whether or not earlier lines came back; \
                 medians of {} rounds of {} s, every byte checked, the largest of all rounds under `max µs`. Latency counts from the moment \
                 when a line was due to the moment when all of it was back, so that a stall counts for every line that was due in it \
                 (no coordinated omission). It includes how late lines were sent, which the last column shows. Ratios are to {} in the same round.",
                self.subject.line, self.connections, self.rounds, self.seconds, launches[0].name
            ),
            command: String::new(),
            columns: columns.map(str::to_owned).collect(),
            rows: Vec::new(),
            plots,
        }
    }
}

impl Latencies {
    /// The latency in microseconds that this share of all lines did not exceed.
    fn quantile(&self, quantile: f64) -> f64 {
        self.answers.value_at_quantile(quantile) as f64 / 1000.0
    }
}

/// The results of a peer's rounds, compared with the first peer's.
fn row(rate: u64, name: &str, own: &[Latencies], first: &[Latencies]) -> Vec<Cell> {
    let spread = |value: &dyn Fn(&Latencies) -> f64| Spread::of(own.iter().map(value).collect());
    let mut row = vec![Cell::count(rate), Cell::text(name)];
    row.extend(QUANTILES.iter().map(|(quantile, _)| {
        let spread = spread(&|of| of.quantile(*quantile));
        Cell::number(if *quantile < 1.0 {
            spread.median
        } else {
            spread.max
        })
    }));
    let pairs = own.iter().zip(first);
    let ratio = Spread::of(
        pairs
            .map(|(own, first)| own.quantile(0.99) / first.quantile(0.99))
            .collect(),
    );
    row.extend([ratio.median, ratio.min, ratio.max].map(Cell::number));
    let lateness = spread(&|of| of.lateness.value_at_quantile(0.99) as f64 / 1000.0);
    row.push(Cell::number(lateness.median));
    row
}
