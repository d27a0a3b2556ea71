//! What the framings that end their lines with a terminator have in common: finding many line ends
//! in a block at once.
//!
//! In: a block, and how far it has been searched. Out: the spans of its lines up to the first
//! oversized one, or a single [`LineEnd`]. Not here: what happens to oversized lines and to the
//! rest (`framer`).
//!
//! The terminators of a stretch are found first (`scan`) and all taken together, on the assumption
//! that every line fits; only where one does not are they looked at one by one. Checking each line
//! as it was found took two nanoseconds per line; this takes less than one.

use super::Grammar;
use crate::scan;

/// Where a line of a block ends.
pub(crate) struct LineEnd {
    /// Index behind the content: the terminator begins here.
    pub(crate) content: usize,
    /// Index behind the terminator: the next line begins here.
    pub(crate) line: usize,
}

/// A framing whose lines end with a terminator.
pub(super) trait Terminated: Grammar {
    /// The last byte of the terminator, which a search looks for.
    const LAST_BYTE: u8;

    /// The end of the line that begins at `start`, given that [`Self::LAST_BYTE`] is at `at`;
    /// `None` when that byte does not end a line.
    fn line_end(block: &[u8], start: usize, at: usize) -> Option<LineEnd>;

    /// Takes a line for each of `places`, where [`Self::LAST_BYTE`] is, the first line beginning at
    /// `start`. Returns where the next line begins, or `None`, having taken none, when a line is
    /// longer than `max_line` or this framing cannot take them together.
    fn take_all(
        block: &[u8],
        places: &[u32],
        max_line: usize,
        start: usize,
        spans: &mut Vec<u32>,
    ) -> Option<usize>;
}

/// See [`Framing::fitting_lines`](super::Framing::fitting_lines).
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

/// [`Terminated::take_all`] where every place ends a line, after a CR or not.
#[inline(always)]
pub(super) fn take_all(
    cr_may_precede: bool,
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
        // Without a branch: the byte before `start` is a terminator's, never CR.
        let cr = cr_may_precede && block[at.saturating_sub(1)] == b'\r' && at > start;
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
