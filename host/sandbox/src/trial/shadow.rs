//! A shadow: a version of a filter that is given copies of lines, and whose answers are compared
//! with those that the stream gets.
//!
//! In: copies of batches, with what the filter made of them. Out: counts, and a few examples of
//! lines that came out differently. The shadow of a stream is a task of its own behind a short
//! queue: when that is full, lines are skipped and counted, and the stream never waits.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use super::Trial;
use crate::chain::routed_lines::RoutedLines;
use crate::filter::{Filter, OwnInstance};
use crate::supervise::quarantine::Origin;
use crate::supervise::supervisor::CallContext;
use crate::verdict::{Rules, Verdicts};
use linemill_framing::Lines;

/// Batches that wait for a stream's shadow.
const WAITING: usize = 8;
/// Examples kept of a trial; the newest.
const EXAMPLES: usize = 8;
/// Bytes kept of a line of an example.
const SHOWN: usize = 256;
/// Lines kept of an answer of an example.
const ANSWERS: usize = 4;

/// What a shadow came to, in all streams.
#[derive(Debug, Default)]
pub struct Comparison {
    same: AtomicU64,
    different: AtomicU64,
    skipped: AtomicU64,
    examples: Mutex<VecDeque<Example>>,
}

/// A line that came out differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The line's content, its beginning.
    pub line: Vec<u8>,
    /// What the filter made of it.
    pub filter: Vec<Vec<u8>>,
    /// What the shadow made of it.
    pub shadow: Vec<Vec<u8>>,
}

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

/// What a filter made of each line of a batch.
#[derive(Debug, PartialEq, Eq)]
struct Made {
    lines: Lines,
    counts: Vec<u32>,
    routed: RoutedLines,
    closes: bool,
}

impl Shadow {
    pub(crate) fn start(trial: &Trial) -> Self {
        let (copies, waiting) = mpsc::channel(WAITING);
        let filter = Arc::clone(trial.filter());
        let route_indices = trial.stage.route_indices().to_vec();
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

impl Made {
    fn of(verdicts: &Verdicts) -> Self {
        Self {
            lines: verdicts.lines.clone(),
            counts: verdicts.counts.clone(),
            routed: verdicts.routed.clone(),
            closes: verdicts.close.is_some(),
        }
    }

    /// How many of `lines` come of each of `inputs` lines: ranges, in order. After a line that
    /// closes, none.
    fn answers(&self, inputs: usize) -> Vec<Range<usize>> {
        let mut from = 0;
        let count = |at: usize| match self.counts.get(at) {
            Some(count) => *count as usize,
            None => usize::from(self.counts.is_empty()),
        };
        let answer = |at| {
            let answer = from..(from + count(at)).min(self.lines.len());
            from = answer.end;
            answer
        };
        (0..inputs).map(answer).collect()
    }

    fn contents(&self, answer: &Range<usize>) -> impl Iterator<Item = &[u8]> {
        answer.clone().map(|at| self.lines.content(at))
    }
}

impl Comparison {
    /// Lines that came out the same, those that did not, and those that were skipped.
    pub fn counts(&self) -> [u64; 3] {
        [&self.same, &self.different, &self.skipped].map(|count| count.load(Ordering::Relaxed))
    }

    /// The newest lines that came out differently, oldest first.
    pub fn examples(&self) -> Vec<Example> {
        let examples = self.examples.lock().unwrap_or_else(PoisonError::into_inner);
        examples.iter().cloned().collect()
    }

    fn skip(&self, lines: usize) {
        self.skipped.fetch_add(lines as u64, Ordering::Relaxed);
    }

    fn note(&self, lines: &Lines, made: &Made, shadow: &Made) {
        let all = lines.len() as u64;
        if made == shadow {
            self.same.fetch_add(all, Ordering::Relaxed);
            return;
        }
        let mut different = 0;
        let answers = made.answers(lines.len()).into_iter();
        for (at, (one, other)) in answers.zip(shadow.answers(lines.len())).enumerate() {
            let routes = made.routed.of_input(at).eq(shadow.routed.of_input(at));
            if routes && made.contents(&one).eq(shadow.contents(&other)) {
                continue;
            }
            different += 1;
            self.keep(Example {
                line: short(lines.content(at)),
                filter: shorts(made, &one, at),
                shadow: shorts(shadow, &other, at),
            });
        }
        // Whether the stream ends is an answer to the batch's last line that counts.
        if different == 0 && made.closes != shadow.closes {
            different = 1;
        }
        self.different.fetch_add(different, Ordering::Relaxed);
        self.same.fetch_add(all - different, Ordering::Relaxed);
    }

    fn keep(&self, example: Example) {
        let mut examples = self.examples.lock().unwrap_or_else(PoisonError::into_inner);
        if examples.len() == EXAMPLES {
            examples.pop_front();
        }
        examples.push_back(example);
    }
}

fn short(content: &[u8]) -> Vec<u8> {
    content.iter().take(SHOWN).copied().collect()
}

/// What came of the line `at`, by any way.
fn shorts(made: &Made, answer: &Range<usize>, at: usize) -> Vec<Vec<u8>> {
    let routed = made.routed.of_input(at).map(|(content, _)| content);
    let all = made.contents(answer).chain(routed);
    all.take(ANSWERS).map(short).collect()
}
