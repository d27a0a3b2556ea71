//! The log of a filter: lines that guests write to the host's log.
//!
//! In: text from a guest. Out: log events, limited to a number per second for all instances of the
//! filter; further lines are counted. Text is cut and escaped, so that a guest cannot forge log lines
//! of the host.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use prometheus_client::metrics::counter::Counter;
use wasmtime::component::{ComponentType, Lift};

use linemill_config::printable;

/// The number of low bits of [`Log::spent`] that count lines. They can count more than the
/// configuration allows.
const SECOND: u32 = 16;

/// `level` of `wit/log.wit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ComponentType, Lift)]
#[component(enum)]
#[repr(u8)]
#[expect(dead_code, reason = "only guests create the variants")]
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
    /// Lines per second; `None`: nothing is written or counted.
    limit: Option<u32>,
    start: Instant,
    /// The second of the last line, since `start`, shifted left by [`SECOND`], plus the number of
    /// lines written in that second.
    spent: AtomicU64,
    /// Lines discarded since the last one was written.
    held: AtomicU64,
    dropped: Counter,
}

impl Log {
    /// A log for `limit` lines per second. `dropped` counts lines discarded beyond that.
    pub(super) fn new(filter: &str, limit: Option<u32>, dropped: Counter) -> Self {
        Self {
            filter: filter.to_owned(),
            limit,
            start: Instant::now(),
            spent: AtomicU64::new(0),
            held: AtomicU64::new(0),
            dropped,
        }
    }

    /// Writes a line, or counts it as discarded. Does neither if the host does not log this level.
    pub(super) fn write(&self, level: Level, text: &[u8]) {
        use tracing::Level as L;
        let enabled = match level {
            Level::Error => tracing::enabled!(L::ERROR),
            Level::Warn => tracing::enabled!(L::WARN),
            Level::Info => tracing::enabled!(L::INFO),
            Level::Debug => tracing::enabled!(L::DEBUG),
            Level::Trace => tracing::enabled!(L::TRACE),
        };
        let Some(limit) = self.limit.filter(|_| enabled) else {
            return;
        };
        if !self.spend(self.start.elapsed().as_secs(), limit) {
            self.held.fetch_add(1, Ordering::Relaxed);
            self.dropped.inc();
            return;
        }
        let (filter, printable) = (self.filter.as_str(), printable(text));
        let (text, not_logged) = (printable.as_str(), self.held.swap(0, Ordering::Relaxed));
        match level {
            Level::Error => tracing::error!(filter, text, not_logged, "filter logs"),
            Level::Warn => tracing::warn!(filter, text, not_logged, "filter logs"),
            Level::Info => tracing::info!(filter, text, not_logged, "filter logs"),
            Level::Debug => tracing::debug!(filter, text, not_logged, "filter logs"),
            Level::Trace => tracing::trace!(filter, text, not_logged, "filter logs"),
        }
    }

    /// Counts a line in `second`. Returns whether it is within the limit.
    fn spend(&self, second: u64, limit: u32) -> bool {
        let next = |spent: u64| {
            let none = second << SECOND;
            let lines = spent.saturating_sub(none);
            (lines < u64::from(limit)).then_some(none + lines + 1)
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
    fn lines_beyond_the_limit_of_a_second_are_discarded() {
        for limit in [0, 1, 10, 10_000] {
            let log = Log::new("it", Some(limit), Counter::default());
            for second in [0, 1, 7] {
                let passed = (0..20_000).filter(|_| log.spend(second, limit)).count();
                assert_eq!(passed, limit as usize, "second {second}");
            }
        }
    }
}
