//! Lines that a filter writes to the host's log.
//!
//! In: bytes of a guest. Out: at most so many lines a second for all instances of a filter, the rest
//! counted; cut and escaped, so that no guest can write what looks like the host's own.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use prometheus_client::metrics::counter::Counter;
use wasmtime::component::{ComponentType, Lift};

use crate::verdict::printable;

/// Where the second stands in a number whose low bits count lines: more than a filter may have.
const SECOND: u32 = 16;

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
    /// Lines a second; `None` writes and counts nothing.
    most: Option<u32>,
    start: Instant,
    /// The second since `start` of the last line, shifted by [`SECOND`], and the lines of that second.
    spent: AtomicU64,
    /// Lines left out since one was written.
    held: AtomicU64,
    dropped: Counter,
}

impl Log {
    pub(super) fn new(filter: &str, most: Option<u32>, dropped: Counter) -> Self {
        Self {
            filter: filter.to_owned(),
            most,
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
        let Some(most) = self.most.filter(|_| wanted) else {
            return;
        };
        if !self.spend(self.start.elapsed().as_secs(), most) {
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

    /// Whether a line in this second is among the `most`.
    fn spend(&self, second: u64, most: u32) -> bool {
        let next = |spent: u64| {
            let begun = second << SECOND;
            let lines = spent.saturating_sub(begun);
            (lines < u64::from(most)).then_some(begun + lines + 1)
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
    fn so_many_lines_a_second_are_written() {
        for most in [0, 1, 10, 10_000] {
            let log = Log::new("it", Some(most), Counter::default());
            for second in [0, 1, 7] {
                let passed = (0..20_000).filter(|_| log.spend(second, most)).count();
                assert_eq!(passed, most as usize, "second {second}");
            }
        }
    }
}
