//! A gate for log lines that would repeat without end: one a second passes, and says how many did not.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Lets one in every second through, and counts the others.
#[derive(Debug)]
pub struct Gate {
    start: Instant,
    /// Second since `start` of the last pass, plus one; 0 before the first.
    last: AtomicU64,
    held: AtomicU64,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            last: AtomicU64::new(0),
            held: AtomicU64::new(0),
        }
    }
}

impl Gate {
    /// Lets nothing through.
    pub fn shut() -> Self {
        Self {
            last: AtomicU64::new(u64::MAX),
            ..Self::default()
        }
    }

    /// Whether nothing passes, ever.
    pub fn is_shut(&self) -> bool {
        self.last.load(Ordering::Relaxed) == u64::MAX
    }

    /// Whether to log now; if so, how many were held back since the last time.
    pub fn pass(&self) -> Option<u64> {
        let now = self.start.elapsed().as_secs() + 1;
        if self.last.fetch_max(now, Ordering::Relaxed) < now {
            return Some(self.held.swap(0, Ordering::Relaxed));
        }
        self.held.fetch_add(1, Ordering::Relaxed);
        None
    }
}
