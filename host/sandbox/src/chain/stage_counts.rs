//! What a stage of a chain has counted in its generation.
//!
//! In: the verdicts on lines, and lines whose calls failed. Out: [`Counted`]. A filter counts for all chains
//! and generations that have it; this tells what it does at one place of one chain.
//! Not here: metrics, logs (`supervise::accounting`).

use std::sync::atomic::{AtomicU64, Ordering};

use crate::verdict::Verdicts;
use linemill_telemetry::Shards;

/// The counts of a stage.
#[derive(Debug, Default)]
pub struct StageCounts(Shards<Counts>);

#[derive(Debug, Default)]
struct Counts {
    lines: AtomicU64,
    failed: AtomicU64,
    dropped: AtomicU64,
}

/// Lines that reached a stage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// All of them.
    pub lines: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those that the filter dropped by its verdict.
    pub dropped: u64,
}

impl StageCounts {
    /// Counts the verdicts on `lines` lines.
    pub(crate) fn verdicts(&self, lines: usize, verdicts: &Verdicts) {
        let counts = self.0.own();
        counts.lines.fetch_add(lines as u64, Ordering::Relaxed);
        if verdicts.dropped > 0 {
            counts
                .dropped
                .fetch_add(verdicts.dropped, Ordering::Relaxed);
        }
        if !verdicts.failed.is_empty() {
            let failed = verdicts.failed.len() as u64;
            counts.failed.fetch_add(failed, Ordering::Relaxed);
        }
    }

    /// Counts lines that the filter could not be called with, or that failed because of a fault.
    pub(crate) fn failed(&self, lines: usize) {
        let counts = self.0.own();
        counts.lines.fetch_add(lines as u64, Ordering::Relaxed);
        counts.failed.fetch_add(lines as u64, Ordering::Relaxed);
    }

    /// What has been counted so far.
    pub fn now(&self) -> Counted {
        Counted {
            // First, so that no more lines have failed than there are.
            failed: self.0.sum(|counts| &counts.failed),
            dropped: self.0.sum(|counts| &counts.dropped),
            lines: self.0.sum(|counts| &counts.lines),
        }
    }
}

impl std::ops::Add for Counted {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            lines: self.lines + other.lines,
            failed: self.failed + other.failed,
            dropped: self.dropped + other.dropped,
        }
    }
}
