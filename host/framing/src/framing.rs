//! Framings: how the bytes of a stream are divided into lines.
//!
//! In: bytes and a [`Framing`]. Out: where lines end, their terminators, and whether the framing can
//! carry a content at all. Each framing's grammar has a file of its own. To add a framing, write its
//! file, then add it to [`Framing`], to [`Framing::NAMES`], to `by_grammar`, and to `next_end` and
//! `fitting_lines` of [`Framing`].
//! Not here: a stream's position (`framer`), limits and what happens beyond them (`settings`).

mod crlf;
mod lf;
mod nul;
pub(crate) mod octet;
pub(crate) mod terminated;

use terminated::LineEnd;

/// How lines are framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// LF ends a line; a CR right before it belongs to the terminator.
    Lf,
    /// Only CR LF ends a line.
    Crlf,
    /// NUL ends a line.
    Nul,
    /// A decimal length and a space precede each line (RFC 6587, 3.4.1).
    Octet,
}

/// The grammar of a framing, without state.
trait Grammar {
    /// The terminator that the host writes; empty if the framing has none.
    const TERMINATOR: &'static [u8];

    /// Whether `bytes` contains a terminator.
    fn ends_inside(bytes: &[u8]) -> bool;

    /// How many terminators `bytes` contains.
    fn count(bytes: &[u8]) -> usize;

    /// Whether `content` can be the content of a line.
    fn can_hold(content: &[u8]) -> bool {
        !Self::ends_inside(content)
    }

    /// `content` without the terminator at its end, if it has one.
    fn without_terminator(content: &[u8]) -> &[u8] {
        content.strip_suffix(Self::TERMINATOR).unwrap_or(content)
    }

    /// The terminator to write after `content`.
    fn terminator_after(_content: &[u8]) -> &'static [u8] {
        Self::TERMINATOR
    }

    /// The most bytes that a line in a block of `_bytes` bytes needs in addition to its content.
    fn overhead(_bytes: usize) -> usize {
        Self::TERMINATOR.len()
    }

    /// The number of whole lines that `bytes` begins with, and their length in bytes.
    fn whole_lines(bytes: &[u8]) -> (u64, usize) {
        let last = memchr::memmem::rfind(bytes, Self::TERMINATOR);
        let whole = last.map_or(0, |at| at + Self::TERMINATOR.len());
        (Self::count(bytes) as u64, whole)
    }
}

/// Evaluates an expression with `$G` standing for the grammar of a framing.
macro_rules! by_grammar {
    ($framing:expr, $G:ident => $value:expr) => {
        match $framing {
            Framing::Lf => {
                type $G = lf::Lf;
                $value
            }
            Framing::Crlf => {
                type $G = crlf::Crlf;
                $value
            }
            Framing::Nul => {
                type $G = nul::Nul;
                $value
            }
            Framing::Octet => {
                type $G = octet::Octet;
                $value
            }
        }
    };
}

impl Framing {
    /// Every framing with its name in a configuration.
    pub const NAMES: &'static [(&'static str, Self)] = &[
        ("lf", Self::Lf),
        ("crlf", Self::Crlf),
        ("nul", Self::Nul),
        ("octet", Self::Octet),
    ];

    /// The terminator for lines that came without one, such as pieces of an oversized line. Empty for
    /// [`Framing::Octet`].
    #[inline]
    pub fn terminator(self) -> &'static [u8] {
        by_grammar!(self, G => G::TERMINATOR)
    }

    /// Whether `bytes` contains a terminator. Never for [`Framing::Octet`].
    #[inline]
    pub fn ends_inside(self, bytes: &[u8]) -> bool {
        by_grammar!(self, G => G::ends_inside(bytes))
    }

    /// How many terminators `bytes` contains; 0 for [`Framing::Octet`].
    pub fn count_in(self, bytes: &[u8]) -> usize {
        by_grammar!(self, G => G::count(bytes))
    }

    /// The number of complete lines that `bytes`, in the form sent on the wire, begins with, and their
    /// length in bytes.
    pub fn whole_lines(self, bytes: &[u8]) -> (u64, usize) {
        by_grammar!(self, G => G::whole_lines(bytes))
    }

    /// Whether `content` can be the content of a line in this framing.
    pub(crate) fn can_hold(self, content: &[u8]) -> bool {
        by_grammar!(self, G => G::can_hold(content))
    }

    /// `content` without the terminator at its end, if it has one.
    pub(crate) fn without_terminator(self, content: &[u8]) -> &[u8] {
        by_grammar!(self, G => G::without_terminator(content))
    }

    /// The terminator to write after `content`.
    pub(crate) fn terminator_after(self, content: &[u8]) -> &'static [u8] {
        by_grammar!(self, G => G::terminator_after(content))
    }

    /// The most bytes that a line in a block of `bytes` bytes needs in addition to its content. A CR
    /// that [`Self::terminator_after`] adds is rare and not included.
    pub(crate) fn overhead(self, bytes: usize) -> usize {
        by_grammar!(self, G => G::overhead(bytes))
    }

    /// Whether a CR at the end of the bytes read so far may begin a terminator.
    #[inline]
    pub(crate) fn waits_after_cr(self) -> bool {
        matches!(self, Self::Lf | Self::Crlf)
    }

    /// The end of the line that begins at `start` of `block`. There is no terminator before `searched`.
    /// `None` if no terminator has arrived, and always for [`Framing::Octet`].
    pub(crate) fn next_end(self, block: &[u8], start: usize, searched: usize) -> Option<LineEnd> {
        match self {
            Self::Lf => terminated::next_end::<lf::Lf>(block, start, searched),
            Self::Crlf => terminated::next_end::<crlf::Crlf>(block, start, searched),
            Self::Nul => terminated::next_end::<nul::Nul>(block, start, searched),
            Self::Octet => None,
        }
    }

    /// Adds the spans of the complete lines of `block`, up to the first one longer than `max_line`.
    /// There is no terminator before `searched`. Returns where the rest of the block begins.
    pub(crate) fn fitting_lines(
        self,
        max_line: usize,
        block: &[u8],
        searched: usize,
        spans: &mut Vec<u32>,
    ) -> usize {
        match self {
            Self::Lf => terminated::fitting_lines::<lf::Lf>(max_line, block, searched, spans),
            Self::Crlf => terminated::fitting_lines::<crlf::Crlf>(max_line, block, searched, spans),
            Self::Nul => terminated::fitting_lines::<nul::Nul>(max_line, block, searched, spans),
            Self::Octet => 0,
        }
    }
}
