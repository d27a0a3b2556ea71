//! How fast a sink takes lines.
//!
//! In: lines and bytes, as they are counted. Out: means over the last [`WINDOW`] whole seconds. Not here:
//! counts since the start (`metrics`).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The seconds that a mean is of.
const SECONDS: usize = 10;
/// The time that a mean is of.
pub const WINDOW: Duration = Duration::from_secs(SECONDS as u64);

/// Lines and bytes per second.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rates {
    /// Lines delivered.
    pub lines: f64,
    /// Bytes written.
    pub bytes: f64,
}

/// Counts what a sink takes, second by second.
#[derive(Debug)]
pub(super) struct Throughput {
    start: Instant,
    seconds: Mutex<Seconds>,
}

/// What was counted in the last seconds.
#[derive(Debug, Default)]
struct Seconds {
    /// The current second, counted from the start.
    now: u64,
    /// By the number of the second, modulo their count: the current one, and those before it.
    counts: [Counts; SECONDS + 1],
}

#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    lines: u64,
    bytes: u64,
}

impl Default for Throughput {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            seconds: Mutex::default(),
        }
    }
}

impl Throughput {
    /// Counts lines and bytes that the sink has just taken.
    pub(super) fn count(&self, lines: u64, bytes: u64) {
        self.with(|seconds| {
            let current = &mut seconds.counts[Seconds::place(seconds.now)];
            current.lines += lines;
            current.bytes += bytes;
        });
    }

    /// The means over the last whole seconds, or over those since the start if they are fewer.
    pub(super) fn rates(&self) -> Rates {
        self.with(|seconds| {
            let current = Seconds::place(seconds.now);
            let before = seconds.counts.iter().enumerate();
            let before = before.filter(|(at, _)| *at != current);
            let sum = before.fold(Counts::default(), |sum, (_, count)| Counts {
                lines: sum.lines + count.lines,
                bytes: sum.bytes + count.bytes,
            });
            let time = seconds.now.clamp(1, SECONDS as u64) as f64;
            Rates {
                lines: sum.lines as f64 / time,
                bytes: sum.bytes as f64 / time,
            }
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Seconds) -> T) -> T {
        let mut seconds = self.seconds.lock().unwrap_or_else(PoisonError::into_inner);
        // Under the lock: time does not go back.
        seconds.advance(self.start.elapsed().as_secs());
        act(&mut seconds)
    }
}

impl Seconds {
    /// Begins second `now`, with nothing counted in those that passed without an event.
    fn advance(&mut self, now: u64) {
        let passed = (now - self.now).min(self.counts.len() as u64);
        for second in 0..passed {
            self.counts[Self::place(now - second)] = Counts::default();
        }
        self.now = now;
    }

    fn place(second: u64) -> usize {
        (second % (SECONDS as u64 + 1)) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn pass(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn means_are_of_the_last_whole_seconds() {
        let throughput = Throughput::default();
        let rates = || {
            let Rates { lines, bytes } = throughput.rates();
            (lines, bytes)
        };
        assert_eq!(rates(), (0.0, 0.0));
        throughput.count(10, 400);
        // The second is not over.
        assert_eq!(rates(), (0.0, 0.0));
        pass(1).await;
        assert_eq!(rates(), (10.0, 400.0));
        throughput.count(20, 800);
        pass(1).await;
        assert_eq!(rates(), (15.0, 600.0));
        pass(8).await;
        assert_eq!(rates(), (3.0, 120.0));
        pass(1).await;
        // The first second is too long ago.
        assert_eq!(rates(), (2.0, 80.0));
        pass(1).await;
        assert_eq!(rates(), (0.0, 0.0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_pause_leaves_nothing() {
        let throughput = Throughput::default();
        for _ in 0..30 {
            throughput.count(1, 1);
            pass(1).await;
        }
        assert_eq!(
            throughput.rates(),
            Rates {
                lines: 1.0,
                bytes: 1.0
            }
        );
        pass(1_000_000).await;
        assert_eq!(throughput.rates(), Rates::default());
        throughput.count(5, 5);
        pass(1).await;
        assert_eq!(
            throughput.rates(),
            Rates {
                lines: 0.5,
                bytes: 0.5
            }
        );
    }
}
