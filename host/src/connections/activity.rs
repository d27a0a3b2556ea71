//! What the directions of a connection know of each other: when a byte last moved, and whether an
//! answer may be owed.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::generation::Direction;

/// The origin of the stored times.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Shared by the directions of a connection.
#[derive(Debug)]
pub(super) struct Activity {
    /// The time of the last byte in either direction, in nanoseconds since `START`.
    last: AtomicU64,
    /// Whether the last bytes that were read came from the client: its upstream may still answer
    /// them.
    asked: AtomicBool,
    /// Whether the client's direction has ended, with no answer owed.
    settled: AtomicBool,
    /// Whether the upstream has sent a byte.
    answered: AtomicBool,
}

impl Activity {
    /// As if a byte had moved just now.
    pub(super) fn new() -> Self {
        Self {
            last: AtomicU64::new(since_start()),
            asked: AtomicBool::new(false),
            settled: AtomicBool::new(false),
            answered: AtomicBool::new(false),
        }
    }

    /// Sets the time to now.
    pub(super) fn touch(&self) {
        self.last.store(since_start(), Ordering::Relaxed);
    }

    pub(super) fn last(&self) -> Instant {
        *START + Duration::from_nanos(self.last.load(Ordering::Relaxed))
    }

    /// Notes who sent the bytes that have just been read.
    pub(super) fn note_read(&self, from: Direction) {
        self.touch();
        self.asked
            .store(from == Direction::Forward, Ordering::Relaxed);
        if from == Direction::Reply {
            self.answered.store(true, Ordering::Relaxed);
        }
    }

    /// Whether the upstream has sent a byte.
    pub(super) fn answered(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
    }

    /// Whether an upstream may still answer what the client sent last.
    pub(super) fn asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// Notes that the client's direction has ended, with no answer owed.
    pub(super) fn settle(&self) {
        self.settled.store(true, Ordering::Relaxed);
    }

    /// Whether the client's direction has ended, with no answer owed.
    pub(super) fn settled(&self) -> bool {
        self.settled.load(Ordering::Relaxed)
    }
}

fn since_start() -> u64 {
    u64::try_from(START.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
