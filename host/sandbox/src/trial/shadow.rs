//! A shadow: a version of a filter that receives copies of lines. Its answers are compared with the
//! filter's, and then discarded.
//!
//! In: copies of batches, with the filter's answers. Out: entries in the filter's `comparison`. Each
//! stream's shadow is a task with a short queue. When the queue is full, lines are skipped and
//! counted; the stream never waits.
//! Not here: comparing answers (`filter::comparison`), which streams have a shadow (`trial`).

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::chain::observer::Watched;
use crate::chain::{Stage, StageCounts};
use crate::filter::comparison::{Comparison, Made};
use crate::filter::{Filter, OwnInstance};
use crate::origin::Origin;
use crate::supervise::breaker::stream::StreamBreaker;
use crate::supervise::supervisor::CallContext;
use crate::verdict::{Close, Rules, Verdicts};
use linemill_framing::Lines;

/// How many batches can wait for a stream's shadow.
const WAITING: usize = 8;

/// A stream's shadow. After it is dropped, its task ends once the queue is empty.
pub(crate) struct Shadow {
    filter: Arc<Filter>,
    copies: mpsc::Sender<Copied>,
}

/// A copy of a batch, and the filter's answers to it.
struct Copied {
    lines: Lines,
    rules: Rules,
    made: Made,
    /// Somebody observes what the shadow does with the batch.
    watched: Option<Box<Watched>>,
}

impl Shadow {
    /// Starts the task that calls the filter of `stage`.
    pub(crate) fn start(stage: &Stage) -> Self {
        let (copies, waiting) = mpsc::channel(WAITING);
        let filter = Arc::clone(stage.filter());
        let route_indices = stage.route_indices().to_vec();
        let counts = Arc::clone(stage.counts());
        tokio::spawn(follow(Arc::clone(&filter), route_indices, counts, waiting));
        Self { filter, copies }
    }

    /// Whether `filter` is the version that this shadow runs.
    pub(crate) fn is_of(&self, filter: &Arc<Filter>) -> bool {
        Arc::ptr_eq(&self.filter, filter)
    }

    /// Reserves room for a batch of `lines` lines. If the queue is full, counts them as skipped.
    pub(crate) fn room(&self, lines: usize) -> Option<Room<'_>> {
        match self.copies.try_reserve() {
            Ok(permit) => Some(Room {
                permit,
                comparison: self.filter.comparison(),
            }),
            Err(_) => {
                self.filter.comparison().skip(lines);
                None
            }
        }
    }
}

/// Room for one batch in the queue of a shadow.
pub(crate) struct Room<'a> {
    permit: mpsc::Permit<'a, Copied>,
    comparison: &'a Comparison,
}

impl Room<'_> {
    /// Queues a copy of a batch, with the filter's verdicts on it. `watched` takes those of the shadow.
    pub(crate) fn fill(
        self,
        lines: Lines,
        rules: Rules,
        verdicts: &Verdicts,
        watched: Option<Box<Watched>>,
    ) {
        let made = Made::of(verdicts);
        self.permit.send(Copied {
            lines,
            rules,
            made,
            watched,
        });
    }

    /// Gives the room up: there is nothing to compare. Counts the lines as skipped.
    pub(crate) fn skip(self, lines: usize) {
        self.comparison.skip(lines);
    }
}

/// The shadow's task: calls the filter with each batch, and compares the answers.
async fn follow(
    filter: Arc<Filter>,
    route_indices: Vec<Option<u32>>,
    counts: Arc<StageCounts>,
    mut waiting: mpsc::Receiver<Copied>,
) {
    let (mut own, origin) = (OwnInstance::default(), Origin::default());
    let mut breaker = StreamBreaker::default();
    while let Some(copied) = waiting.recv().await {
        let Copied {
            lines,
            rules,
            made,
            watched,
        } = copied;
        let context = CallContext {
            rules,
            route_indices: &route_indices,
            origin: &origin,
            observed: watched.is_some(),
            counts: &counts,
        };
        let verdicts = filter
            .process(&mut own, &mut breaker, lines.clone(), context)
            .await;
        if let Some(watched) = watched {
            watched.end(&verdicts);
        }
        if verdicts.close == Some(Close::Host) {
            filter.comparison().skip(lines.len());
            continue;
        }
        filter
            .comparison()
            .note(&lines, &made, &Made::of(&verdicts));
    }
}
