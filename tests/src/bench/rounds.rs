//! Throughput in rounds: the peers take turns, so that whatever the machine does besides meets all
//! of them. Each is started for its turn and ended after it: one that polls all the time takes
//! nothing from the others.
//!
//! In: how peers are started, and a way to measure one. Out: [`Throughput`] of each. Not here: the connections
//! (`load`, `secure`), the table.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Args;

use crate::peer::{LINEMILL, Launch, Peer};
use crate::report::Spread;

/// Options of a measurement in rounds.
#[derive(Debug, Args)]
pub(crate) struct Rounds {
    /// Connections, each with a sender that never waits
    #[arg(long, default_value_t = 4)]
    pub(crate) connections: usize,
    /// Seconds of one measurement, after a warm-up of a quarter of it
    #[arg(long, default_value_t = 4.0)]
    pub(crate) seconds: f64,
    /// Measurements of each peer; peers take turns
    #[arg(long, default_value_t = 5)]
    pub(crate) rounds: usize,
    /// Fail when linemill's median is less than this part of the first peer's
    #[arg(long)]
    at_least: Option<f64>,
}

/// What one measurement found.
pub(crate) struct Measured {
    /// Bytes that came back right.
    pub(crate) bytes: f64,
    pub(crate) took: Duration,
    /// Processor time the server used.
    pub(crate) cost: Duration,
    /// The most memory it had, in bytes.
    pub(crate) peak: u64,
}

/// What all measurements of a peer found.
pub(crate) struct Throughput {
    /// The peer's name.
    pub(crate) name: String,
    /// Bytes a second.
    pub(crate) rate: Spread,
    /// Of the first peer's rate, in the same round.
    pub(crate) ratio: Spread,
    /// Memory at its most, in bytes: the median.
    pub(crate) peak: f64,
    /// Processor time the server used, seconds a byte: the median.
    pub(crate) cost: f64,
}

impl Rounds {
    /// Measures each peer as often as there are rounds. `told` shows a rate, in bytes a second.
    pub(crate) fn measure(
        &self,
        launches: &mut [Launch],
        told: impl Fn(f64) -> String,
        mut measure: impl FnMut(&Peer, Duration) -> anyhow::Result<Measured>,
    ) -> anyhow::Result<Vec<Throughput>> {
        ensure!(
            self.connections > 0 && self.rounds > 0 && !launches.is_empty(),
            "nothing to measure"
        );
        let seconds = Duration::try_from_secs_f64(self.seconds).context("--seconds")?;
        let mut found: Vec<Vec<Measured>> = launches.iter().map(|_| Vec::new()).collect();
        for round in 1..=self.rounds {
            for (launch, found) in launches.iter_mut().zip(&mut found) {
                let measured = launch
                    .start()
                    .and_then(|peer| measure(&peer, seconds))
                    .with_context(|| format!("{}, round {round}", launch.name))?;
                let rate = told(measured.rate());
                eprintln!("round {round}: {} {rate} a second", launch.name);
                found.push(measured);
            }
        }
        let throughput = |(launch, of): (&Launch, &Vec<Measured>)| {
            let spread = |value: fn(&Measured) -> f64| Spread::of(of.iter().map(value).collect());
            let ratios = of.iter().zip(&found[0]);
            Throughput {
                name: launch.name.clone(),
                rate: spread(Measured::rate),
                ratio: Spread::of(
                    ratios
                        .map(|(own, first)| own.rate() / first.rate())
                        .collect(),
                ),
                peak: spread(|measured| measured.peak as f64).median,
                cost: spread(|measured| measured.cost.as_secs_f64() / measured.bytes).median,
            }
        };
        Ok(launches.iter().zip(&found).map(throughput).collect())
    }

    /// Fails when linemill is slower beside the first peer than it may be.
    pub(crate) fn judge(&self, found: &[Throughput]) -> anyhow::Result<()> {
        let Some(least) = self.at_least else {
            return Ok(());
        };
        let linemill = found.iter().find(|found| found.name == LINEMILL);
        let linemill = linemill.context("linemill is not among the peers")?;
        let ratio = linemill.rate.median / found[0].rate.median;
        ensure!(
            ratio >= least,
            "linemill is at {ratio:.2} of {}, less than {least}",
            found[0].name
        );
        Ok(())
    }
}

impl Measured {
    /// Bytes a second.
    fn rate(&self) -> f64 {
        self.bytes / self.took.as_secs_f64()
    }
}
