//! The framing `crlf`: only CR LF ends a line; a CR or an LF alone is content.

use super::Grammar;
use super::terminated::{LineEnd, Terminated};

pub(super) struct Crlf;

impl Grammar for Crlf {
    const TERMINATOR: &'static [u8] = b"\r\n";

    #[inline]
    fn ends_inside(bytes: &[u8]) -> bool {
        // Contents are short, so preparing a search for both bytes takes longer than this search.
        memchr::memchr_iter(b'\n', bytes).any(|at| bytes[..at].ends_with(b"\r"))
    }

    fn count(bytes: &[u8]) -> usize {
        memchr::memmem::find_iter(bytes, b"\r\n").count()
    }
}

impl Terminated for Crlf {
    const LAST_BYTE: u8 = b'\n';
    const TAKES_CR: bool = true;

    #[inline(always)]
    fn line_end(block: &[u8], start: usize, at: usize) -> Option<LineEnd> {
        let after_cr = at > start && block[at - 1] == b'\r';
        after_cr.then(|| LineEnd {
            content: at - 1,
            line: at + 1,
        })
    }

    /// Takes no lines, since an LF may be content: the caller checks each LF.
    #[inline(always)]
    fn take_all(_: &[u8], _: &[u32], _: usize, _: usize, _: &mut Vec<u32>) -> Option<usize> {
        None
    }
}
