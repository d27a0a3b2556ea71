//! How the answers of a filter compare to those of the filter that it shadows.
//!
//! In: batches, with what both filters made of them. Out: counts, and a few examples of lines that
//! came out differently. Not here: when a shadow runs (`trial::shadow`).

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::verdict::Verdicts;
use crate::verdict::routed_lines::RoutedLines;
use linemill_framing::Lines;

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

/// What a filter made of each line of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Made {
    lines: Lines,
    counts: Vec<u32>,
    routed: RoutedLines,
    closes: bool,
}

impl Made {
    pub(crate) fn of(verdicts: &Verdicts) -> Self {
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

    pub(crate) fn skip(&self, lines: usize) {
        self.skipped.fetch_add(lines as u64, Ordering::Relaxed);
    }

    pub(crate) fn note(&self, lines: &Lines, made: &Made, shadow: &Made) {
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
