//! How long a direction whose peer always has more to send works before it lets others go first.
//!
//! In: the end of each block, and whether more input is there. Out: whether to let others go first. The runtime
//! stops a task only after dozens of blocks, which take milliseconds. As long as a thread of the runtime is
//! left for the others, nobody waits, and letting them go first would only wake that thread.
//! Not here: calls of filters, which yield by themselves (`linemill_sandbox`).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

/// How long a turn lasts. The first block comes before it.
const TURN: Duration = Duration::from_micros(250);

/// Directions that have had more input at the end of their last block.
static BUSY: AtomicUsize = AtomicUsize::new(0);

/// The turns of one direction.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// When the turn began; `None` unless it counts in [`BUSY`].
    began: Option<Instant>,
}

impl Turn {
    /// Notes the end of a block. Returns whether others are to go first.
    pub(super) fn is_over(&mut self, has_input: bool) -> bool {
        if !has_input {
            self.end();
            return false;
        }
        let now = Instant::now();
        let Some(began) = self.began else {
            BUSY.fetch_add(1, Ordering::Relaxed);
            self.began = Some(now);
            return false;
        };
        if now - began < TURN {
            return false;
        }
        self.began = Some(now);
        BUSY.load(Ordering::Relaxed) >= Handle::current().metrics().num_workers()
    }

    fn end(&mut self) {
        if self.began.take().is_some() {
            BUSY.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.end();
    }
}
