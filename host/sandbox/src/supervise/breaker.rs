//! The breaker of a filter: whether it is called at all, and how soon again after a fault.
//!
//! In: what calls came to. Out: for each call, whether it may be made; for a stream whose line has
//! failed, how long it waits before the next instance is started. A line that fails by the filter's
//! own verdict is no fault: the filter works. Pure but for its gauge and two lines of the log.
//! Not here: what becomes of lines that are not offered (`recover`).
//!
//! What opens it are `OPENS` faults in a row, over a second at least, without one good call by
//! any stream between. A share of calls would not do: finding bad lines takes calls that fail beside
//! those that do not, so a filter that does nearly all of its work can fail half of its calls. In a
//! row there is at most one fault for each bad line, since the search for it passes through its
//! neighbours.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use prometheus_client::metrics::gauge::Gauge;

#[cfg(test)]
mod tests;

/// Faults in a row after which an instance is started at once.
const AT_ONCE: u32 = 64;
/// Faults in a row that open it.
const OPENS: u32 = AT_ONCE + 10;
/// What a fault counts as that used up a deadline, or that no instance could be started for.
const HEAVY: u32 = 8;
/// The longest wait before an instance is started; the first is a millisecond, each twice the last.
const LONGEST_WAIT: Duration = Duration::from_millis(512);
/// The shortest time that faults in a row must have gone on for.
const LEAST: Duration = Duration::from_secs(1);
/// The first pause before a probe, and the longest; each is twice the last.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Whether a filter is called.
#[derive(Debug)]
pub(crate) struct Breaker {
    /// There are faults in a row, or it is open. All that a good path looks at.
    trouble: AtomicBool,
    state: Mutex<State>,
    /// How many breakers of the filter's name are open.
    open: Gauge,
}

#[derive(Debug, Default)]
struct State {
    /// Faults since the last good call.
    row: u32,
    /// When the first of them was.
    since: Option<Instant>,
    open: Option<Open>,
}

#[derive(Debug, Clone)]
struct Open {
    since: SystemTime,
    /// Before this nothing is offered.
    next: Instant,
    /// Between two probes.
    pause: Duration,
    probes: u32,
}

/// Whether a call may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admitted {
    /// As always.
    Yes,
    /// To see whether the filter works again.
    Probe,
    /// Lines are not offered.
    No,
}

/// What is shown of a breaker that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// Since when.
    pub since: SystemTime,
    /// When the next batch is offered, at the earliest.
    pub next_probe: SystemTime,
    /// Probes that failed.
    pub failed_probes: u32,
}

/// What a fault leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// Another instance, after this time.
    Wait(Duration),
    /// It has just opened.
    Opened,
    /// It is open.
    Open,
}

impl Breaker {
    /// A closed one.
    pub(crate) fn new(open: Gauge) -> Self {
        Self {
            trouble: AtomicBool::new(false),
            state: Mutex::default(),
            open,
        }
    }

    /// Whether a call may be made now.
    pub(crate) fn admit_now(&self) -> Admitted {
        if self.trouble.load(Ordering::Acquire) {
            self.admit(Instant::now())
        } else {
            Admitted::Yes
        }
    }

    /// Whether a call may be made. A probe is one batch: until the pause is over again there is no
    /// other, whatever becomes of the stream that has it.
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

    /// A call was good. Says whether that closed it.
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

    /// Lines were given up after a fault, `heavy` or not.
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

    /// A probe came to nothing: the next is twice as long away.
    pub(crate) fn probe_failed(&self, now: Instant) {
        if let Some(open) = &mut self.lock().open {
            open.pause = (open.pause * 2).min(PAUSES.1);
            open.next = now + open.pause;
            open.probes += 1;
        }
    }

    /// Since when it is open, if it is.
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
