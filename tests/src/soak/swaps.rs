//! Swaps, at a pace, under traffic.

use std::time::{Duration, Instant};

use anyhow::{bail, ensure};

use super::found::Found;
use super::line;
use super::traffic::{Pace, Phase, Traffic};
use crate::{Host, Outcome};

/// Most reloads asked for until a configuration that has been written is in force: the watcher
/// may have been quicker, or may be at the one before.
const TRIES: usize = 10;

/// A host whose generations are put in force one after the other.
#[derive(Debug)]
pub struct Swaps {
    host: Host,
    /// The number in the configuration in force, from 1.
    newest: u64,
    /// When each but the first was in force, by what the host said.
    published: Vec<(u64, Instant)>,
}

/// Swaps under connections that last.
#[derive(Debug, Clone, Copy)]
pub struct Soak {
    /// Who sends meanwhile.
    pub pace: Pace,
    /// How many.
    pub swaps: u64,
    /// Time from one to the next.
    pub every: Duration,
}

/// A burst of SIGHUPs under connections that last, each after another change.
#[derive(Debug, Clone, Copy)]
pub struct Burst {
    /// Who sends meanwhile.
    pub pace: Pace,
    /// How many.
    pub signals: u32,
    /// In how much time.
    pub within: Duration,
}

/// What came of a burst.
#[derive(Debug)]
pub struct Bursts {
    /// What the connections saw.
    pub found: Found,
    /// How often the host has loaded a configuration.
    pub loads: u64,
    /// Time from the last signal until every connection had a line by the last configuration.
    pub settled: Duration,
}

impl Swaps {
    /// Starts a host at its first generation.
    pub fn start() -> Self {
        let host = Host::serve(line::config(1));
        Self {
            host,
            newest: 1,
            published: Vec::new(),
        }
    }

    /// The host.
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
    /// When the host refuses it, or says that it is in force and it is not.
    pub fn swap(&mut self, traffic: &Traffic) -> anyhow::Result<()> {
        let next = self.newest + 1;
        traffic.begin(next);
        self.host.replace_config(line::config(next));
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

    /// Swaps once more if the lines of the newest generation do not tell it; then waits until all
    /// connections have moved.
    ///
    /// # Errors
    /// As [`swap`](Self::swap), or when one does not move.
    pub fn settle(&mut self, traffic: &Traffic) -> anyhow::Result<()> {
        if !line::tells(self.newest) {
            self.swap(traffic)?;
        }
        traffic.expect_moved(self.newest)
    }

    /// Swaps until all are done, each at its time.
    ///
    /// # Errors
    /// As [`swap`](Self::swap). A connection that failed ends it early.
    pub fn run(&mut self, traffic: &Traffic, swaps: u64, every: Duration) -> anyhow::Result<()> {
        let mut due = Instant::now();
        for _ in 0..swaps {
            if traffic.stopped() {
                break;
            }
            self.swap(traffic)?;
            due += every;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        Ok(())
    }
}

impl Soak {
    /// Swaps, and gives what the connections saw, and the host's log of generations.
    ///
    /// # Errors
    /// The first thing that was not as it had to be.
    pub fn run(&self) -> anyhow::Result<(Found, Swaps)> {
        let mut swaps = Swaps::start();
        let traffic = Traffic::start(swaps.host.address(), self.pace);
        traffic.expect_moved(1)?;
        traffic.phase(Phase::Swapping);
        let swapped = swaps.run(&traffic, self.swaps, self.every);
        let settled = swapped.and_then(|()| swaps.settle(&traffic));
        // What a connection saw says more than that something did not come.
        let found = traffic.finish()?;
        settled?;
        Ok((found, swaps))
    }
}

#[cfg(unix)]
impl Burst {
    /// Sends the signals.
    ///
    /// # Errors
    /// The first thing that was not as it had to be.
    pub fn run(&self) -> anyhow::Result<Bursts> {
        let swaps = Swaps::start();
        let host = &swaps.host;
        let traffic = Traffic::start(host.address(), self.pace);
        traffic.expect_moved(1)?;
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
            if signal == self.signals && !line::tells(newest) {
                newest += 1;
            }
            traffic.begin(newest);
            host.replace_config(line::config(newest));
            host.hang_up();
            let due = start + self.within * signal / self.signals;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        let last = Instant::now();
        let moved = traffic.expect_moved(newest);
        let settled = last.elapsed();
        let found = traffic.finish()?;
        moved?;
        Ok(Bursts {
            found,
            loads: loads() - before,
            settled,
        })
    }
}
