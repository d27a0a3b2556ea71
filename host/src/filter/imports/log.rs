//! Lines that a filter writes to the host's log.
//!
//! In: bytes of a guest. Out: at most [`MOST`] lines a second for all instances of a filter, the rest
//! counted; cut and escaped, so that no guest can write what looks like the host's own.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use prometheus_client::metrics::counter::Counter;
use wasmtime::component::{ComponentType, Lift};

use crate::filter::verdict::printable;

/// Lines a second of one filter.
const MOST: u64 = 10;

/// `level` of `wit/log.wit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ComponentType, Lift)]
#[component(enum)]
#[repr(u8)]
#[expect(dead_code, reason = "guests make them all")]
pub(super) enum Level {
    #[component(name = "error")]
    Error,
    #[component(name = "warn")]
    Warn,
    #[component(name = "info")]
    Info,
    #[component(name = "debug")]
    Debug,
    #[component(name = "trace")]
    Trace,
}

/// The log of one filter.
pub(super) struct Log {
    filter: String,
    quiet: bool,
    start: Instant,
    /// The second since `start` of the last line, times 256, plus the lines of that second.
    spent: AtomicU64,
    /// Lines left out since one was written.
    held: AtomicU64,
    dropped: Counter,
}

impl Log {
    pub(super) fn new(filter: &str, quiet: bool, dropped: Counter) -> Self {
        Self {
            filter: filter.to_owned(),
            quiet,
            start: Instant::now(),
            spent: AtomicU64::new(0),
            held: AtomicU64::new(0),
            dropped,
        }
    }

    pub(super) fn write(&self, level: Level, text: &[u8]) {
        use tracing::Level as L;
        let wanted = match level {
            Level::Error => tracing::enabled!(L::ERROR),
            Level::Warn => tracing::enabled!(L::WARN),
            Level::Info => tracing::enabled!(L::INFO),
            Level::Debug => tracing::enabled!(L::DEBUG),
            Level::Trace => tracing::enabled!(L::TRACE),
        };
        if self.quiet || !wanted {
            return;
        }
        if !self.spend(self.start.elapsed().as_secs()) {
            self.held.fetch_add(1, Ordering::Relaxed);
            self.dropped.inc();
            return;
        }
        let (filter, text) = (self.filter.as_str(), printable(text));
        let (text, not_logged) = (text.as_str(), self.held.swap(0, Ordering::Relaxed));
        match level {
            Level::Error => tracing::error!(filter, text, not_logged, "filter logs"),
            Level::Warn => tracing::warn!(filter, text, not_logged, "filter logs"),
            Level::Info => tracing::info!(filter, text, not_logged, "filter logs"),
            Level::Debug => tracing::debug!(filter, text, not_logged, "filter logs"),
            Level::Trace => tracing::trace!(filter, text, not_logged, "filter logs"),
        }
    }

    /// Whether a line in this second is within the rate.
    fn spend(&self, second: u64) -> bool {
        let next = |spent: u64| match spent >> 8 == second {
            true if spent & 0xff >= MOST => None,
            true => Some(spent + 1),
            false => Some((second << 8) | 1),
        };
        self.spent
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next)
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_lines_a_second_are_written() {
        let log = Log::new("it", false, Counter::default());
        for second in [0, 1, 7] {
            let passed = (0..1000).filter(|_| log.spend(second)).count();
            assert_eq!(passed as u64, MOST, "second {second}");
        }
    }
}
