//! Many short-lived connections, and what the host still holds after them.
//!
//! In: how many per second, how many of them are reset, for how long. Out: open descriptors before
//! and after, and resident memory over time. Not here: how much of either is too much.

use std::thread;
use std::time::{Duration, Instant};

use super::short_lived::ShortLived;
use super::swaps::Swaps;

/// The size of a churn.
#[derive(Debug, Clone, Copy)]
pub struct Churn {
    /// Connections opened per second.
    pub new_per_second: f64,
    /// Every `resets`th connection is reset by its client; the others must get every answer.
    pub resets: u64,
    /// How long connections are opened.
    pub time: Duration,
    /// Samples of resident memory, evenly spaced; the first tenth of them is the warm-up.
    pub looks: u32,
}

/// The result of a churn.
#[derive(Debug)]
pub struct ChurnReport {
    /// Number of connections after the warm-up.
    pub connections: u64,
    /// Open descriptors of the idle host: after the warm-up, and at the end.
    pub descriptors: [usize; 2],
    /// Samples: seconds since the warm-up, and resident bytes.
    pub memory: Vec<(f64, f64)>,
}

impl Churn {
    /// Runs it.
    ///
    /// # Errors
    /// The first connection that was refused or answered wrongly.
    pub fn run(&self) -> anyhow::Result<ChurnReport> {
        let swaps = Swaps::start();
        let host = swaps.host();
        let open = || ShortLived::start(host.address(), self.new_per_second, Some(self.resets));
        // What the host opens for its first connections and keeps is not a leak.
        let first = open();
        thread::sleep(self.time / self.looks.max(1));
        first.finish()?;
        let before = host.idle_descriptors();
        let (short_lived, start) = (open(), Instant::now());
        let mut memory = Vec::new();
        for look in 1..=self.looks {
            let due = start + self.time * look / self.looks;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if short_lived.stopped() {
                break;
            }
            let resident = host.memory().resident as f64;
            memory.push((start.elapsed().as_secs_f64(), resident));
        }
        Ok(ChurnReport {
            connections: short_lived.finish()?,
            descriptors: [before, host.idle_descriptors()],
            memory,
        })
    }
}

impl ChurnReport {
    /// How much resident memory grew, as a fraction of its mean, after the warm-up.
    pub fn slope(&self) -> f64 {
        slope(&self.memory)
    }
}

/// How much memory grew, as a fraction of its mean: the rise of the line of least squares through all samples
/// but the first tenth, which are the warm-up. 0 if there are fewer than two.
pub(super) fn slope(memory: &[(f64, f64)]) -> f64 {
    let looks = &memory[memory.len() / 10..];
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

#[cfg(test)]
mod tests {
    fn slope(memory: impl IntoIterator<Item = f64>) -> f64 {
        let memory: Vec<_> = (0..).map(f64::from).zip(memory).collect();
        super::slope(&memory)
    }

    #[test]
    fn growth_is_the_rise_of_the_line_after_the_warm_up() {
        let near = |observations: f64, due: f64| {
            assert!((observations - due).abs() < 1e-9, "{observations}")
        };
        near(slope([100.0; 20]), 0.0);
        near(slope((0..=10).map(|at| f64::from(95 + at))), 9.0 / 100.5);
        // The first two of twenty do not count.
        near(slope([[1.0; 2].as_slice(), &[70.0; 18]].concat()), 0.0);
        near(slope([]), 0.0);
        near(slope([5.0]), 0.0);
    }
}
