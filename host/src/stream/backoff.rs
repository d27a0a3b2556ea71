//! How long to wait before what failed is tried again.

use std::time::Duration;

/// First wait, and the longest.
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

/// Waits that double, from 100 milliseconds to 5 seconds.
#[derive(Debug)]
pub(super) struct Backoff(Duration);

impl Default for Backoff {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl Backoff {
    /// The next wait. A few percent more or less by `seed`, so that many who failed at once do not
    /// all come back at once.
    pub(super) fn next(&mut self, seed: u64) -> Duration {
        let wait = self.0;
        self.0 = (self.0 * 2).min(LONGEST);
        // A whole percentage from 90 to 109; the multiplier spreads seeds that are close.
        let percent = 90 + (seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) % 20;
        wait * u32::try_from(percent).unwrap_or(100) / 100
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_five_seconds() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..8).map(|seed| backoff.next(seed).as_millis()).collect();
        for (wait, due) in waits
            .iter()
            .zip([100, 200, 400, 800, 1600, 3200, 5000, 5000])
        {
            assert!(
                (due * 90 / 100..due * 110 / 100).contains(wait),
                "{waits:?}"
            );
        }
    }
}
