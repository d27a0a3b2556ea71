//! Suspect mode: after a line at fault, the next lines are called in small parts.
//!
//! In: how many lines are about to be called, and notice of each line at fault. Out: whether the lines
//! are called in small parts. Finding a bad line in small parts takes two faults, not three. Pure.
//! Not here: which parts these are (`fault_search`).

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// How many lines are called in small parts after a line at fault. Calling small parts costs about 10
/// nanoseconds per line more than calling a whole batch.
const LINES: usize = 8192;

/// Whether a filter is in suspect mode.
#[derive(Debug, Default)]
pub(crate) struct SuspectMode {
    /// How many more lines are called in small parts.
    left: AtomicUsize,
    /// Set by the first line at fault, and never cleared.
    seen_fault: AtomicBool,
}

impl SuspectMode {
    /// Whether any line has ever been at fault.
    pub(crate) fn has_seen_faults(&self) -> bool {
        self.seen_fault.load(Ordering::Relaxed)
    }

    /// Records a line at fault: suspect mode begins, or begins again.
    pub(super) fn begin(&self) {
        self.left.store(LINES, Ordering::Relaxed);
        self.seen_fault.store(true, Ordering::Relaxed);
    }

    /// Whether the next `lines` lines are called in small parts. Counts these lines as called.
    pub(super) fn takes(&self, lines: usize) -> bool {
        let left = self.left.load(Ordering::Relaxed);
        if left > 0 {
            // Two threads may overwrite each other's count. Suspect mode then merely lasts longer.
            self.left
                .store(left.saturating_sub(lines), Ordering::Relaxed);
        }
        left > 0
    }
}
