//! The way of nearly all blocks: many complete lines, none of them oversized.
//!
//! In: a block, and how far it has been searched. Out: the spans of its lines up to the first
//! oversized one. Not here: what becomes of that one, and of the rest.
//!
//! The ends of a stretch are found first (`scan`) and all taken together, on the assumption that
//! every line fits; only where one does not are they gone through one by one. Asking each line as
//! it was found took two nanoseconds a line, this takes less than one.

use super::terminator::{last_byte, line_end};
use crate::config::settings::{Framing, LineSettings};
use crate::scan;

/// Adds the spans of the complete lines up to the first oversized one; bytes before `searched` hold
/// no terminator. Returns where the rest begins.
pub(super) fn frame(
    settings: LineSettings,
    block: &[u8],
    searched: usize,
    spans: &mut Vec<u32>,
) -> usize {
    let LineSettings {
        framing, max_line, ..
    } = settings;
    let mut start = 0;
    scan::each_stretch(last_byte(framing), block, searched, |places| {
        let taken = match framing {
            Framing::Lf => take_all(true, block, places, max_line, start, spans),
            Framing::Nul => take_all(false, block, places, max_line, start, spans),
            // Not every place is an end, or none is.
            Framing::Crlf | Framing::Octet => None,
        };
        if let Some(next) = taken {
            start = next;
            return true;
        }
        for place in places {
            let Some(end) = line_end(framing, block, start, *place as usize) else {
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

/// Takes a line for each place, the first of them beginning at `start`, and says where the next
/// begins. Takes none when one does not fit.
#[inline(always)]
fn take_all(
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
        // No branch: what ends the line before is no CR.
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
