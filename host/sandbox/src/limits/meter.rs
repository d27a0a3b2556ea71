//! The meter of a call measures its processor time, in slices.
//!
//! In: how long the call may take, each tick of the engine's clock that finds the guest running, and
//! each wait in an import. Out: whether the guest yields and continues, or the call ends. A slice is
//! the time that a guest runs between two yields. What its thread does for other tasks in between does
//! not count.
//! Not here: the ticks (`engine`).
//!
//! Time before the first tick does not count. It is at most a tick, and reading the processor's clock
//! at the start of each call would take longer than some calls.

use std::mem;
use std::thread::{self, ThreadId};
use std::time::Duration;

use wasmtime::UpdateDeadline;

use linemill_telemetry::processor_time;

#[cfg(test)]
mod tests;

/// How often running guests yield, and the unit of a filter's deadline.
pub(crate) const TICK: Duration = Duration::from_millis(1);

/// The time that a call has left.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    left: Duration,
    /// When the current slice began; `None` before the first tick, and while the guest waits.
    slice: Option<ThreadTime>,
    /// The guest has yielded. The next tick only shows that it runs again.
    yielded: bool,
    /// By how much an interrupted call exceeded its time.
    overrun: Duration,
}

/// A thread, and how much processor time it had used at some moment.
#[derive(Debug)]
struct ThreadTime {
    thread: ThreadId,
    /// Processor time that the thread had used.
    used: Duration,
}

impl Meter {
    /// Begins a call that may take `time`.
    pub(crate) fn begin(&mut self, time: Duration) {
        *self = Self {
            left: time,
            ..Self::default()
        };
    }

    /// Handles a tick that found the guest running: the guest yields to other tasks, or the call ends.
    pub(crate) fn tick(&mut self) -> UpdateDeadline {
        if mem::take(&mut self.yielded) {
            self.slice = Some(ThreadTime::now());
            return UpdateDeadline::Continue(1);
        }
        let used = self.end_slice();
        if used >= self.left {
            self.overrun = used - self.left;
            return UpdateDeadline::Interrupt;
        }
        self.left -= used;
        self.yielded = true;
        // The runtime first runs other tasks that are ready, and polls for events. The deadline of 0
        // then calls this function again as soon as the guest continues.
        UpdateDeadline::YieldCustom(0, Box::pin(tokio::task::yield_now()))
    }

    /// Begins a wait in an import. Returns how long it may last.
    pub(crate) fn pause(&mut self) -> Duration {
        let used = self.end_slice();
        self.left = self.left.saturating_sub(used);
        self.left
    }

    /// Ends a wait in an import. The time `waited` counts like processor time.
    pub(crate) fn resume(&mut self, waited: Duration) {
        self.left = self.left.saturating_sub(waited);
        self.slice = Some(ThreadTime::now());
    }

    /// Takes all remaining time away, so that the call ends at the next tick.
    pub(crate) fn end(&mut self) {
        self.left = Duration::ZERO;
    }

    /// By how much an interrupted call exceeded its time.
    pub(crate) fn overrun(&self) -> Duration {
        self.overrun
    }

    fn end_slice(&mut self) -> Duration {
        let began = self.slice.take();
        began.map_or(Duration::ZERO, |began| began.until(&ThreadTime::now()))
    }
}

impl ThreadTime {
    fn now() -> Self {
        Self {
            thread: thread::current().id(),
            used: processor_time(),
        }
    }

    fn until(&self, later: &Self) -> Duration {
        if self.thread == later.thread {
            later.used.saturating_sub(self.used)
        } else {
            // The call moved to another thread, whose clock cannot be compared: a tick is the best
            // estimate.
            TICK
        }
    }
}
