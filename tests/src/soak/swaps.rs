//! Swaps at a steady pace, and bursts of SIGHUPs, under connections that stay open.
//!
//! In: how many, how fast, under how many connections. Out: what the connections observed, or the
//! first thing that went wrong. Not here: how long a swap may take.

use std::time::{Duration, Instant};

use anyhow::{bail, ensure};

use super::line;
use super::long_lived::{LongLived, Pace, Phase};
use super::observations::Observations;
use crate::{Folder, Host, Outcome};

/// Reloads requested at most until a configuration that was written is in force. More than one can
/// be needed, because the host's watcher may be loading the configuration before it.
const TRIES: usize = 10;

/// A host that is taken from one generation to the next.
#[derive(Debug)]
pub struct Swaps {
    host: Host,
    /// The number in the configuration in force, from 1.
    newest: u64,
    /// Further tables of every configuration.
    more: String,
    /// When the host reported each generation but the first as in force.
    published: Vec<(u64, Instant)>,
}

/// Swaps under connections that stay open.
#[derive(Debug, Clone, Copy)]
pub struct Soak {
    /// The connections, and how fast they send.
    pub pace: Pace,
    /// Number of swaps.
    pub swaps: u64,
    /// Time from one to the next.
    pub every: Duration,
}

/// A burst of SIGHUPs under connections that stay open, each after another change.
#[derive(Debug, Clone, Copy)]
pub struct Burst {
    /// The connections, and how fast they send.
    pub pace: Pace,
    /// Number of signals.
    pub signals: u32,
    /// Time from the first signal to the last.
    pub within: Duration,
}

/// The result of a burst.
#[derive(Debug)]
pub struct BurstReport {
    /// What the connections observed.
    pub observations: Observations,
    /// How often the host loaded a configuration.
    pub loads: u64,
    /// Time from the last signal until every connection had a line of the last configuration.
    pub settled: Duration,
}

impl Swaps {
    /// Starts a host at its first generation.
    pub fn start() -> Self {
        Self::start_with(Folder::new(), String::new())
    }

    /// Starts a host in `folder` at its first generation, with further tables in every configuration.
    pub fn start_with(folder: Folder, more: String) -> Self {
        let host = Host::serve_in(folder, line::config(1) + &more);
        Self {
            host,
            newest: 1,
            more,
            published: Vec::new(),
        }
    }

    /// The host under test.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The number of the newest generation.
    pub fn newest(&self) -> u64 {
        self.newest
    }

    /// When each generation but the first was in force.
    pub fn published(&self) -> &[(u64, Instant)] {
        &self.published
    }

    /// Puts the next generation in force.
    ///
    /// # Errors
    /// When the host refuses it, or reports success without it being in force.
    pub fn swap(&mut self, long_lived: &LongLived) -> anyhow::Result<()> {
        let next = self.newest + 1;
        long_lived.begin(next);
        self.host.replace_config(line::config(next) + &self.more);
        for _ in 0..TRIES {
            let reload = self.host.reload();
            ensure!(
                reload.outcome != Outcome::Refused,
                "generation {next} was refused:\n{}",
                self.host.stderr()
            );
            // The host counts from 1 as this does: each configuration is one generation.
            if reload.generation == next {
                self.newest = next;
                self.published.push((next, Instant::now()));
                return Ok(());
            }
        }
        bail!(
            "generation {next} is not in force, but {}",
            self.host.generation()
        )
    }

    /// Waits until all connections have moved to the newest generation. Swaps once more first if
    /// that one's lines do not show its number.
    ///
    /// # Errors
    /// As [`swap`](Self::swap), or when a connection does not move.
    pub fn settle(&mut self, long_lived: &LongLived) -> anyhow::Result<()> {
        if !line::shows_number(self.newest) {
            self.swap(long_lived)?;
        }
        long_lived.expect_moved(self.newest)
    }

    /// Swaps this many times, each when it is due.
    ///
    /// # Errors
    /// As [`swap`](Self::swap). It ends early when a connection has failed.
    pub fn run(
        &mut self,
        long_lived: &LongLived,
        swaps: u64,
        every: Duration,
    ) -> anyhow::Result<()> {
        let mut due = Instant::now();
        for _ in 0..swaps {
            if long_lived.stopped() {
                break;
            }
            self.swap(long_lived)?;
            due += every;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        Ok(())
    }
}

impl Soak {
    /// Runs it; returns what the connections observed, and the host.
    ///
    /// # Errors
    /// The first thing that went wrong.
    pub fn run(&self) -> anyhow::Result<(Observations, Swaps)> {
        let mut swaps = Swaps::start();
        let long_lived = LongLived::start(swaps.host.address(), self.pace);
        long_lived.expect_moved(1)?;
        long_lived.phase(Phase::Swapping);
        let swapped = swaps.run(&long_lived, self.swaps, self.every);
        let settled = swapped.and_then(|()| swaps.settle(&long_lived));
        // An error of a connection says more than a swap that did not settle.
        let observations = long_lived.finish()?;
        settled?;
        Ok((observations, swaps))
    }
}

#[cfg(unix)]
impl Burst {
    /// Sends the signals.
    ///
    /// # Errors
    /// The first thing that went wrong.
    pub fn run(&self) -> anyhow::Result<BurstReport> {
        let swaps = Swaps::start();
        let host = &swaps.host;
        let long_lived = LongLived::start(host.address(), self.pace);
        long_lived.expect_moved(1)?;
        let loads = || {
            Outcome::ALL
                .map(|outcome| host.reloads(outcome))
                .iter()
                .sum::<u64>()
        };
        let (before, start) = (loads(), Instant::now());
        let mut newest = 1;
        for signal in 1..=self.signals {
            newest += 1;
            if signal == self.signals && !line::shows_number(newest) {
                newest += 1;
            }
            long_lived.begin(newest);
            host.replace_config(line::config(newest));
            host.hang_up();
            let due = start + self.within * signal / self.signals;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        let last = Instant::now();
        let moved = long_lived.expect_moved(newest);
        let settled = last.elapsed();
        let observations = long_lived.finish()?;
        moved?;
        Ok(BurstReport {
            observations,
            loads: loads() - before,
            settled,
        })
    }
}
