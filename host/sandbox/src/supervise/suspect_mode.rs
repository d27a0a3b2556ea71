//! Suspect mode: after a line was at fault, the next lines are called in small parts.
//!
//! In: lines at fault, and lines that are about to be called. Out: whether these are called in small
//! parts, so that another fault among them costs two faults to find, not three. Pure.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Lines that are called in small parts after one that was at fault. A small part costs some 10
/// nanoseconds per line more than a whole batch.
const LINES: usize = 8192;

/// Whether a filter is in suspect mode.
#[derive(Debug, Default)]
pub(crate) struct SuspectMode {
    /// How many more lines are called in small parts.
    left: AtomicUsize,
    begun: AtomicBool,
}

impl SuspectMode {
    /// Whether a line was ever at fault.
    pub(crate) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }

    /// A line was at fault.
    pub(super) fn begin(&self) {
        self.left.store(LINES, Ordering::Relaxed);
        self.begun.store(true, Ordering::Relaxed);
    }

    /// Whether the next `lines` lines are called in small parts; counts them off.
    pub(super) fn takes(&self, lines: usize) -> bool {
        let left = self.left.load(Ordering::Relaxed);
        if left > 0 {
            // Lines that two threads count at the same time may count once.
            self.left
                .store(left.saturating_sub(lines), Ordering::Relaxed);
        }
        left > 0
    }
}
