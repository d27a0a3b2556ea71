//! Connections that come and go for long, and what the host still holds of them afterwards.
//!
//! In: how many a second, how many of them are reset, for how long. Out: descriptors before and
//! after, and how resident memory went. Not here: what is too much.

use std::thread;
use std::time::{Duration, Instant};

use super::swaps::Swaps;
use super::visitors::Visitors;

/// Connections that come and go.
#[derive(Debug, Clone, Copy)]
pub struct Churn {
    /// New connections a second.
    pub visitors: f64,
    /// One in so many is reset by its client; the others must have all that they are owed.
    pub resets: u64,
    /// How long.
    pub time: Duration,
    /// Looks at resident memory meanwhile, evenly spaced; the first tenth of them is the warm-up.
    pub looks: u32,
}

/// What came of it.
#[derive(Debug)]
pub struct Churned {
    /// How many connections came and went, those of the warm-up left out.
    pub visitors: u64,
    /// Descriptors of the idle host, after a few connections and after all.
    pub descriptors: [usize; 2],
    /// Seconds since the start, and bytes that were resident.
    pub memory: Vec<(f64, f64)>,
}

impl Churn {
    /// Runs it.
    ///
    /// # Errors
    /// The first connection that was refused or answered wrongly.
    pub fn run(&self) -> anyhow::Result<Churned> {
        let swaps = Swaps::start();
        let host = swaps.host();
        let visitors = || Visitors::start(host.address(), self.visitors, Some(self.resets));
        // What the first connections bring is no leak.
        let first = visitors();
        thread::sleep(self.time / self.looks.max(1));
        first.finish()?;
        let before = host.idle_descriptors();
        let (visitors, start) = (visitors(), Instant::now());
        let mut memory = Vec::new();
        for look in 1..=self.looks {
            let due = start + self.time * look / self.looks;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if visitors.stopped() {
                break;
            }
            let resident = host.memory().resident as f64;
            memory.push((start.elapsed().as_secs_f64(), resident));
        }
        Ok(Churned {
            visitors: visitors.finish()?,
            descriptors: [before, host.idle_descriptors()],
            memory,
        })
    }
}

impl Churned {
    /// How much resident memory grew, as a part of its mean: by the line of least squares through
    /// all looks but the first tenth, from the first of them to the last. 0 of fewer than two.
    pub fn slope(&self) -> f64 {
        let looks = &self.memory[self.memory.len() / 10..];
        let count = looks.len() as f64;
        let sum = |of: &dyn Fn(&(f64, f64)) -> f64| looks.iter().map(of).sum::<f64>();
        let (time, mean) = (sum(&|look| look.0) / count, sum(&|look| look.1) / count);
        let together = sum(&|look| (look.0 - time) * (look.1 - mean));
        let apart = sum(&|look| (look.0 - time).powi(2));
        match looks {
            [first, .., last] => together / apart * (last.0 - first.0) / mean,
            _ => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Churned;

    fn slope(memory: impl IntoIterator<Item = f64>) -> f64 {
        let memory = (0..).map(f64::from).zip(memory).collect();
        let churned = Churned {
            visitors: 0,
            descriptors: [0, 0],
            memory,
        };
        churned.slope()
    }

    #[test]
    fn growth_is_by_the_line_through_what_follows_the_warm_up() {
        let near = |found: f64, due: f64| assert!((found - due).abs() < 1e-9, "{found}");
        near(slope([100.0; 20]), 0.0);
        near(slope((0..=10).map(|at| f64::from(95 + at))), 9.0 / 100.5);
        // The first two of twenty do not count.
        near(slope([[1.0; 2].as_slice(), &[70.0; 18]].concat()), 0.0);
        near(slope([]), 0.0);
        near(slope([5.0]), 0.0);
    }
}
