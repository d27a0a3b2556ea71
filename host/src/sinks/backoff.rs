//! How long to wait before trying again.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// First wait.
const FIRST: Duration = Duration::from_millis(100);
/// Longest wait, unless another is given.
const LAST: Duration = Duration::from_secs(5);

/// Waits that double from 100 ms to 5 s, or to another limit. Each is shortened by a random part of up
/// to a fifth, so that clients that lost the same upstream do not all reconnect at the same time.
#[derive(Debug)]
pub(super) struct Backoff {
    first: Duration,
    next: Duration,
    longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self::up_to(LAST)
    }
}

impl Backoff {
    /// Waits that are never longer than `longest`.
    pub(super) fn up_to(longest: Duration) -> Self {
        Self::between(FIRST.min(longest), longest)
    }

    /// Waits that double from `first` to `longest`.
    pub(super) fn between(first: Duration, longest: Duration) -> Self {
        Self {
            first,
            next: first,
            longest,
        }
    }

    /// How long to wait before the next attempt; the wait after that is longer.
    pub(super) fn pause(&mut self) -> Duration {
        let pause = self.next;
        self.next = (2 * pause).min(self.longest);
        shortened(pause)
    }

    /// Starts over, after an attempt has succeeded.
    pub(super) fn reset(&mut self) {
        self.next = self.first;
    }
}

/// A time, shortened by a random part of up to a fifth.
pub(super) fn shortened(time: Duration) -> Duration {
    time - time / 5 * part() / 256
}

/// A random number from 0 to 255. The standard library seeds its hashers at random.
fn part() -> u32 {
    u32::from(RandomState::new().hash_one(0).to_le_bytes()[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_five_seconds() {
        let mut backoff = Backoff::default();
        for millis in [100, 200, 400, 800, 1600, 3200, 5000, 5000] {
            let pause = backoff.pause();
            let (least, most) = (
                Duration::from_millis(millis * 4 / 5),
                Duration::from_millis(millis),
            );
            assert!((least..=most).contains(&pause), "{pause:?} for {millis} ms");
        }
        backoff.reset();
        assert!(backoff.pause() <= FIRST);
    }

    #[test]
    fn waits_differ() {
        let first = Backoff::default().pause();
        assert!((0..64).any(|_| Backoff::default().pause() != first));
    }
}
