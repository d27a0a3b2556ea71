//! How long a sink that several generations may use lives.
//!
//! In: holds taken and dropped, and the writer's question whether it may end. Out: an answer that is
//! final: a sink that has ended takes no further line, and one that is still held never ends. A sink
//! that nobody holds any more, but that still writes, can be taken up again: a reload that removes a
//! destination and another that restores it use the same sink, so that two writers never write to one
//! destination at a time.
//! This module knows nothing about lines, so that the model check (`model`) runs this very text.
//! Not here: which sinks there are (`registry`), what waits for one (`queue`).

use std::sync::PoisonError;

use super::runtime::{Mutex, MutexGuard};

/// Who holds a sink, and whether it has ended. New ones are held once.
#[derive(Debug)]
pub(super) struct Lifetime(Mutex<State>);

#[derive(Debug)]
struct State {
    /// Holds taken and not dropped. Lines are put into a sink by its holders only.
    holds: usize,
    /// Once set, `holds` stays 0.
    ended: bool,
}

impl Default for Lifetime {
    fn default() -> Self {
        Self(Mutex::new(State {
            holds: 1,
            ended: false,
        }))
    }
}

impl Lifetime {
    /// Takes a hold. `false` when the sink has ended: another one must be started.
    pub(super) fn take(&self) -> bool {
        let mut state = self.lock();
        state.holds += usize::from(!state.ended);
        !state.ended
    }

    /// Drops a hold. Returns whether it was the last one: the writer must be woken then, so that it
    /// asks whether it may end.
    pub(super) fn drop_hold(&self) -> bool {
        let mut state = self.lock();
        state.holds -= 1;
        state.holds == 0
    }

    /// Ends the sink if nobody holds it and `is_empty` says that nothing waits for it. `is_empty` is
    /// called only while nobody can put a line into the sink.
    pub(super) fn end_if_unused(&self, is_empty: impl FnOnce() -> bool) -> bool {
        let mut state = self.lock();
        state.ended |= state.holds == 0 && is_empty();
        state.ended
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
