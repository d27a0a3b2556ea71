//! Screens a whole block of lines, so that most of them need not be judged one by one.
//!
//! In: the block of a call, and what a filter's screen marks in it. Out: a mark for each line. Not here:
//! what happens to marked lines (`batch`, `output`).

#[cfg(test)]
mod tests;

use std::ops::Range;

use crate::Filter;
use crate::batch::Lines;

/// The lines of one call, as [`Filter::screen`] sees them: one block of bytes, with terminators between the
/// lines.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    bytes: &'a [u8],
    /// Start and end of each line. Sorted, and within `bytes`.
    spans: &'a [[u32; 2]],
}

/// Receives the lines that [`Filter::screen`] finds.
///
/// A position is an offset in [`Block::bytes`]. It belongs to the last line that starts at or before it, so
/// a terminator belongs to the line that it ends. What precedes the first line belongs to no line, and marks
/// nothing. Positions may come in any order; ascending ones are found fastest.
///
/// Each mark returns where the next line starts. A search should go on there: what was found may reach into
/// the next line and hide something that begins in it.
///
/// If a line is marked in several ways, `drop` wins over `judge`, and `judge` wins over `pass`.
#[derive(Debug)]
pub struct Hits<'a> {
    block: Block<'a>,
    marks: Vec<Mark>,
    /// The line that was found last.
    line: usize,
}

/// What happens to the lines that [`Filter::screen`] did not mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// [`Filter::line`] judges them. Without marks, it is as if the block had not been screened.
    Judge,
    /// They pass unchanged.
    Pass,
    /// They are dropped.
    Drop,
}

/// What happens to a line. A greater mark wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mark {
    /// The screen says nothing about it.
    None,
    Pass,
    /// `Filter::line` judges it.
    Judge,
    Drop,
}

/// Screens the lines of one call: a mark for each line. `None` if all are to be judged one by one.
#[inline]
pub(crate) fn marks<F: Filter>(filter: &mut F, input: &Lines) -> Option<Vec<Mark>> {
    if filter.keeps_state() && !F::SCREENS_STATE {
        return None;
    }
    let block = Block::new(&input.bytes, &input.spans);
    let mut hits = Hits {
        block,
        marks: Vec::new(),
        line: 0,
    };
    let others = match filter.screen(&block, &mut hits) {
        Others::Judge if hits.marks.is_empty() => return None,
        Others::Judge => Mark::Judge,
        Others::Pass => Mark::Pass,
        Others::Drop => Mark::Drop,
    };
    // Also makes the marks if there are none.
    hits.marks.resize(block.spans.len(), Mark::None);
    for mark in &mut hits.marks {
        if *mark == Mark::None {
            *mark = others;
        }
    }
    Some(hits.marks)
}

// === impl Block ===

impl<'a> Block<'a> {
    fn new(bytes: &'a [u8], spans: &'a [u32]) -> Self {
        // Without an early exit, so that the loop is vectorised.
        let sorted = spans
            .windows(2)
            .fold(true, |sorted, pair| sorted & (pair[0] <= pair[1]));
        let within = spans.last().is_none_or(|&end| end as usize <= bytes.len());
        let (lines, odd) = spans.as_chunks();
        assert!(
            sorted && within && odd.is_empty(),
            "the spans of a block must be pairs of ascending offsets in it"
        );
        Self {
            bytes,
            spans: lines,
        }
    }

    /// The lines, with their framing before, between and after them: usually LF or CR LF. With other
    /// framings, this may be anything, and a line may contain LF.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// How many lines there are.
    pub fn lines(&self) -> usize {
        self.spans.len()
    }

    /// Whether lines are what is between LFs: each line ends with LF or CR LF, or at the end of the block,
    /// and none contains an LF.
    ///
    /// This looks at all bytes, but with vector instructions.
    pub fn ends_with_lf(&self) -> bool {
        let mut start = 0;
        let mut terminated = true;
        for (index, span) in self.spans.iter().enumerate() {
            let [from, end] = span.map(|at| at as usize);
            let next = match &self.bytes[end..] {
                [b'\n', ..] => end + 1,
                [b'\r', b'\n', ..] => end + 2,
                [] if index + 1 == self.spans.len() => {
                    terminated = false;
                    end
                }
                _ => return false,
            };
            if from != start {
                return false;
            }
            start = next;
        }
        let feeds = self.spans.len() - usize::from(!terminated);
        start == self.bytes.len() && count(self.bytes, b'\n') == feeds
    }
}

/// How often `byte` occurs. The counters of a chunk fit into bytes, so the loop is vectorised.
fn count(bytes: &[u8], byte: u8) -> usize {
    let in_chunk = |chunk: &[u8]| chunk.iter().map(|&b| u8::from(b == byte)).sum::<u8>();
    let chunks = bytes.chunks(128);
    chunks.map(|chunk| usize::from(in_chunk(chunk))).sum()
}

// === impl Hits ===

impl Hits<'_> {
    /// Marks the line at a position: [`Filter::line`] judges it. Returns where the next line starts, or the
    /// length of the block if there is none, so that the search can go on there.
    #[inline]
    pub fn judge(&mut self, at: usize) -> usize {
        match self.line_at(at) {
            Some(line) => self.mark(line, Mark::Judge),
            None => self.start(0),
        }
    }

    /// Marks a line that was found to pass, by what is at `range`. [`Filter::line`] is not called for it.
    /// Returns where the next line starts, as [`judge`](Self::judge) does.
    ///
    /// If `range` is not within one line, such as a text that includes a terminator, [`Filter::line`] judges
    /// the lines that it touches.
    #[inline]
    pub fn pass(&mut self, range: Range<usize>) -> usize {
        self.decide(range, Mark::Pass)
    }

    /// Marks a line that was found to be dropped, by what is at `range`. Otherwise the same as
    /// [`pass`](Self::pass).
    #[inline]
    pub fn drop(&mut self, range: Range<usize>) -> usize {
        self.decide(range, Mark::Drop)
    }

    fn decide(&mut self, range: Range<usize>, mark: Mark) -> usize {
        let first = self.line_at(range.start);
        if let Some(line) = first
            && range.end <= self.block.spans[line][1] as usize
        {
            return self.mark(line, mark);
        }
        if first.is_none() && range.end <= self.start(0) {
            return self.start(0);
        }
        // It is not within one line, or begins before the first.
        self.line = first.unwrap_or(0);
        let mut next = self.mark(self.line, Mark::Judge);
        while next < range.end && self.line + 1 < self.block.spans.len() {
            self.line += 1;
            next = self.mark(self.line, Mark::Judge);
        }
        next
    }

    /// Marks a line, and returns where the next one starts.
    fn mark(&mut self, line: usize, mark: Mark) -> usize {
        if self.marks.is_empty() {
            self.marks = vec![Mark::None; self.block.spans.len()];
        }
        self.marks[line] = self.marks[line].max(mark);
        self.start(line + 1)
    }

    /// Where a line starts.
    fn start(&self, line: usize) -> usize {
        let spans = self.block.spans.get(line);
        spans.map_or(self.block.bytes.len(), |span| span[0] as usize)
    }

    /// The last line that starts at or before `at`.
    fn line_at(&mut self, at: usize) -> Option<usize> {
        let spans = self.block.spans;
        let starts_by = |line: usize| spans.get(line).is_some_and(|span| span[0] as usize <= at);
        let (from, to) = if starts_by(self.line) {
            // Usually it is near: steps are doubled until one is too far.
            let (mut from, mut step) = (self.line, 1);
            while starts_by(from + step) {
                from += step;
                step *= 2;
            }
            (from, spans.len().min(from + step))
        } else {
            (0, self.line.min(spans.len()))
        };
        let after = from + spans[from..to].partition_point(|span| span[0] as usize <= at);
        self.line = after.checked_sub(1)?;
        Some(self.line)
    }
}
