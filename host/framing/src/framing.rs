//! Framings: how the bytes of a stream are divided into lines.
//!
//! In: bytes and a [`Framing`]. Out: where lines end, their terminators, and whether the framing can
//! carry a content at all. Each framing's grammar has a file of its own. To add a framing, write its
//! file, then add it to [`Framing`], to [`Framing::NAMES`], to `by_grammar`, and to `waits_after_cr`,
//! `next_end` and `fitting_lines` of [`Framing`].
//! Not here: a stream's position (`framer`), limits and what happens beyond them (`settings`).

pub(crate) mod auto;
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
    /// Each line is framed in its own way: by its length, or with LF, CR LF or NUL at its end.
    Auto,
}

/// The grammar of a framing, without state.
trait Grammar {
    /// The terminator that the host writes; empty if the framing has none.
    const TERMINATOR: &'static [u8];

    /// Whether `bytes` contains a terminator.
    fn ends_inside(bytes: &[u8]) -> bool;

    /// How many terminators `bytes` contains.
    fn count(bytes: &[u8]) -> usize;

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

    /// Whether `bytes`, which consists of lines in the form sent on the wire, needs no terminator at
    /// its end before another line.
    fn is_terminated(bytes: &[u8]) -> bool {
        bytes.is_empty() || bytes.ends_with(Self::TERMINATOR)
    }

    /// The length of the first line of `bytes`; `None` if it is not whole.
    fn first_line(bytes: &[u8]) -> Option<usize> {
        memchr::memmem::find(bytes, Self::TERMINATOR).map(|at| at + Self::TERMINATOR.len())
    }
}

/// [`Grammar::whole_lines`] for a grammar whose lines may begin with their length: only one line after
/// the other shows where the next one begins.
fn lines_one_by_one<G: Grammar>(bytes: &[u8]) -> (u64, usize) {
    let (mut whole, mut lines) = (0, 0);
    while let Some(length) = G::first_line(&bytes[whole..]) {
        whole += length;
        lines += 1;
    }
    (lines, whole)
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
            Framing::Auto => {
                type $G = auto::Auto;
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
        ("auto", Self::Auto),
    ];

    /// The terminator for lines that came without one, such as pieces of an oversized line. Empty for
    /// [`Framing::Octet`], LF for [`Framing::Auto`].
    #[inline]
    pub fn terminator(self) -> &'static [u8] {
        by_grammar!(self, G => G::TERMINATOR)
    }

    /// Whether `bytes` contains a terminator, so that it cannot be the content of a line. Never for
    /// [`Framing::Octet`] and [`Framing::Auto`], which can count the bytes of a content.
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

    /// Whether `bytes`, which consists of lines in the form sent on the wire, needs no terminator at its
    /// end before another line.
    pub fn is_terminated(self, bytes: &[u8]) -> bool {
        by_grammar!(self, G => G::is_terminated(bytes))
    }

    /// Whether lines may come as frames, each behind its length.
    #[inline]
    pub(crate) fn has_frames(self) -> bool {
        matches!(self, Self::Octet | Self::Auto)
    }

    /// If a line whose terminator in [`Lines`](crate::Lines) is `terminator` came as a frame, the
    /// terminator that its length counted, or an empty one.
    #[inline]
    pub(crate) fn counted(self, terminator: &[u8]) -> Option<&[u8]> {
        match self {
            Self::Octet => Some(terminator),
            Self::Auto => auto::counted(terminator),
            Self::Lf | Self::Crlf | Self::Nul => None,
        }
    }

    /// The length in bytes of the first line of `bytes`, in the form sent on the wire; `None` if it is
    /// not whole.
    pub fn first_line(self, bytes: &[u8]) -> Option<usize> {
        by_grammar!(self, G => G::first_line(bytes))
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
        matches!(self, Self::Lf | Self::Crlf | Self::Auto)
    }

    /// The end of the line that begins at `start` of `block`. There is no terminator before `searched`.
    /// `None` if no terminator has arrived, and always for [`Framing::Octet`].
    pub(crate) fn next_end(self, block: &[u8], start: usize, searched: usize) -> Option<LineEnd> {
        match self {
            Self::Lf => terminated::next_end::<lf::Lf>(block, start, searched),
            Self::Crlf => terminated::next_end::<crlf::Crlf>(block, start, searched),
            Self::Nul => terminated::next_end::<nul::Nul>(block, start, searched),
            Self::Octet => None,
            Self::Auto => auto::next_end(block, start, searched),
        }
    }

    /// Adds the spans of the complete lines of `block`, up to the first one longer than `max_line`.
    /// There is no terminator before `searched`. Returns where the rest of the block begins. Takes no
    /// lines in a framing that has frames.
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
            Self::Octet | Self::Auto => 0,
        }
    }
}
