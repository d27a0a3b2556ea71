//! The common part of framings whose lines end with a terminator: finding many line ends at once.
//!
//! In: a block, and how far it has been searched. Out: the spans of its lines up to the first
//! oversized one, or a single [`LineEnd`].
//! Not here: oversized lines and the rest of a block (`framer`).
//!
//! The terminators of a stretch of the block are found first (`scan`) and then taken together, on the
//! assumption that every line fits. They are checked one by one only if a line does not fit. Checking
//! each line when it was found took two nanoseconds per line; this takes less than one.

use super::Grammar;
use crate::scan;

/// The end of a line in a block.
pub(crate) struct LineEnd {
    /// Index after the content, where the terminator begins.
    pub(crate) content: usize,
    /// Index after the terminator, where the next line begins.
    pub(crate) line: usize,
}

/// A framing whose lines end with a terminator.
pub(super) trait Terminated: Grammar {
    /// The last byte of the terminator, which is searched for.
    const LAST_BYTE: u8;

    /// The end of the line that begins at `start` if the [`Self::LAST_BYTE`] at index `at` ends it;
    /// `None` if that byte is content.
    fn line_end(block: &[u8], start: usize, at: usize) -> Option<LineEnd>;

    /// Whether a CR right before the terminator belongs to it. Only for [`Self::take_all`].
    const TAKES_CR: bool;

    /// Takes one line for each of `places`, the indices of [`Self::LAST_BYTE`]. The first line begins
    /// at `start`. Returns where the next line begins. If a line is longer than `max_line`, or this
    /// framing cannot take lines together, returns `None` and takes no line.
    #[inline(always)]
    fn take_all(
        block: &[u8],
        places: &[u32],
        max_line: usize,
        mut start: usize,
        spans: &mut Vec<u32>,
    ) -> Option<usize> {
        let before = spans.len();
        spans.resize(before + 2 * places.len(), 0);
        let mut longest = 0;
        for (span, place) in spans[before..].as_chunks_mut().0.iter_mut().zip(places) {
            let at = *place as usize;
            // Written without a branch. The byte before `start` ends a terminator, so it is never a CR.
            let cr = Self::TAKES_CR && block[at.saturating_sub(1)] == b'\r' && at > start;
            let end = at - usize::from(cr);
            longest = longest.max(end - start);
            *span = [start as u32, end as u32];
            start = at + 1;
        }
        if longest > max_line {
            spans.truncate(before);
            return None;
        }
        Some(start)
    }
}

/// See [`Framing::fitting_lines`](super::Framing::fitting_lines). Not inlined: within a larger function,
/// its loop takes an instruction more per line.
#[inline(never)]
pub(super) fn fitting_lines<G: Terminated>(
    max_line: usize,
    block: &[u8],
    searched: usize,
    spans: &mut Vec<u32>,
) -> usize {
    let mut start = 0;
    scan::each_stretch(G::LAST_BYTE, block, searched, |places| {
        if let Some(next) = G::take_all(block, places, max_line, start, spans) {
            start = next;
            return true;
        }
        for place in places {
            let Some(end) = G::line_end(block, start, *place as usize) else {
                continue;
            };
            if end.content - start > max_line {
                return false;
            }
            spans.extend([start as u32, end.content as u32]);
            start = end.line;
        }
        true
    });
    start
}

/// See [`Framing::next_end`](super::Framing::next_end).
pub(super) fn next_end<G: Terminated>(
    block: &[u8],
    start: usize,
    searched: usize,
) -> Option<LineEnd> {
    let from = searched.max(start).min(block.len());
    memchr::memchr_iter(G::LAST_BYTE, &block[from..])
        .find_map(|found| G::line_end(block, start, from + found))
}
