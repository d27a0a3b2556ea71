//! A shadow: a version of a filter that is given copies of lines, and whose answers are compared
//! with those that the stream gets.
//!
//! In: copies of batches, with what the filter made of them. Out: counts, and a few examples of
//! lines that came out differently. The shadow of a stream is a task of its own behind a short
//! queue: when that is full, lines are skipped and counted, and the stream never waits.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::filter::comparison::Made;
use crate::filter::{Filter, OwnInstance};
use crate::supervise::quarantine::Origin;
use crate::supervise::supervisor::CallContext;
use crate::verdict::{Rules, Verdicts};
use linemill_framing::Lines;

/// Batches that wait for a stream's shadow.
const WAITING: usize = 8;
/// A stream's shadow. Dropped, it ends when it has seen what waits.
pub(crate) struct Shadow {
    filter: Arc<Filter>,
    copies: mpsc::Sender<Copied>,
}

/// A batch, and what the filter made of it.
#[derive(Debug)]
struct Copied {
    lines: Lines,
    rules: Rules,
    made: Made,
}

impl Shadow {
    /// Starts the task that calls `filter`. `route_indices` is as in [`CallContext`].
    pub(crate) fn start(filter: &Arc<Filter>, route_indices: Vec<Option<u32>>) -> Self {
        let (copies, waiting) = mpsc::channel(WAITING);
        let filter = Arc::clone(filter);
        tokio::spawn(follow(Arc::clone(&filter), route_indices, waiting));
        Self { filter, copies }
    }

    /// Whether it is one of this filter.
    pub(crate) fn is_of(&self, filter: &Arc<Filter>) -> bool {
        Arc::ptr_eq(&self.filter, filter)
    }

    /// Room for a batch; without it, its lines are skipped.
    pub(crate) fn room(&self, lines: usize) -> Option<Room<'_>> {
        match self.copies.try_reserve() {
            Ok(permit) => Some(Room(permit)),
            Err(_) => {
                self.filter.comparison().skip(lines);
                None
            }
        }
    }
}

/// Room for one batch in the queue of a shadow.
pub(crate) struct Room<'a>(mpsc::Permit<'a, Copied>);

impl Room<'_> {
    /// Hands over a copy of `lines`, and of what the filter made of them.
    pub(crate) fn fill(self, lines: Lines, rules: Rules, verdicts: &Verdicts) {
        let made = Made::of(verdicts);
        self.0.send(Copied { lines, rules, made });
    }
}

/// Runs the shadow over what comes, and compares.
async fn follow(
    filter: Arc<Filter>,
    route_indices: Vec<Option<u32>>,
    mut waiting: mpsc::Receiver<Copied>,
) {
    let (mut own, origin) = (OwnInstance::default(), Origin::default());
    while let Some(Copied { lines, rules, made }) = waiting.recv().await {
        let context = CallContext {
            rules,
            route_indices: &route_indices,
            origin: &origin,
        };
        let verdicts = filter.process(&mut own, lines.clone(), context).await;
        filter
            .comparison()
            .note(&lines, &made, &Made::of(&verdicts));
    }
}
