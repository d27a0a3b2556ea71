//! The framing `lf`: LF ends a line, and a CR right before it belongs to the terminator.
//!
//! A content that ends in CR is therefore written with CR LF. With LF alone, the receiver would take
//! its CR as part of the terminator.

use super::Grammar;
use super::terminated::{LineEnd, Terminated};

pub(super) struct Lf;

impl Grammar for Lf {
    const TERMINATOR: &'static [u8] = b"\n";

    #[inline]
    fn ends_inside(bytes: &[u8]) -> bool {
        memchr::memchr(b'\n', bytes).is_some()
    }

    fn count(bytes: &[u8]) -> usize {
        memchr::memchr_iter(b'\n', bytes).count()
    }

    fn without_terminator(content: &[u8]) -> &[u8] {
        let bare = content
            .strip_suffix(b"\r\n")
            .or_else(|| content.strip_suffix(b"\n"));
        bare.unwrap_or(content)
    }

    fn terminator_after(content: &[u8]) -> &'static [u8] {
        if content.ends_with(b"\r") {
            b"\r\n"
        } else {
            b"\n"
        }
    }
}

impl Terminated for Lf {
    const LAST_BYTE: u8 = b'\n';
    const TAKES_CR: bool = true;

    #[inline(always)]
    fn line_end(block: &[u8], start: usize, at: usize) -> Option<LineEnd> {
        let after_cr = at > start && block[at - 1] == b'\r';
        Some(LineEnd {
            content: at - usize::from(after_cr),
            line: at + 1,
        })
    }
}
