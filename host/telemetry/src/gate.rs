//! A rate limit for log lines that could repeat without end.
//!
//! In: an event. Out: whether to log it; at most one event per second is logged, and it reports how
//! many were suppressed before it. Not here: what is logged.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Lets one event per second through and counts the others.
#[derive(Debug)]
pub struct Gate {
    start: Instant,
    /// The second, counted from `start`, in which an event last passed, plus one; 0 before the first,
    /// `u64::MAX` when nothing ever passes.
    last: AtomicU64,
    /// Events suppressed since then.
    suppressed: AtomicU64,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            last: AtomicU64::new(0),
            suppressed: AtomicU64::new(0),
        }
    }
}

impl Gate {
    /// A gate that lets nothing through.
    pub fn shut() -> Self {
        Self {
            last: AtomicU64::new(u64::MAX),
            ..Self::default()
        }
    }

    /// Whether this gate lets nothing through.
    pub fn is_shut(&self) -> bool {
        self.last.load(Ordering::Relaxed) == u64::MAX
    }

    /// Whether to log now: `Some` with the number of events suppressed since the last one that passed,
    /// or `None` to suppress this one too.
    pub fn pass(&self) -> Option<u64> {
        let now = self.start.elapsed().as_secs() + 1;
        if self.last.fetch_max(now, Ordering::Relaxed) < now {
            return Some(self.suppressed.swap(0, Ordering::Relaxed));
        }
        self.suppressed.fetch_add(1, Ordering::Relaxed);
        None
    }
}
