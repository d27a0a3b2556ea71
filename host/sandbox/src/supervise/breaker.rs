//! The circuit breaker of a filter: decides whether the filter is called at all, and how long a
//! stream waits after a fault.
//!
//! In: successful calls and faults. Out: for each call, whether it may be made; for a stream whose
//! line failed, how long it waits before the next instance starts. A line that fails by the filter's
//! own verdict is not a fault: the filter works. Pure, except for its gauge and the wall clock.
//! Not here: what happens to lines that are not offered, and logging (`supervisor`).
//!
//! `OPENS` consecutive faults over at least one second open the breaker, provided no stream had a
//! successful call in between. The breaker counts consecutive faults, not a failure rate: isolating a
//! bad line provokes faults, so even a filter that handles nearly all lines may fail half of its
//! calls. Consecutive faults number at most one per bad line, since the search for a bad line calls
//! its neighbours too, and these succeed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use prometheus_client::metrics::gauge::Gauge;

#[cfg(test)]
mod tests;

/// Consecutive faults after which the next instance still starts without a wait.
const AT_ONCE: u32 = 64;
/// Consecutive faults that open the breaker.
const OPENS: u32 = AT_ONCE + 10;
/// Weight of a fault that used up the deadline, or that kept an instance from starting. Any other
/// fault has weight 1.
const HEAVY: u32 = 8;
/// The longest wait before an instance starts. The first wait is a millisecond; each is twice the
/// one before.
const LONGEST_WAIT: Duration = Duration::from_millis(512);
/// How long consecutive faults must have lasted before the breaker opens.
const LEAST: Duration = Duration::from_secs(1);
/// The first and the longest pause before a probe; each is twice the one before.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Decides whether a filter is called. All streams of the filter share it.
#[derive(Debug)]
pub(crate) struct Breaker {
    /// Set while there are consecutive faults, or the breaker is open. The fast path reads nothing
    /// else.
    trouble: AtomicBool,
    state: Mutex<State>,
    /// Counts the open breakers of all filters of this name.
    open: Gauge,
}

#[derive(Debug, Default)]
struct State {
    /// Faults since the last successful call, by weight.
    row: u32,
    /// When the first of these faults happened; `None` if there are none.
    since: Option<Instant>,
    /// `None` while the breaker is closed.
    open: Option<Open>,
}

#[derive(Debug, Clone)]
struct Open {
    since: SystemTime,
    /// No probe may start before this.
    next: Instant,
    /// The time between two probes.
    pause: Duration,
    /// Probes that failed.
    probes: u32,
}

/// Whether a call may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admitted {
    /// The breaker is closed.
    Yes,
    /// The breaker is open, and this call tests whether the filter works again.
    Probe,
    /// The breaker is open: the filter must not be called.
    No,
}

/// The status of an open breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// When it opened.
    pub since: SystemTime,
    /// The earliest time of the next probe.
    pub next_probe: SystemTime,
    /// Probes that failed.
    pub failed_probes: u32,
}

/// The breaker's decision after a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// The stream starts another instance after this time, which may be zero.
    Wait(Duration),
    /// This fault opened the breaker.
    Opened,
    /// The breaker was open already.
    Open,
}

impl Breaker {
    /// Creates a closed breaker. While it is open, it adds 1 to the gauge `open`.
    pub(crate) fn new(open: Gauge) -> Self {
        Self {
            trouble: AtomicBool::new(false),
            state: Mutex::default(),
            open,
        }
    }

    /// Decides whether a call may be made now. Does not read the clock while all is well.
    pub(crate) fn admit_now(&self) -> Admitted {
        if self.trouble.load(Ordering::Acquire) {
            self.admit(Instant::now())
        } else {
            Admitted::Yes
        }
    }

    /// Decides whether a call may be made at `now`. A probe is one batch. No other probe is admitted
    /// until another pause has passed, even if the stream that runs the probe goes away.
    pub(crate) fn admit(&self, now: Instant) -> Admitted {
        if !self.trouble.load(Ordering::Acquire) {
            return Admitted::Yes;
        }
        match &mut self.lock().open {
            None => Admitted::Yes,
            Some(open) if now >= open.next => {
                open.next = now + open.pause;
                Admitted::Probe
            }
            Some(_) => Admitted::No,
        }
    }

    /// Records a successful call. Returns whether it closed the breaker.
    pub(crate) fn good(&self) -> bool {
        if !self.trouble.load(Ordering::Acquire) {
            return false;
        }
        let mut state = self.lock();
        self.trouble.store(false, Ordering::Release);
        let closed = std::mem::take(&mut *state).open.is_some();
        if closed {
            self.open.dec();
        }
        closed
    }

    /// Records a fault whose lines will not be called again. A `heavy` one has weight [`HEAVY`].
    pub(crate) fn fault(&self, heavy: bool, now: Instant) -> After {
        let mut state = self.lock();
        self.trouble.store(true, Ordering::Release);
        if state.open.is_some() {
            return After::Open;
        }
        state.row = state.row.saturating_add(if heavy { HEAVY } else { 1 });
        let since = *state.since.get_or_insert(now);
        if state.row >= OPENS && now.saturating_duration_since(since) >= LEAST {
            state.open = Some(Open {
                since: SystemTime::now(),
                next: now + PAUSES.0,
                pause: PAUSES.0,
                probes: 0,
            });
            self.open.inc();
            return After::Opened;
        }
        After::Wait(match state.row.checked_sub(AT_ONCE + 1) {
            None => Duration::ZERO,
            Some(more) => Duration::from_millis(1 << more.min(9)).min(LONGEST_WAIT),
        })
    }

    /// Records a failed probe: the pause before the next one doubles.
    pub(crate) fn probe_failed(&self, now: Instant) {
        if let Some(open) = &mut self.lock().open {
            open.pause = (open.pause * 2).min(PAUSES.1);
            open.next = now + open.pause;
            open.probes += 1;
        }
    }

    /// The breaker's status while it is open; `None` while it is closed.
    pub(crate) fn opened(&self) -> Option<Opened> {
        if !self.trouble.load(Ordering::Acquire) {
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
