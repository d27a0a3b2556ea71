//! When a connection last moved a byte, in either of its directions.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// The origin of the stored times.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The time of the last byte in either direction, shared by the directions of a connection. In
/// nanoseconds since `START`.
#[derive(Debug)]
pub(super) struct Activity(AtomicU64);

impl Activity {
    /// As if a byte had moved just now.
    pub(super) fn new() -> Self {
        Self(AtomicU64::new(since_start()))
    }

    /// Sets the time to now.
    pub(super) fn touch(&self) {
        self.0.store(since_start(), Ordering::Relaxed);
    }

    pub(super) fn last(&self) -> Instant {
        *START + Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

fn since_start() -> u64 {
    u64::try_from(START.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
