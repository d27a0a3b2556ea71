//! The comparison of a shadow's answers with those of the filter that it shadows.
//!
//! In: batches, with the answers of both filters. Out: counts, and a few examples of lines with
//! different answers.
//! Not here: when a shadow runs (`trial::shadow`).

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::verdict::Verdicts;
use crate::verdict::routed_lines::RoutedLines;
use linemill_framing::Lines;

/// How many examples are kept; the oldest are removed.
const EXAMPLES: usize = 8;
/// Bytes that are kept of each line of an example.
const SHOWN: usize = 256;
/// Lines that are kept of each answer of an example.
const ANSWERS: usize = 4;

/// How a shadow's answers compare, over all streams.
#[derive(Debug, Default)]
pub struct Comparison {
    same: AtomicU64,
    different: AtomicU64,
    skipped: AtomicU64,
    examples: Mutex<VecDeque<Example>>,
}

/// A line with different answers. All contents are cut to 256 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The line's content.
    pub line: Vec<u8>,
    /// The lines that the filter made of it.
    pub filter: Vec<Vec<u8>>,
    /// The lines that the shadow made of it.
    pub shadow: Vec<Vec<u8>>,
}

/// A filter's answers to the lines of a batch.
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

    /// For each of the `inputs` input lines, the range of `lines` that it became. Ranges after a line
    /// that closes are empty.
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
    /// The number of lines with the same answers, of those with different ones, and of those skipped.
    pub fn counts(&self) -> [u64; 3] {
        [&self.same, &self.different, &self.skipped].map(|count| count.load(Ordering::Relaxed))
    }

    /// The newest examples of lines with different answers, oldest first.
    pub fn examples(&self) -> Vec<Example> {
        let examples = self.examples.lock().unwrap_or_else(PoisonError::into_inner);
        examples.iter().cloned().collect()
    }

    /// Counts lines that the shadow did not receive.
    pub(crate) fn skip(&self, lines: usize) {
        self.skipped.fetch_add(lines as u64, Ordering::Relaxed);
    }

    /// Compares the answers of the filter (`made`) and of its shadow to the same lines.
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
        // If only one of them closes the stream, one line has a different answer.
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

/// The output of the line `at`, including routed lines, cut for an example.
fn shorts(made: &Made, answer: &Range<usize>, at: usize) -> Vec<Vec<u8>> {
    let routed = made.routed.of_input(at).map(|(content, _)| content);
    let all = made.contents(answer).chain(routed);
    all.take(ANSWERS).map(short).collect()
}
