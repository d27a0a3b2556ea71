//! One log line when a sink goes down and one when it is up again, however many connections notice.
//!
//! In: results of attempts to connect, open or write. Out: log lines, at most one per second.
//! Not here: when to try again (`backoff`).

use std::fmt::Display;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use linemill_telemetry::Gate;

/// Whether a sink is down, according to the last attempt to use it.
#[derive(Debug)]
pub(super) struct Outage {
    /// The destination as the log shows it.
    to: String,
    /// `None` while it is up.
    down: Mutex<Option<Down>>,
    log: Gate,
}

#[derive(Debug)]
struct Down {
    since: Instant,
    /// Whether the outage was logged. If so, its end is logged, too.
    logged: bool,
}

impl Outage {
    pub(super) fn new(to: String) -> Self {
        Self {
            to,
            down: Mutex::new(None),
            log: Gate::default(),
        }
    }

    /// The destination as the log shows it.
    pub(super) fn to(&self) -> &str {
        &self.to
    }

    /// Notes a failed attempt. Only the first of an outage is logged as a warning.
    pub(super) fn failed(&self, error: &dyn Display) {
        let mut down = self.down.lock().unwrap_or_else(PoisonError::into_inner);
        if down.is_some() {
            tracing::debug!(to = self.to, %error, "still down");
            return;
        }
        let not_logged = self.log.pass();
        *down = Some(Down {
            since: Instant::now(),
            logged: not_logged.is_some(),
        });
        if let Some(not_logged) = not_logged {
            tracing::warn!(to = self.to, %error, not_logged, "down; trying again");
        }
    }

    /// Notes a successful attempt.
    pub(super) fn over(&self) {
        let ended = {
            let mut down = self.down.lock().unwrap_or_else(PoisonError::into_inner);
            down.take()
        };
        if let Some(outage) = ended.filter(|outage| outage.logged) {
            tracing::info!(to = self.to, after = ?outage.since.elapsed(), "up again");
        }
    }

    /// Whether the last attempt failed.
    #[cfg(test)]
    pub(super) fn is_down(&self) -> bool {
        self.down
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some()
    }
}
