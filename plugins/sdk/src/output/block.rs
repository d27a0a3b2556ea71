//! Moves [`Output`] from line to line of a block, and records the verdicts.
//!
//! In: the block of a call. Out: each line for the filter, and in the end the outcome of the call.
//! Not here: the methods that filters call.

use std::mem;

use super::{Output, offset};
use crate::batch::{Failure, Lines, Outcome, Routed};

/// How many bytes beyond a line [`Output::copy_ahead`] copies. A copy per line would cost more than
/// the bytes do, but copying the whole block would be wasted if output lines of other lengths
/// follow.
const AHEAD: usize = 4096;

impl<'a> Output<'a> {
    /// An output for the lines of one call.
    pub(crate) fn new(block: &'a [u8], block_spans: &'a [u32], routes: &'a [String]) -> Self {
        assert!(
            block_spans.len().is_multiple_of(2),
            "a span has two numbers"
        );
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
            output_start: 0,
            failed_or_routed: false,
            failed: None,
            route: None,
        }
    }

    /// An output for the end of a stream: as if for one empty line, with spans recorded from the
    /// start.
    pub(crate) fn at_end(routes: &'a [String]) -> Self {
        Self {
            begun: 1,
            spans: Some(Vec::new()),
            ..Self::new(&[], &[], routes)
        }
    }

    /// The next line to judge; `None` after the last one, or after one that closes the connection.
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
        // Panics if the span overlaps the next one or ends before it starts.
        let length = (end as usize).wrapping_sub(self.start);
        self.line = self.block[self.start..self.next].split_at(length).0;
        self.begun += 1;
        Some(self.line)
    }

    /// Records the verdict on the line being judged.
    #[inline]
    pub(crate) fn end_line(&mut self) {
        let same_length = self.made == 1 && !self.open && self.spans.is_none();
        if !same_length || self.failed_or_routed {
            self.record_verdict();
        }
        self.made = 0;
        self.passed = false;
    }

    /// The verdicts on all lines. The output bytes are returned separately: `None` if they equal
    /// the input's.
    pub(crate) fn into_outcome(mut self) -> (Option<Vec<u8>>, Outcome) {
        // Lines after one that closes the connection were not judged: they have no output.
        while self.advance().is_some() {
            self.end_line();
        }
        let untouched = self.taken == 0 && self.bytes.is_empty();
        if !untouched {
            self.copy_to(self.block.len());
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

    /// Where in `block` the line being judged ends and its gap begins.
    #[inline]
    pub(super) fn line_end(&self) -> usize {
        self.start + self.line.len()
    }

    /// Copies `block[taken..end]` into the output.
    fn copy_to(&mut self, end: usize) {
        if self.bytes.capacity() == 0 {
            // Once per call. The capacity is exact because wit-bindgen passes a boxed slice to the
            // host: spare capacity would cost a reallocation.
            self.bytes.reserve_exact(self.block.len());
        }
        let pending = &self.block[self.taken..end];
        if let [byte] = pending {
            // Nearly always the LF of the previous line. A call to copy it would cost more.
            self.bytes.push(*byte);
        } else {
            self.bytes.extend_from_slice(pending);
        }
        self.taken = end;
    }

    /// Copies `block` into the output beyond the line being judged, so that this line and later
    /// ones can be overwritten in place.
    #[cold]
    #[inline(never)]
    pub(super) fn copy_ahead(&mut self) {
        let end = self.block.len().min(self.line_end() + AHEAD);
        self.copy_to(end);
    }

    /// Undoes [`copy_ahead`](Self::copy_ahead) beyond `end`. Has an effect only while no spans are
    /// recorded.
    fn undo_copy_beyond(&mut self, end: usize) {
        if self.taken > end {
            self.bytes.truncate(end);
            self.taken = end;
        }
    }

    /// Makes `bytes` exactly the output of the lines before the one being judged.
    fn catch_up(&mut self) {
        if self.taken > self.start {
            self.undo_copy_beyond(self.start);
        } else {
            self.copy_to(self.start);
        }
    }

    /// Begins an output line.
    #[inline]
    pub(super) fn open(&mut self) {
        if self.made == 0 {
            self.catch_up();
            self.output_start = self.bytes.len();
        } else {
            self.undo_copy_beyond(self.line_end());
            self.open_another();
        }
        // The new line replaces the content of the line being judged. Its gap is copied later.
        self.taken = self.line_end();
        self.open = true;
        self.open_at = self.bytes.len();
    }

    /// Begins another output line for the same input line. The previous one gets a copy of the
    /// input line's gap, that is, its terminator.
    #[cold]
    fn open_another(&mut self) {
        if mem::take(&mut self.passed) {
            self.catch_up();
            self.output_start = self.bytes.len();
            self.record_span_of_line();
            self.copy_to(self.next);
        } else {
            self.bytes
                .extend_from_slice(&self.block[self.line_end()..self.next]);
        }
    }

    /// Records the span of the line being judged, which passes and is not in `bytes` yet. Does
    /// nothing while spans equal the input's.
    fn record_span_of_line(&mut self) {
        if let Some(spans) = &mut self.spans {
            let start = self.bytes.len() + (self.start - self.taken);
            spans.extend([offset(start), offset(start + self.line.len())]);
        }
    }

    /// Starts recording spans. Those of the first `lines` lines are the input's.
    #[cold]
    pub(super) fn start_spans(&mut self, lines: usize) -> &mut Vec<u32> {
        let mut spans = Vec::with_capacity(self.block_spans.len());
        spans.extend_from_slice(&self.block_spans[..2 * lines]);
        self.output_start = self.start;
        self.spans.insert(spans)
    }

    /// Records the verdict on a line that did not become one line of the same length, or that
    /// failed or takes a route; or on any line once spans are recorded.
    fn record_verdict(&mut self) {
        if self.open {
            self.end();
        }
        if mem::take(&mut self.failed_or_routed) {
            self.record_failure_or_route();
        }
        if self.made == 0 {
            self.catch_up();
            self.taken = self.next;
        } else if self.passed {
            self.record_span_of_line();
        }
        if self.made != 1 {
            if self.spans.is_none() {
                self.start_spans(self.begun - 1);
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

    /// Records that a line failed or takes a route.
    fn record_failure_or_route(&mut self) {
        let line = offset(self.begun - 1);
        let route = self.route.take();
        if let Some(reason) = self.failed.take() {
            self.failures.push(Failure { line, reason });
            self.discard_output();
        } else if let Some(route) = route
            && self.made > 0
        {
            self.routed.push(Routed { line, route });
        }
    }

    /// Discards all output for the line being judged.
    #[cold]
    fn discard_output(&mut self) {
        if self.made > 0 && !self.passed {
            if let Some(spans) = &mut self.spans {
                spans.truncate(spans.len() - 2 * self.made as usize);
                self.bytes.truncate(self.output_start);
            } else {
                self.bytes.truncate(self.start);
            }
            // The content is no longer in `bytes`.
            self.taken = self.start;
        }
        self.made = 0;
        self.passed = false;
    }
}
