//! Whether a sink is up, for the log and for those who ask, however many connections notice.
//!
//! In: results of attempts to connect, open or write. Out: a [`SinkState`], and log lines: one when the
//! sink goes down, one for each new reason, one a minute while it is down, and one when it is up again.
//! Not here: when to try again (`backoff`).

use std::fmt::Display;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::throughput::Rates;
use linemill_telemetry::Gate;

/// How often the log says that a sink is still down.
const REMINDER: Duration = Duration::from_secs(60);
/// Reasons of one outage that are logged when they come up; more would be noise.
const REASONS: usize = 8;

/// What is known about a sink.
#[derive(Debug, Clone, PartialEq)]
pub struct SinkState {
    /// Whether it is known to be up.
    pub up: bool,
    /// Why it is not; `None` if it is up, or has not been tried yet.
    pub reason: Option<String>,
    /// Since when it has been up, or not.
    pub since: SystemTime,
    /// How long that is. The clock of `since` may have been set meanwhile.
    pub lasting: Duration,
    /// Bytes that wait for it, including those not acknowledged.
    pub queued: u64,
    /// How fast it takes lines.
    pub rates: Rates,
    /// Its upstreams in order of preference, if it has any.
    pub upstreams: Vec<UpstreamState>,
}

/// What is known about one upstream of a shared sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamState {
    /// The upstream, as written in the configuration.
    pub to: String,
    /// Whether lines go to it.
    pub in_use: bool,
    /// Whether it is known to be up.
    pub up: bool,
    /// Why it is down; `None` if it is up, or if nobody is watching it.
    pub reason: Option<String>,
    /// Since when it has been up, down, or not watched.
    pub since: SystemTime,
    /// How long that is.
    pub lasting: Duration,
}

impl UpstreamState {
    /// `up`, `down`, or `unknown`.
    pub fn shown(&self) -> &'static str {
        match (self.up, &self.reason) {
            (true, _) => "up",
            (false, Some(_)) => "down",
            (false, None) => "unknown",
        }
    }
}

/// Whether a sink is down, going by the last attempt to use it.
#[derive(Debug)]
pub(super) struct Outage {
    /// The destination as the log shows it.
    to: String,
    state: Mutex<State>,
    log: Gate,
}

#[derive(Debug)]
struct State {
    /// Since when it has been up, or not.
    since: (SystemTime, Instant),
    /// `None` before the first attempt, and while it is up.
    down: Option<Down>,
    /// Whether it is known to be up.
    up: bool,
}

#[derive(Debug)]
struct Down {
    since: Instant,
    /// Whether the outage was logged. If so, its end is logged, too.
    logged: bool,
    /// When it was last logged, or would have been.
    last: Instant,
    /// The last reason comes last.
    reasons: Vec<String>,
}

impl Outage {
    pub(super) fn new(to: String) -> Self {
        Self {
            to,
            state: Mutex::new(State {
                since: now(),
                down: None,
                up: false,
            }),
            log: Gate::default(),
        }
    }

    /// The destination as the log shows it.
    pub(super) fn to(&self) -> &str {
        &self.to
    }

    /// Notes a failed attempt. `queued` bytes wait. The first of an outage is logged as a warning,
    /// and so is each new reason.
    pub(super) fn failed(&self, error: &dyn Display, queued: u64) {
        let (reason, now) = (error.to_string(), Instant::now());
        let mut state = self.lock();
        if state.up {
            state.since = self::now();
        }
        state.up = false;
        let Some(down) = &mut state.down else {
            let not_logged = self.log.pass();
            state.down = Some(Down {
                since: now,
                logged: not_logged.is_some(),
                last: now,
                reasons: vec![reason],
            });
            drop(state);
            if let Some(not_logged) = not_logged {
                tracing::warn!(to = self.to, %error, queued, not_logged, "down; trying again");
            }
            return;
        };
        let is_new = !down.reasons.contains(&reason) && down.reasons.len() < REASONS;
        let is_due = now - down.last >= REMINDER;
        down.reasons.retain(|known| *known != reason);
        if down.reasons.len() == REASONS {
            down.reasons.pop();
        }
        down.reasons.push(reason);
        if is_new || is_due {
            down.last = now;
            down.logged = true;
            let after = now - down.since;
            drop(state);
            tracing::warn!(to = self.to, %error, queued, ?after, "still down");
        } else {
            drop(state);
            tracing::debug!(to = self.to, %error, "still down");
        }
    }

    /// Notes a successful attempt.
    pub(super) fn over(&self) {
        let ended = {
            let mut state = self.lock();
            if !state.up {
                state.since = now();
            }
            state.up = true;
            state.down.take()
        };
        if let Some(outage) = ended.filter(|outage| outage.logged) {
            tracing::info!(to = self.to, after = ?outage.since.elapsed(), "up again");
        }
    }

    /// Notes that nobody is watching it any more, so that nothing is known.
    pub(super) fn forget(&self) {
        let mut state = self.lock();
        if state.up || state.down.is_some() {
            state.since = now();
        }
        (state.up, state.down) = (false, None);
    }

    /// What is known, with `queued` bytes waiting, and lines taken at these rates.
    pub(super) fn state(&self, queued: u64, rates: Rates) -> SinkState {
        let state = self.lock();
        let reasons = state.down.iter().flat_map(|down| &down.reasons);
        SinkState {
            up: state.up,
            reason: reasons.last().cloned(),
            since: state.since.0,
            lasting: state.since.1.elapsed(),
            queued,
            rates,
            upstreams: Vec::new(),
        }
    }

    /// Whether the last attempt failed.
    #[cfg(test)]
    pub(super) fn is_down(&self) -> bool {
        self.lock().down.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Now, by the clock and for measuring.
fn now() -> (SystemTime, Instant) {
    (SystemTime::now(), Instant::now())
}

#[cfg(test)]
mod tests;
