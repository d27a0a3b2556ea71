//! Reloads while connections come and go, and others last.

use std::time::{Duration, Instant};

use super::found::Found;
use super::swaps::Swaps;
use super::traffic::{Pace, Phase, Traffic};
use super::visitors::Visitors;

/// How much of it.
#[derive(Debug, Clone, Copy)]
pub struct Storm {
    /// Connections that last, and what they send.
    pub pace: Pace,
    /// New connections a second.
    pub visitors: f64,
    /// Reloads, each with a change.
    pub reloads: u64,
    /// Time from one to the next.
    pub every: Duration,
}

/// What came of it.
#[derive(Debug)]
pub struct Stormed {
    /// What the connections saw that lasted.
    pub found: Found,
    /// How many connections came and went.
    pub visitors: u64,
}

impl Storm {
    /// Runs it.
    ///
    /// # Errors
    /// The first connection that was refused, reset or answered wrongly.
    pub fn run(&self) -> anyhow::Result<Stormed> {
        let mut swaps = Swaps::start();
        let address = swaps.host().address();
        let traffic = Traffic::start(address, self.pace);
        traffic.expect_moved(1)?;
        traffic.phase(Phase::Swapping);
        let visitors = Visitors::start(address, self.visitors, None);
        let mut reload = || {
            let mut due = Instant::now();
            for _ in 0..self.reloads {
                swaps.run(&traffic, 1, Duration::ZERO)?;
                visitors.in_force(swaps.newest());
                due += self.every;
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
            }
            swaps.settle(&traffic)
        };
        let reloaded = reload();
        let visitors = visitors.finish()?;
        let found = traffic.finish()?;
        reloaded?;
        Ok(Stormed { found, visitors })
    }
}
