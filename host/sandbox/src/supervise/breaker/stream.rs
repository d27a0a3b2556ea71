//! The breaker of one stream at one filter: keeps lines from the filter if this stream's lines kept
//! failing in it.
//!
//! In: this stream's successful calls and faults, and the filter's breaker. Out: whether the next call may
//! be made, and how long the stream waits after a fault. Pure, except for its gauge.
//! Not here: when the filter itself is in doubt ([`Breaker`]).

use std::time::{Duration, Instant};

use prometheus_client::metrics::gauge::Gauge;

use super::{Admitted, Breaker, PAUSES, Row};

/// The breaker of a stream. Empty while all is well, which costs nothing.
#[derive(Debug, Default)]
pub(crate) struct StreamBreaker(Option<Box<Trouble>>);

#[derive(Debug, Default)]
struct Trouble {
    /// Faults since the last successful call.
    row: Row,
    /// `None` while the breaker is closed.
    open: Option<Suspension>,
}

#[derive(Debug)]
struct Suspension {
    /// The next probe; earlier if the filter's breaker closes before.
    next: Instant,
    /// The time between two probes.
    pause: Duration,
    /// How often the filter's breaker had closed at the last probe.
    times_closed: u32,
    _counted: Counted,
}

/// Counts a suspended stream in a gauge until dropped.
#[derive(Debug)]
struct Counted(Gauge);

impl StreamBreaker {
    /// Decides whether a call may be made now. Does not read the clock while all is well. A stream of
    /// `many` clients is never kept out, since most of them may be innocent: its batches are probes.
    pub(crate) fn admit_now(&mut self, filter: &Breaker, many: bool) -> Admitted {
        if self.0.is_none() && !filter.is_in_doubt() {
            return Admitted::Yes;
        }
        self.admit(filter, many, Instant::now())
    }

    /// Decides whether a call may be made at `now`.
    fn admit(&mut self, filter: &Breaker, many: bool, now: Instant) -> Admitted {
        let Some(open) = self.0.as_mut().and_then(|trouble| trouble.open.as_mut()) else {
            // The filter fails others: these lines tell whether it is the filter.
            return if filter.is_open() {
                Admitted::Probe
            } else {
                Admitted::Yes
            };
        };
        let times_closed = filter.times_closed();
        if now >= open.next || open.times_closed != times_closed || many {
            open.times_closed = times_closed;
            open.next = now + open.pause;
            Admitted::Probe
        } else {
            Admitted::No
        }
    }

    /// Whether lines are kept from the filter.
    #[cfg(test)]
    pub(crate) fn is_open(&self) -> bool {
        self.0
            .as_ref()
            .is_some_and(|trouble| trouble.open.is_some())
    }

    /// Records a successful call. Returns whether it closed the breaker.
    pub(crate) fn good(&mut self) -> bool {
        self.0.take().is_some_and(|trouble| trouble.open.is_some())
    }

    /// Records a fault whose lines will not be called again. Returns how long the stream waits before
    /// the next instance; `None` if the fault opened the breaker. While it is open it counts in `gauge`.
    pub(crate) fn fault(
        &mut self,
        heavy: bool,
        filter: &Breaker,
        gauge: &Gauge,
        now: Instant,
    ) -> Option<Duration> {
        let trouble = self.0.get_or_insert_default();
        trouble.row.add(heavy, now);
        if trouble.open.is_none() && trouble.row.opens(now) {
            trouble.open = Some(Suspension::new(PAUSES.0, filter, gauge, now));
            return None;
        }
        Some(if trouble.open.is_none() {
            trouble.row.wait()
        } else {
            Duration::ZERO
        })
    }

    /// Records a failed probe: the breaker opens, or the pause before the next probe doubles. Returns
    /// when that is.
    pub(crate) fn probe_failed(
        &mut self,
        filter: &Breaker,
        gauge: &Gauge,
        now: Instant,
    ) -> Instant {
        let trouble = self.0.get_or_insert_default();
        let pause = trouble
            .open
            .as_ref()
            .map_or(PAUSES.0, |open| (open.pause * 2).min(PAUSES.1));
        trouble.open = Some(Suspension::new(pause, filter, gauge, now));
        now + pause
    }
}

impl Suspension {
    fn new(pause: Duration, filter: &Breaker, gauge: &Gauge, now: Instant) -> Self {
        gauge.inc();
        Self {
            next: now + pause,
            pause,
            times_closed: filter.times_closed(),
            _counted: Counted(gauge.clone()),
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests;
