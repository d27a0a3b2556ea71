//! The processor time of one call, in slices.
//!
//! In: how long a call may take, each tick of the engine's clock that finds it running, and waiting.
//! Out: whether it yields and goes on, or ends. A slice is what a guest runs between two yields; what
//! its thread does for others in between is not the guest's.
//! Not here: the ticks themselves (`engine`).
//!
//! What runs before the first tick is not counted: it is no more than a tick, and to read the
//! processor's clock as each call begins would cost more than some calls do.

use std::mem;
use std::thread::{self, ThreadId};
use std::time::Duration;

use wasmtime::UpdateDeadline;

#[cfg(test)]
mod tests;

/// How often running guests yield, and the unit of a filter's deadline.
pub(crate) const TICK: Duration = Duration::from_millis(1);

/// What a call may still take.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    left: Duration,
    /// Where the slice began that is running; unknown before the first tick, and while it waits.
    slice: Option<Mark>,
    /// It has yielded: the next tick only says that it is back.
    away: bool,
    /// What it took beyond its time.
    overrun: Duration,
}

/// A moment of a thread.
#[derive(Debug)]
struct Mark {
    thread: ThreadId,
    /// Processor time that the thread had used.
    used: Duration,
}

impl Meter {
    /// Begins a call that may take this long.
    pub(crate) fn begin(&mut self, time: Duration) {
        *self = Self {
            left: time,
            ..Self::default()
        };
    }

    /// A tick has found the guest running: it yields to others, or the call ends.
    pub(crate) fn tick(&mut self) -> UpdateDeadline {
        if mem::take(&mut self.away) {
            self.slice = Some(Mark::now());
            return UpdateDeadline::Continue(1);
        }
        let used = self.end_slice();
        if used >= self.left {
            self.overrun = used - self.left;
            return UpdateDeadline::Interrupt;
        }
        self.left -= used;
        self.away = true;
        // The runtime runs whatever is ready and looks for what has become so before it comes
        // back; the deadline that is due at once then tells that it has.
        UpdateDeadline::YieldCustom(0, Box::pin(tokio::task::yield_now()))
    }

    /// The guest waits from now on, for so long at most.
    pub(crate) fn pause(&mut self) -> Duration {
        let used = self.end_slice();
        self.left = self.left.saturating_sub(used);
        self.left
    }

    /// It has waited, which counts.
    pub(crate) fn resume(&mut self, waited: Duration) {
        self.left = self.left.saturating_sub(waited);
        self.slice = Some(Mark::now());
    }

    /// The call ends at the next tick.
    pub(crate) fn end(&mut self) {
        self.left = Duration::ZERO;
    }

    /// How much longer than it was allowed the call ran that has been ended.
    pub(crate) fn overrun(&self) -> Duration {
        self.overrun
    }

    fn end_slice(&mut self) -> Duration {
        let began = self.slice.take();
        began.map_or(Duration::ZERO, |began| began.until(&Mark::now()))
    }
}

impl Mark {
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
            // The call moved to another thread while an import waited: only ticks are known.
            TICK
        }
    }
}

/// Processor time that this thread has used.
#[cfg(unix)]
fn processor_time() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::ThreadCPUTime);
    // Neither is ever negative.
    Duration::new(time.tv_sec.cast_unsigned(), time.tv_nsec as u32)
}

/// Time that passes: more than the thread has of the processor, when others want it too.
#[cfg(not(unix))]
fn processor_time() -> Duration {
    use std::sync::LazyLock;
    use std::time::Instant;
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}
