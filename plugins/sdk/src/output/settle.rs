//! The batch's side of [`Output`]: line after line in, the verdicts on all of them out.

use std::mem;

use super::{Output, offset};
use crate::batch::{Failure, Lines, Outcome, Routed};

/// How far [`Output::take_ahead`] goes beyond a line: a copy for each line would cost more than its
/// bytes do, and the whole block at once would be in vain where lines of other lengths follow.
const AHEAD: usize = 4096;

impl<'a> Output<'a> {
    /// For the lines of one call.
    pub(crate) fn new(block: &'a [u8], block_spans: &'a [u32], routes: &'a [String]) -> Self {
        assert!(block_spans.len().is_multiple_of(2), "a span is two numbers");
        Self {
            block,
            block_spans,
            begun: 0,
            line: &[],
            start: 0,
            next: 0,
            bytes: Vec::new(),
            taken: 0,
            spans: None,
            counts: None,
            failures: Vec::new(),
            routed: Vec::new(),
            close_after: None,
            routes,
            made: 0,
            passed: false,
            open: false,
            open_at: 0,
            mark: 0,
            marked: false,
            failed: None,
            route: None,
        }
    }

    /// For the end of a stream, as if for an empty line that has no spans to keep to.
    pub(crate) fn at_end(routes: &'a [String]) -> Self {
        Self {
            begun: 1,
            spans: Some(Vec::new()),
            ..Self::new(&[], &[], routes)
        }
    }

    /// The next line to judge; `None` after the last, or when the connection is to close.
    #[inline]
    pub(crate) fn next_line(&mut self) -> Option<&'a [u8]> {
        if self.close_after.is_some() {
            return None;
        }
        self.advance()
    }

    #[inline]
    fn advance(&mut self) -> Option<&'a [u8]> {
        let &[start, end, ref later @ ..] = self.block_spans.get(2 * self.begun..)? else {
            return None;
        };
        self.start = start as usize;
        self.next = later
            .first()
            .map_or(self.block.len(), |&next| next as usize);
        // A span that overlaps another, or ends before it starts, panics here.
        let length = (end as usize).wrapping_sub(self.start);
        self.line = self.block[self.start..self.next].split_at(length).0;
        self.begun += 1;
        Some(self.line)
    }

    /// Settles the line being judged.
    #[inline]
    pub(crate) fn end_line(&mut self) {
        let as_it_was = self.made == 1 && !self.open && self.spans.is_none();
        if !as_it_was || self.marked {
            self.settle();
        }
        self.made = 0;
        self.passed = false;
    }

    /// All verdicts. The output's bytes come apart: `None` when they are the input's.
    pub(crate) fn into_outcome(mut self) -> (Option<Vec<u8>>, Outcome) {
        // Lines after one that closes were not judged: there is nothing of them.
        while self.advance().is_some() {
            self.end_line();
        }
        let untouched = self.taken == 0 && self.bytes.is_empty();
        if !untouched {
            self.take(self.block.len());
        }
        let outcome = Outcome {
            output: Lines {
                bytes: Vec::new(),
                spans: self.spans.unwrap_or_default(),
            },
            counts: self.counts.unwrap_or_default(),
            failures: self.failures,
            routes: self.routed,
            close_after: self.close_after,
        };
        ((!untouched).then_some(self.bytes), outcome)
    }

    /// Where the line being judged ends in `block`, and its gap begins.
    #[inline]
    pub(super) fn line_end(&self) -> usize {
        self.start + self.line.len()
    }

    /// Moves `block` up to `end` into the output.
    fn take(&mut self, end: usize) {
        if self.bytes.capacity() == 0 {
            // Once a call. Exact, because a vector handed over must not have room to spare.
            self.bytes.reserve_exact(self.block.len());
        }
        let pending = &self.block[self.taken..end];
        if let [byte] = pending {
            // Nearly always the LF of the line before; a call to copy it would cost more.
            self.bytes.push(*byte);
        } else {
            self.bytes.extend_from_slice(pending);
        }
        self.taken = end;
    }

    /// Moves `block` into the output past the line being judged, so that it and lines after it can
    /// be written over where they are.
    #[cold]
    #[inline(never)]
    pub(super) fn take_ahead(&mut self) {
        let end = self.block.len().min(self.line_end() + AHEAD);
        self.take(end);
    }

    /// Takes back what was taken beyond `end`. Only while no spans are written down.
    fn take_back(&mut self, end: usize) {
        if self.taken > end {
            self.bytes.truncate(end);
            self.taken = end;
        }
    }

    /// Brings `bytes` to exactly the output of the lines before the one being judged.
    fn reach(&mut self) {
        if self.taken > self.start {
            self.take_back(self.start);
        } else {
            self.take(self.start);
        }
    }

    /// Begins a line.
    #[inline]
    pub(super) fn open(&mut self) {
        if self.made == 0 {
            self.reach();
            self.mark = self.bytes.len();
        } else {
            self.take_back(self.line_end());
            self.open_another();
        }
        // What follows stands in the place of the line's content. The gap stays to be taken.
        self.taken = self.line_end();
        self.open = true;
        self.open_at = self.bytes.len();
    }

    /// Begins a line after another that came of the same input line, whose terminator it gets.
    #[cold]
    fn open_another(&mut self) {
        if mem::take(&mut self.passed) {
            self.reach();
            self.mark = self.bytes.len();
            self.span_of_line();
            self.take(self.next);
        } else {
            self.bytes
                .extend_from_slice(&self.block[self.line_end()..self.next]);
        }
    }

    /// Writes down the span of the line being judged, which is still to be taken, if spans are.
    fn span_of_line(&mut self) {
        if let Some(spans) = &mut self.spans {
            let start = self.bytes.len() + (self.start - self.taken);
            spans.extend([offset(start), offset(start + self.line.len())]);
        }
    }

    /// From here on spans are written down. Up to `lines`, they are the input's.
    #[cold]
    pub(super) fn write_spans(&mut self, lines: usize) -> &mut Vec<u32> {
        let mut spans = Vec::with_capacity(self.block_spans.len());
        spans.extend_from_slice(&self.block_spans[..2 * lines]);
        self.mark = self.start;
        self.spans.insert(spans)
    }

    /// Settles a line that is not simply as long as it was.
    fn settle(&mut self) {
        if self.open {
            self.end();
        }
        if mem::take(&mut self.marked) {
            self.settle_marked();
        }
        if self.made == 0 {
            self.reach();
            self.taken = self.next;
        } else if self.passed {
            self.span_of_line();
        }
        if self.made != 1 {
            if self.spans.is_none() {
                self.write_spans(self.begun - 1);
            }
            if self.counts.is_none() {
                let mut counts = Vec::with_capacity(self.block_spans.len() / 2);
                counts.resize(self.begun - 1, 1);
                self.counts = Some(counts);
            }
        }
        if let Some(counts) = &mut self.counts {
            counts.push(self.made);
        }
    }

    /// Settles a line that failed or takes a route.
    fn settle_marked(&mut self) {
        let line = offset(self.begun - 1);
        let route = self.route.take();
        if let Some(reason) = self.failed.take() {
            self.failures.push(Failure { line, reason });
            self.discard();
        } else if let Some(route) = route
            && self.made > 0
        {
            self.routed.push(Routed { line, route });
        }
    }

    /// Takes back all that was made of the line being judged.
    #[cold]
    fn discard(&mut self) {
        if self.made > 0 && !self.passed {
            if let Some(spans) = &mut self.spans {
                spans.truncate(spans.len() - 2 * self.made as usize);
                self.bytes.truncate(self.mark);
            } else {
                self.bytes.truncate(self.start);
            }
            // The content is not in `bytes` any more, and never will be.
            self.taken = self.start;
        }
        self.made = 0;
        self.passed = false;
    }
}
