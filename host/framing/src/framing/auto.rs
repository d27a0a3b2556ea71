//! The framing `auto`, for syslog over TCP: each line comes as a frame of [`octet`](super::octet), or
//! ends with LF, CR LF or NUL (RFC 6587, 3.4).
//!
//! A line that begins with a length and a space is a frame: a decimal number from 1 to [`LONGEST`],
//! without leading zeros. Any other line ends at its first LF or NUL; a CR right before an LF belongs
//! to the terminator. An empty one is ignored, so LF, CR LF and NUL may stand between frames.
//!
//! [`Lines`](crate::Lines) hold how each line came in its terminator. That of a frame is [`FRAMED`],
//! followed by the LF or CR LF that the length counts, if any.
//!
//! In: bytes at the start of a line, or terminators. Out: what they are.
//! Not here: the position in a stream (`framer::auto`), writing frames (`encode`).

use super::lf::Lf;
use super::nul::Nul;
use super::octet::Octet;
use super::terminated::{LineEnd, Terminated as _};
use super::{Grammar, lines_one_by_one};

/// The terminator of a line that came as a frame begins with this byte: the space after the length.
const FRAMED: u8 = b' ';

/// The longest frame. A larger number at the start of a line is content: that may be a date or a time.
pub(crate) const LONGEST: u64 = 16 << 20;

pub(super) struct Auto;

/// How a line begins.
pub(crate) enum Start {
    /// With a length that is followed by a space; `header` bytes together.
    Frame { length: u64, header: usize },
    /// With anything else.
    Line,
    /// With digits that may become a length.
    Undecided,
}

/// How the line begins that `bytes` begins with.
#[inline]
pub(crate) fn start(bytes: &[u8]) -> Start {
    let mut length = 0;
    for (index, byte) in bytes.iter().enumerate() {
        match byte {
            b'0'..=b'9' if index > 0 || *byte != b'0' => {
                length = length * 10 + u64::from(byte - b'0');
                if length > LONGEST {
                    return Start::Line;
                }
            }
            b' ' if index > 0 => {
                let header = index + 1;
                return Start::Frame { length, header };
            }
            _ => return Start::Line,
        }
    }
    Start::Undecided
}

/// Whether a line with a terminator can hold `content`, which a receiver would take for a line then.
pub(crate) fn fits_a_line(content: &[u8]) -> bool {
    !matches!(start(content), Start::Frame { .. }) && memchr::memchr2(b'\n', 0, content).is_none()
}

/// The terminator, in [`Lines`](crate::Lines), of a line from a frame whose length counts `end`.
pub(crate) fn framed(end: &[u8]) -> &'static [u8] {
    match end {
        b"" => b" ",
        b"\n" => b" \n",
        _ => b" \r\n",
    }
}

/// The terminator that the length of a line's frame counted, given its terminator in
/// [`Lines`](crate::Lines). `None` if the line did not come as a frame.
pub(crate) fn counted(terminator: &[u8]) -> Option<&[u8]> {
    terminator.strip_prefix(&[FRAMED])
}

/// See [`Framing::next_end`](super::Framing::next_end).
pub(super) fn next_end(block: &[u8], start: usize, searched: usize) -> Option<LineEnd> {
    let from = searched.max(start).min(block.len());
    let at = from + memchr::memchr2(b'\n', 0, &block[from..])?;
    if block[at] == 0 {
        Nul::line_end(block, start, at)
    } else {
        Lf::line_end(block, start, at)
    }
}

impl Grammar for Auto {
    const TERMINATOR: &'static [u8] = b"\n";

    /// Never: a frame can hold any content.
    fn ends_inside(_: &[u8]) -> bool {
        false
    }

    /// How many lines without a length `bytes` may contain.
    fn count(bytes: &[u8]) -> usize {
        memchr::memchr2_iter(b'\n', 0, bytes).count()
    }

    fn terminator_after(content: &[u8]) -> &'static [u8] {
        Lf::terminator_after(content)
    }

    /// That of a frame whose length counts CR LF.
    fn overhead(bytes: usize) -> usize {
        Octet::overhead(bytes) + 2
    }

    fn whole_lines(bytes: &[u8]) -> (u64, usize) {
        lines_one_by_one::<Self>(bytes)
    }

    fn first_line(bytes: &[u8]) -> Option<usize> {
        let whole = match start(bytes) {
            Start::Frame { length, header } => header + length as usize,
            Start::Line => next_end(bytes, 0, 0)?.line,
            Start::Undecided => return None,
        };
        (whole <= bytes.len()).then_some(whole)
    }

    fn is_terminated(bytes: &[u8]) -> bool {
        Self::whole_lines(bytes).1 == bytes.len()
    }
}
