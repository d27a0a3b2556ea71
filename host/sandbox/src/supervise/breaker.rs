//! The circuit breakers: decide whether a stream's lines are offered to a filter at all, and how long a
//! stream waits after a fault.
//!
//! In: successful calls and faults, each with its stream. Out: for each call, whether it may be made; for
//! a stream whose line failed, how long it waits before the next instance starts. A line that fails by
//! the filter's own verdict is not a fault: the filter works. Pure, except for gauges and the wall clock.
//! Not here: what happens to lines that are not offered, and logging (`supervisor`).
//!
//! A fault is attributed to the stream first. Each stream has a breaker of its own (`stream`), and no
//! stream can open that of another. The breaker here is the filter's. It opens when the filter itself is
//! in doubt, because streams of several clients, or its own start, or everything so far has failed. Even
//! then it keeps nobody out whose lines have not failed: the next batch of every other stream is a probe.
//! So the lines of a stream are kept from a filter only after its own lines have failed.
//!
//! `Row` counts consecutive faults, not a failure rate: isolating a bad line provokes faults, so even a
//! filter that handles nearly all lines may fail half of its calls. Consecutive faults number at most one
//! per bad line, since the search for a bad line calls its neighbours too, and these succeed.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use prometheus_client::metrics::gauge::Gauge;

use crate::client_network::ClientNetwork;

pub(crate) mod stream;
#[cfg(test)]
mod tests;

/// Consecutive faults after which the next instance still starts without a wait.
const AT_ONCE: u32 = 64;
/// Consecutive faults that open a breaker.
const OPENS: u32 = AT_ONCE + 10;
/// Weight of a fault that used up the deadline, or that kept an instance from starting. Any other
/// fault has weight 1.
const HEAVY: u32 = 8;
/// The longest wait before an instance starts. The first wait is a millisecond; each is twice the
/// one before.
const LONGEST_WAIT: Duration = Duration::from_millis(512);
/// How long consecutive faults must have lasted before a breaker opens.
const LEAST: Duration = Duration::from_secs(1);
/// The first and the longest pause before a probe; each is twice the one before.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// From how many clients the faults must come to cast doubt on a filter that has worked before.
const CLIENTS: usize = 3;

/// The breaker of a filter, which all of its streams share.
#[derive(Debug)]
pub(crate) struct Breaker {
    /// Cleared while the last call was successful. The fast path reads nothing else.
    in_doubt: AtomicBool,
    state: Mutex<State>,
    /// How often the breaker has closed.
    closed: AtomicU32,
    /// Counts the open breakers of all filters of this name.
    open: Gauge,
}

#[derive(Debug, Default)]
struct State {
    /// Faults since the last successful call.
    row: Row,
    /// Clients whose lines had these faults; at most [`CLIENTS`].
    clients: Vec<Option<ClientNetwork>>,
    /// One of these faults came before the filter saw any line.
    at_start: bool,
    /// A call has been successful.
    has_worked: bool,
    /// `None` while the breaker is closed.
    open: Option<Open>,
}

/// Consecutive faults.
#[derive(Debug, Default)]
struct Row {
    /// Their number, by weight.
    weight: u32,
    /// When the first of them happened; `None` if there are none.
    since: Option<Instant>,
}

#[derive(Debug, Clone)]
struct Open {
    since: SystemTime,
    /// The earliest probe by a stream whose lines have failed.
    next: Instant,
    /// Probes that failed.
    probes: u32,
}

/// A fault whose lines will not be called again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fell {
    /// It used up the deadline, or kept an instance from starting: it has weight [`HEAVY`].
    pub(crate) heavy: bool,
    /// The filter had not seen any line yet.
    pub(crate) at_start: bool,
    /// Whom it is attributed to. Clients without an address count as one.
    pub(crate) client: Option<ClientNetwork>,
}

/// Whether a call may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admitted {
    /// No breaker is open.
    Yes,
    /// A breaker is open, and this call tests whether the filter works again.
    Probe,
    /// The lines of this stream must not be offered.
    No,
}

/// The status of an open breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// When it opened.
    pub since: SystemTime,
    /// The earliest probe by a stream whose lines have failed. Any other stream is a probe at once.
    pub next_probe: SystemTime,
    /// Probes that failed.
    pub failed_probes: u32,
}

// === impl Breaker ===

impl Breaker {
    /// Creates a closed breaker. While it is open, it adds 1 to the gauge `open`.
    pub(crate) fn new(open: Gauge) -> Self {
        Self {
            // Until a first call has been successful.
            in_doubt: AtomicBool::new(true),
            state: Mutex::default(),
            closed: AtomicU32::new(0),
            open,
        }
    }

    /// Whether the last call was a fault, or there was none yet. Otherwise the breaker is closed.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.in_doubt.load(Ordering::Acquire)
    }

    /// Whether the breaker is open.
    fn is_open(&self) -> bool {
        self.is_in_doubt() && self.lock().open.is_some()
    }

    /// How often the breaker has closed.
    fn times_closed(&self) -> u32 {
        self.closed.load(Ordering::Acquire)
    }

    /// Records a successful call. Returns whether it closed the breaker.
    pub(crate) fn good(&self) -> bool {
        if !self.is_in_doubt() {
            return false;
        }
        let mut state = self.lock();
        self.in_doubt.store(false, Ordering::Release);
        let before = std::mem::take(&mut *state);
        state.has_worked = true;
        if before.open.is_some() {
            self.closed.fetch_add(1, Ordering::Release);
            self.open.dec();
        }
        before.open.is_some()
    }

    /// Records a fault. Returns whether it opened the breaker.
    pub(crate) fn fault(&self, fell: Fell, now: Instant) -> bool {
        let mut state = self.lock();
        self.in_doubt.store(true, Ordering::Release);
        state.row.add(fell.heavy, now);
        state.at_start |= fell.at_start;
        if state.clients.len() < CLIENTS && !state.clients.contains(&fell.client) {
            state.clients.push(fell.client);
        }
        let doubtful = !state.has_worked || state.at_start || state.clients.len() == CLIENTS;
        if state.open.is_some() || !doubtful || !state.row.opens(now) {
            return false;
        }
        state.open = Some(Open {
            since: SystemTime::now(),
            next: now + PAUSES.0,
            probes: 0,
        });
        self.open.inc();
        true
    }

    /// Records that a probe failed; `next` is the next one by the same stream.
    pub(crate) fn probe_failed(&self, next: Instant) {
        if let Some(open) = &mut self.lock().open {
            open.next = next;
            open.probes += 1;
        }
    }

    /// The breaker's status while it is open; `None` while it is closed.
    pub(crate) fn opened(&self) -> Option<Opened> {
        if !self.is_in_doubt() {
            return None;
        }
        let open = self.lock().open.clone()?;
        let wait = open.next.saturating_duration_since(Instant::now());
        Some(Opened {
            since: open.since,
            next_probe: SystemTime::now() + wait,
            failed_probes: open.probes,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Breaker {
    fn drop(&mut self) {
        if self.lock().open.is_some() {
            self.open.dec();
        }
    }
}

// === impl Row ===

impl Row {
    fn add(&mut self, heavy: bool, now: Instant) {
        self.weight = self.weight.saturating_add(if heavy { HEAVY } else { 1 });
        self.since.get_or_insert(now);
    }

    /// Whether the row is long enough to open a breaker.
    fn opens(&self, now: Instant) -> bool {
        let lasted = self.since.map(|since| now.saturating_duration_since(since));
        self.weight >= OPENS && lasted >= Some(LEAST)
    }

    /// How long to wait before the next instance starts.
    fn wait(&self) -> Duration {
        match self.weight.checked_sub(AT_ONCE + 1) {
            None => Duration::ZERO,
            Some(more) => Duration::from_millis(1 << more.min(9)).min(LONGEST_WAIT),
        }
    }
}
