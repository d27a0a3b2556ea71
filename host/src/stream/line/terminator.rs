//! Where a line ends, in the framings that have terminators.
//!
//! In: a block and where its line begins. Out: [`End`], or `None` while no terminator has come.
//! Not here: what becomes of the line, and searching all ends of a block at once (`scan`).

use crate::config::settings::Framing;

/// Where the next line of a block ends.
pub(super) struct End {
    pub(super) content: usize,
    pub(super) line: usize,
}

/// The last byte of a framing's terminator.
pub(super) fn last_byte(framing: Framing) -> u8 {
    match framing {
        Framing::Nul => 0,
        Framing::Lf | Framing::Crlf | Framing::Octet => b'\n',
    }
}

/// Whether a CR may begin the terminator.
pub(super) fn waits_after_cr(framing: Framing) -> bool {
    matches!(framing, Framing::Lf | Framing::Crlf)
}

/// Judges the terminator's last byte, found at `at`, for the line that begins at `start`.
#[inline(always)]
pub(super) fn line_end(framing: Framing, block: &[u8], start: usize, at: usize) -> Option<End> {
    let after_cr = at > start && block[at - 1] == b'\r';
    match framing {
        Framing::Crlf if !after_cr => None,
        Framing::Lf | Framing::Crlf if after_cr => Some(End {
            content: at - 1,
            line: at + 1,
        }),
        _ => Some(End {
            content: at,
            line: at + 1,
        }),
    }
}

/// The end of the line that begins at `start`; bytes before `searched` hold none.
pub(super) fn next_end(
    framing: Framing,
    block: &[u8],
    start: usize,
    searched: usize,
) -> Option<End> {
    let from = searched.max(start).min(block.len());
    memchr::memchr_iter(last_byte(framing), &block[from..])
        .find_map(|found| line_end(framing, block, start, from + found))
}
