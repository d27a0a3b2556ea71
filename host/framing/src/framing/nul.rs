//! The framing `nul`: NUL ends a line, as in the output of `find -print0` and the input of `xargs -0`.

use super::Grammar;
use super::terminated::{LineEnd, Terminated};

pub(super) struct Nul;

impl Grammar for Nul {
    const TERMINATOR: &'static [u8] = b"\0";

    #[inline]
    fn ends_inside(bytes: &[u8]) -> bool {
        memchr::memchr(0, bytes).is_some()
    }

    fn count(bytes: &[u8]) -> usize {
        memchr::memchr_iter(0, bytes).count()
    }
}

impl Terminated for Nul {
    const LAST_BYTE: u8 = 0;
    const TAKES_CR: bool = false;

    #[inline(always)]
    fn line_end(_: &[u8], _: usize, at: usize) -> Option<LineEnd> {
        Some(LineEnd {
            content: at,
            line: at + 1,
        })
    }
}
