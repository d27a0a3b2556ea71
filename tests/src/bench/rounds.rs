//! Throughput in rounds: the peers take turns, so that whatever the machine does besides meets all
//! of them.
//!
//! In: peers, and a way to measure one. Out: [`Throughput`] of each. Not here: the connections
//! (`load`, `secure`), the table.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Args;

use crate::peer::{LINEMILL, Peer};
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
}

/// What all measurements of a peer found.
pub(crate) struct Throughput {
    /// Bytes a second.
    pub(crate) rate: Spread,
    /// Processor time the server used, seconds a byte: the median.
    pub(crate) cost: f64,
}

impl Rounds {
    /// Measures each peer as often as there are rounds. `told` shows a rate, in bytes a second.
    pub(crate) fn measure(
        &self,
        peers: &[Peer],
        told: impl Fn(f64) -> String,
        mut measure: impl FnMut(&Peer, Duration) -> anyhow::Result<Measured>,
    ) -> anyhow::Result<Vec<Throughput>> {
        ensure!(
            self.connections > 0 && self.rounds > 0,
            "nothing to measure"
        );
        let seconds = Duration::try_from_secs_f64(self.seconds).context("--seconds")?;
        let mut found = vec![(Vec::new(), Vec::new()); peers.len()];
        for round in 1..=self.rounds {
            for (peer, (rates, costs)) in peers.iter().zip(&mut found) {
                let measured = measure(peer, seconds)
                    .with_context(|| format!("{}, round {round}", peer.name))?;
                let rate = measured.bytes / measured.took.as_secs_f64();
                eprintln!("round {round}: {} {} a second", peer.name, told(rate));
                rates.push(rate);
                costs.push(measured.cost.as_secs_f64() / measured.bytes);
            }
        }
        let throughput = |(rates, costs)| Throughput {
            rate: Spread::of(rates),
            cost: Spread::of(costs).median,
        };
        Ok(found.into_iter().map(throughput).collect())
    }

    /// Fails when linemill is slower beside the first peer than it may be.
    pub(crate) fn judge(&self, peers: &[Peer], found: &[Throughput]) -> anyhow::Result<()> {
        let Some(least) = self.at_least else {
            return Ok(());
        };
        let linemill = peers.iter().position(|peer| peer.name == LINEMILL);
        let linemill = linemill.context("linemill is not among the peers")?;
        let ratio = found[linemill].rate.median / found[0].rate.median;
        ensure!(
            ratio >= least,
            "linemill is at {ratio:.2} of {}, less than {least}",
            peers[0].name
        );
        Ok(())
    }
}
