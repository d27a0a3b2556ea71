//! Throughput in rounds: the peers take turns, so that other work on the machine affects all of them.
//! Each is started for its turn and stopped after it, so that one that polls constantly takes nothing
//! from the others.
//!
//! In: how to launch peers, and a way to measure one. Out: [`Throughput`] of each. Not here: the
//! connections (`saturate`, `secure`), and the loads (`load`, `matrix`, `filters`).

use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Args;

use crate::idle::raise_files;
use crate::pattern::Pattern;
use crate::peer::{LINEMILL, Launch, Peer};
use crate::saturate::saturate;
use crate::throughput::{Measured, Throughput};

/// Options of a measurement in rounds.
#[derive(Debug, Clone, Args)]
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
}

/// Options that turn a measurement into a check.
#[derive(Debug, Clone, Args)]
pub(crate) struct Bound {
    /// Fail when linemill's median is below this share of the first peer's
    #[arg(long)]
    at_least: Option<f64>,
}

/// A peer and a load.
pub(crate) struct Entry {
    pub(crate) launch: Launch,
    /// The pattern to send, with its expected answer.
    pub(crate) pattern: Pattern,
    /// The number of connections.
    pub(crate) connections: usize,
    /// Index of the entry that its rate is compared with.
    pub(crate) baseline: usize,
}

impl Rounds {
    /// Measures each peer once per round, and compares it with the first.
    pub(crate) fn measure(
        &self,
        launches: &mut [Launch],
        mut measure: impl FnMut(&Peer, Duration) -> anyhow::Result<Measured>,
    ) -> anyhow::Result<Vec<Throughput>> {
        ensure!(self.connections > 0, "nothing to measure");
        let seconds = self.time()?;
        let found = self.take(launches.len(), |nth, round| {
            let launch = &mut launches[nth];
            let measured = launch
                .start()
                .and_then(|peer| measure(&peer, seconds))
                .with_context(|| format!("{}, round {round}", launch.name))?;
            let mib = measured.rate() / f64::from(1 << 20);
            eprintln!("round {round}: {} {mib:.0} MiB per second", launch.name);
            Ok(measured)
        })?;
        let throughput =
            |(launch, of): (&Launch, &Vec<_>)| Throughput::of(&launch.name, of, &found[0]);
        Ok(launches.iter().zip(&found).map(throughput).collect())
    }

    /// Saturates each entry once per round. Entries take turns.
    pub(crate) fn saturate(&self, entries: &mut [Entry]) -> anyhow::Result<Vec<Vec<Measured>>> {
        let seconds = self.time()?;
        let most = entries.iter().map(|entry| entry.connections).max();
        let most = most
            .filter(|&most| most > 0)
            .context("nothing to measure")?;
        // Peers inherit the limit, so it is raised before they start. The client has two descriptors
        // per connection.
        raise_files(2 * most as u64 + 200)?;
        self.take(entries.len(), |nth, round| {
            let Entry {
                launch,
                pattern,
                connections,
                ..
            } = &mut entries[nth];
            let name = launch.name.clone();
            let measured = launch
                .start()
                .and_then(|peer| saturate(&peer, pattern, *connections, seconds))
                .with_context(|| {
                    format!("{name}, entry {nth}, {connections} connections, round {round}")
                })?;
            eprintln!(
                "round {round}: {name}, {connections} connections, lines of {:.0} bytes: {:.2} million lines per second",
                pattern.line() - 1.0,
                measured.rate() / pattern.line() / 1e6
            );
            Ok(measured)
        })
    }

    /// The throughput of one entry, and of the one that it is compared with.
    pub(crate) fn throughput(entries: &[Entry], found: &[Vec<Measured>], nth: usize) -> Throughput {
        let Entry {
            launch, baseline, ..
        } = &entries[nth];
        Throughput::of(&launch.name, &found[nth], &found[*baseline])
    }

    /// Calls `measure` for each of `count` entries once per round.
    fn take(
        &self,
        count: usize,
        mut measure: impl FnMut(usize, usize) -> anyhow::Result<Measured>,
    ) -> anyhow::Result<Vec<Vec<Measured>>> {
        ensure!(self.rounds > 0 && count > 0, "nothing to measure");
        let mut found: Vec<Vec<Measured>> = (0..count).map(|_| Vec::new()).collect();
        for round in 1..=self.rounds {
            for (nth, found) in found.iter_mut().enumerate() {
                found.push(measure(nth, round)?);
            }
        }
        Ok(found)
    }

    /// How the measurement was made, for the text above a table.
    pub(crate) fn method(&self) -> String {
        format!(
            "medians of {} rounds of {} s, every byte checked; CPU and memory are those of the server alone",
            self.rounds, self.seconds
        )
    }

    fn time(&self) -> anyhow::Result<Duration> {
        Duration::try_from_secs_f64(self.seconds).context("--seconds")
    }
}

impl Bound {
    /// Fails when linemill's throughput is below the allowed share of the first peer's.
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
