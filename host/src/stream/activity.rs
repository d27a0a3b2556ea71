//! When a connection was last heard of, by either of its directions.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// What times are counted from.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The last byte either way, shared by the directions of a connection.
#[derive(Debug)]
pub(super) struct Activity(AtomicU64);

impl Activity {
    /// Heard of just now.
    pub(super) fn new() -> Self {
        Self(AtomicU64::new(since_start()))
    }

    pub(super) fn touch(&self) {
        self.0.store(since_start(), Ordering::Relaxed);
    }

    pub(super) fn last(&self) -> Instant {
        *START + Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

pub(super) fn since_start() -> u64 {
    u64::try_from(START.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
