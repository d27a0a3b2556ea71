//! One log line when a destination goes down and one when it is up again, however many try.

use std::fmt::Display;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use linemill_telemetry::Gate;

/// Whether a destination is down, as far as anybody knows who tried.
#[derive(Debug)]
pub(in crate::stream) struct Outage {
    /// What the log calls the destination.
    to: String,
    now: Mutex<Option<Down>>,
    log: Gate,
}

#[derive(Debug)]
struct Down {
    since: Instant,
    /// Whether the log says so; then it says when it is over, too.
    logged: bool,
}

impl Outage {
    pub(in crate::stream) fn new(to: String) -> Self {
        Self {
            to,
            now: Mutex::new(None),
            log: Gate::default(),
        }
    }

    /// What the log calls the destination.
    pub(in crate::stream) fn to(&self) -> &str {
        &self.to
    }

    /// Notes a failure. Only the first of an outage is logged.
    pub(in crate::stream) fn failed(&self, error: &dyn Display) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if now.is_some() {
            tracing::debug!(to = self.to, %error, "still down");
            return;
        }
        let held = self.log.pass();
        *now = Some(Down {
            since: Instant::now(),
            logged: held.is_some(),
        });
        if let Some(held) = held {
            tracing::warn!(to = self.to, %error, not_logged = held, "down; trying again");
        }
    }

    /// Notes that it works.
    pub(in crate::stream) fn over(&self) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(down) = now.take().filter(|down| down.logged) {
            tracing::info!(to = self.to, after = ?down.since.elapsed(), "up again");
        }
    }

    /// Whether it is down.
    #[cfg(test)]
    pub(in crate::stream) fn is_down(&self) -> bool {
        self.now
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some()
    }
}
