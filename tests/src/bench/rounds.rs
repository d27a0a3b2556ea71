//! Throughput in rounds: the peers take turns, so that whatever the machine does besides meets all
//! of them. Each is started for its turn and ended after it: one that polls all the time takes
//! nothing from the others.
//!
//! In: how peers are started, and a way to measure one. Out: [`Throughput`] of each. Not here: the
//! connections (`saturate`, `secure`), which loads there are (`load`, `matrix`, `filters`).

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

/// A measurement as a check.
#[derive(Debug, Clone, Args)]
pub(crate) struct Bound {
    /// Fail when linemill's median is less than this part of the first peer's
    #[arg(long)]
    at_least: Option<f64>,
}

/// One peer under one load.
pub(crate) struct Entry {
    pub(crate) launch: Launch,
    /// What is sent to it and what must come back.
    pub(crate) pattern: Pattern,
    /// Connections.
    pub(crate) connections: usize,
    /// Which entry, by index, its rate is compared with.
    pub(crate) beside: usize,
}

impl Rounds {
    /// Measures each peer as often as there are rounds, beside the first.
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
            eprintln!("round {round}: {} {mib:.0} MiB a second", launch.name);
            Ok(measured)
        })?;
        let throughput =
            |(launch, of): (&Launch, &Vec<_>)| Throughput::of(&launch.name, of, &found[0]);
        Ok(launches.iter().zip(&found).map(throughput).collect())
    }

    /// Saturates all entries as often as there are rounds. Entries take turns.
    pub(crate) fn saturate(&self, entries: &mut [Entry]) -> anyhow::Result<Vec<Vec<Measured>>> {
        let seconds = self.time()?;
        let most = entries.iter().map(|entry| entry.connections).max();
        let most = most
            .filter(|&most| most > 0)
            .context("nothing to measure")?;
        // Before the peers start: they inherit it. The client has two of each.
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
                "round {round}: {name}, {connections} connections, lines of {:.0} bytes: {:.2} million lines a second",
                pattern.line() - 1.0,
                measured.rate() / pattern.line() / 1e6
            );
            Ok(measured)
        })
    }

    /// Of one entry, beside the one that it is compared with.
    pub(crate) fn throughput(entries: &[Entry], found: &[Vec<Measured>], nth: usize) -> Throughput {
        let Entry { launch, beside, .. } = &entries[nth];
        Throughput::of(&launch.name, &found[nth], &found[*beside])
    }

    /// Each of `count` things once a round.
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

    /// How it is measured, for the text beside a table.
    pub(crate) fn told(&self) -> String {
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
