//! Reloads while some connections come and go and others stay open.
//!
//! In: how many of each, and how many reloads. Out: what the connections observed, or the first
//! thing that went wrong. Not here: how long a reload may take.

use std::time::{Duration, Instant};

use super::long_lived::{LongLived, Pace, Phase};
use super::observations::Observations;
use super::short_lived::ShortLived;
use super::swaps::Swaps;

/// The size of a storm.
#[derive(Debug, Clone, Copy)]
pub struct Storm {
    /// Connections that stay open, and how fast they send.
    pub pace: Pace,
    /// Short-lived connections opened per second.
    pub new_per_second: f64,
    /// Number of reloads, each with a change.
    pub reloads: u64,
    /// Time from one reload to the next.
    pub every: Duration,
}

/// The result of a storm.
#[derive(Debug)]
pub struct StormReport {
    /// What the connections that stayed open observed.
    pub observations: Observations,
    /// Number of short-lived connections.
    pub short_lived: u64,
}

impl Storm {
    /// Runs it.
    ///
    /// # Errors
    /// The first connection that was refused, reset or answered wrongly.
    pub fn run(&self) -> anyhow::Result<StormReport> {
        let mut swaps = Swaps::start();
        let address = swaps.host().address();
        let long_lived = LongLived::start(address, self.pace);
        long_lived.expect_moved(1)?;
        long_lived.phase(Phase::Swapping);
        let short_lived = ShortLived::start(address, self.new_per_second, None);
        let mut reload = || {
            let mut due = Instant::now();
            for _ in 0..self.reloads {
                swaps.run(&long_lived, 1, Duration::ZERO)?;
                short_lived.in_force(swaps.newest());
                due += self.every;
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
            }
            swaps.settle(&long_lived)
        };
        let reloaded = reload();
        // An error of a connection says more than a reload that failed after it.
        let short_lived = short_lived.finish()?;
        let observations = long_lived.finish()?;
        reloaded?;
        Ok(StormReport {
            observations,
            short_lived,
        })
    }
}
