//! What a filter says about one line → the block that goes back to the host.
//!
//! It never looks at what a line means, and it trusts no number of the host: a span out of place
//! panics, which is a trap.
//!
//! The one invariant: **the output so far is `bytes` followed by `block[taken..]` up to the line
//! being judged.** A line that passes is therefore no work at all, and runs of passing lines are
//! copied in one piece, terminators included, when something else has to be written. As long as
//! every line became one line of its own length, offsets in the output equal those in the input,
//! and neither spans nor counts are written down.

use std::fmt;
use std::io;
use std::mem;
use std::ptr;

use crate::batch::{Failure, Lines, Outcome};

/// Takes what becomes of a line.
///
/// Nothing called: the line is dropped. [`emit`](Self::emit) and [`map`](Self::map) make one line
/// each. [`push`](Self::push) and `write!` add to a line under construction, which ends at
/// [`end`](Self::end), at the next `emit` or `map` (whose bytes are its last), or at the latest
/// when [`Filter::line`](crate::Filter::line) returns.
///
/// A line must not hold the terminator of the stream's framing, such as LF; the host treats it as
/// failed if it does.
pub struct Output<'a> {
    /// The call's lines with the gaps between them.
    block: &'a [u8],
    /// Start and end of each line in `block`.
    block_spans: &'a [u32],
    /// Lines begun so far; the last of them is the one being judged.
    begun: usize,
    /// Content of the line being judged, and where it starts in `block`.
    line: &'a [u8],
    start: usize,
    /// Where the line after it starts. Between the two is its gap.
    next: usize,

    /// Output that had to be written. While `spans` is `None`, it is as long as `taken`.
    bytes: Vec<u8>,
    /// `block` before this index is in `bytes`, or was replaced or dropped.
    taken: usize,
    /// Spans of the output lines; `None` while they equal the input's.
    spans: Option<Vec<u32>>,
    /// Output lines of each input line before this one; `None` while that is one each.
    counts: Option<Vec<u32>>,
    failures: Vec<Failure>,
    close_after: Option<u32>,

    /// Lines made of the line being judged.
    made: u32,
    /// The first of those is the line itself and is not in `bytes` yet: nothing else was made.
    passed: bool,
    /// A line is under construction, and `bytes[open_at..]` is what there is of it.
    open: bool,
    open_at: usize,
    /// Where in `bytes` the output of the line being judged starts. Only set once there is some.
    mark: usize,
    failed: Option<Vec<u8>>,
}

impl<'a> Output<'a> {
    /// Emits `line`: as it is when it is the line being judged, which costs nothing.
    ///
    /// If a line is under construction, `line` is its last part.
    #[inline]
    pub fn emit(&mut self, line: impl AsRef<[u8]>) {
        let line = line.as_ref();
        if self.made == 0 && !self.open && ptr::eq(line, self.line) {
            self.made = 1;
            self.passed = true;
        } else {
            self.push(line);
            self.end();
        }
    }

    /// Emits `line` with each byte changed by `change`: the quickest way, as it is vectorised when
    /// `change` is plain arithmetic.
    ///
    /// If a line is under construction, the result is its last part.
    #[inline]
    pub fn map(&mut self, line: &[u8], change: impl Fn(u8) -> u8) {
        let in_place = self.made == 0 && !self.open && self.spans.is_none();
        if in_place && line.len() == self.line.len() {
            if self.taken < self.line_end() {
                self.take_ahead();
            }
            let end = self.line_end();
            map_into(&mut self.bytes[self.start..end], line, change);
            self.made = 1;
        } else {
            if !self.open {
                self.open();
            }
            self.bytes.extend(line.iter().map(|&byte| change(byte)));
            self.end();
        }
    }

    /// Adds to the line under construction, or begins one.
    #[inline]
    pub fn push(&mut self, part: impl AsRef<[u8]>) {
        if !self.open {
            self.open();
        }
        self.bytes.extend_from_slice(part.as_ref());
    }

    /// Adds formatted text to the line under construction: `write!(out, "{n} ")`.
    ///
    /// Unlike [`io::Write`], which is there for serializers, it has no error to look at.
    #[inline]
    pub fn write_fmt(&mut self, text: fmt::Arguments<'_>) {
        if !self.open {
            self.open();
        }
        // Writing to a vector cannot fail; a `Display` that does ends its text early.
        let _ = io::Write::write_fmt(&mut self.bytes, text);
    }

    /// Ends the line under construction; an empty line if there is none.
    #[inline]
    pub fn end(&mut self) {
        if !self.open {
            self.open();
        }
        let span = [offset(self.open_at), offset(self.bytes.len())];
        if let Some(spans) = &mut self.spans {
            spans.extend(span);
        } else if self.made > 0 || self.bytes.len() != self.line_end() {
            self.write_spans(self.begun - 1 + self.made as usize)
                .extend(span);
        }
        self.open = false;
        self.made += 1;
    }

    /// The line could not be handled, and why: the configuration's `on_error` decides what becomes
    /// of it. Whatever else is made of this line, before or after, is discarded.
    ///
    /// The host shows at most 1,024 bytes of the reason, and only the first reason counts.
    #[cold]
    pub fn fail(&mut self, reason: impl Into<Vec<u8>>) {
        if self.failed.is_none() {
            self.failed = Some(reason.into());
        }
    }

    /// Closes the connection once the output of this line has been written. Later lines are not
    /// judged any more. At the end of the stream it has no effect.
    #[cold]
    pub fn close(&mut self) {
        if self.close_after.is_none() {
            self.close_after = Some(offset(self.begun - 1));
        }
    }
}

/// For serializers, such as `serde_json::to_writer`; never fails.
impl io::Write for Output<'_> {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        self.push(part);
        Ok(part.len())
    }

    fn write_all(&mut self, part: &[u8]) -> io::Result<()> {
        self.push(part);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

// === the batch's side ===

impl<'a> Output<'a> {
    /// For the lines of one call.
    pub(crate) fn new(block: &'a [u8], block_spans: &'a [u32]) -> Self {
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
            close_after: None,
            made: 0,
            passed: false,
            open: false,
            open_at: 0,
            mark: 0,
            failed: None,
        }
    }

    /// For the end of a stream, as if for an empty line that has no spans to keep to.
    pub(crate) fn at_end() -> Self {
        Self {
            begun: 1,
            spans: Some(Vec::new()),
            ..Self::new(&[], &[])
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
        if !as_it_was || self.failed.is_some() {
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
            close_after: self.close_after,
        };
        ((!untouched).then_some(self.bytes), outcome)
    }

    /// Where the line being judged ends in `block`, and its gap begins.
    #[inline]
    fn line_end(&self) -> usize {
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
    fn take_ahead(&mut self) {
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
    fn open(&mut self) {
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

    /// Writes down the span of the line being judged, which is still to be taken.
    fn span_of_line(&mut self) {
        let start = self.bytes.len() + (self.start - self.taken);
        if let Some(spans) = &mut self.spans {
            spans.extend([offset(start), offset(start + self.line.len())]);
        }
    }

    /// From here on spans are written down. Up to `lines`, they are the input's.
    #[cold]
    fn write_spans(&mut self, lines: usize) -> &mut Vec<u32> {
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
        if let Some(reason) = self.failed.take() {
            self.failures.push(Failure {
                line: offset(self.begun - 1),
                reason,
            });
            self.discard();
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

/// How far [`Output::take_ahead`] goes.
const AHEAD: usize = 4096;

/// Bytes in a vector of the machine.
const LANES: usize = 16;

/// Fills `place` with the bytes of `line`, changed.
#[inline(always)]
fn map_into(place: &mut [u8], line: &[u8], change: impl Fn(u8) -> u8) {
    let whole = line.len() & !(LANES - 1);
    map_run(&mut place[..whole], &line[..whole], &change);
    if whole < line.len() {
        // The last vector overlaps the one before: one step instead of up to fifteen.
        let last = line.len().saturating_sub(LANES);
        map_run(&mut place[last..], &line[last..], &change);
    }
}

#[inline(always)]
fn map_run(place: &mut [u8], line: &[u8], change: impl Fn(u8) -> u8) {
    for (to, &from) in place.iter_mut().zip(line) {
        *to = change(from);
    }
}

/// An offset or a count as it crosses to the host.
#[inline]
fn offset(index: usize) -> u32 {
    // On wasm32 the two are equal. Elsewhere a block is as small as the tests make it.
    u32::try_from(index).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
