//! The framing `octet` (RFC 6587, 3.4.1): a decimal length from 1, a space, and that many bytes.
//!
//! Many senders end the counted bytes with LF or CR LF. That is the line's terminator, not content. A
//! line from a frame without it has an empty terminator.
//!
//! In: bytes of a frame. Out: [`Frame`], the stream's position within a frame. Lengths are read digit
//! by digit, so reads may split them anywhere.
//! Not here: lines (`framer::octet`), writing lengths (`encode`).

use super::{Grammar, lines_one_by_one};

pub(super) struct Octet;

impl Grammar for Octet {
    const TERMINATOR: &'static [u8] = b"";

    fn ends_inside(_: &[u8]) -> bool {
        false
    }

    fn count(_: &[u8]) -> usize {
        0
    }

    /// The digits of the longest length, and the space.
    fn overhead(bytes: usize) -> usize {
        bytes.checked_ilog10().unwrap_or(0) as usize + 2
    }

    fn whole_lines(bytes: &[u8]) -> (u64, usize) {
        lines_one_by_one::<Self>(bytes)
    }

    fn first_line(bytes: &[u8]) -> Option<usize> {
        let space = memchr::memchr(b' ', bytes)?;
        let digits = std::str::from_utf8(&bytes[..space]).ok()?;
        let end = digits.parse::<usize>().ok()?.checked_add(space + 1)?;
        (end <= bytes.len()).then_some(end)
    }
}

/// The stream's position within a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Frame {
    /// In the length. The value of its digits so far; 0 before the first. The partial line is empty.
    Length(u64),
    /// In the content.
    Content(Content),
}

/// A content that has not arrived in full.
///
/// An LF at the end of a frame, with a CR right before it, is the line's terminator and not content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Content {
    /// Bytes of the frame that become lines, including those in the partial line. Unless `exact`, a
    /// terminator may be among the last two.
    pub(crate) keep: u64,
    /// Bytes after these that have not arrived and will not become content.
    pub(crate) skip: u64,
    /// Whether the bytes of `keep` are content, all of them.
    pub(crate) exact: bool,
    /// Whether the content has been counted as oversized.
    pub(crate) oversized: bool,
    /// Whether the last byte that was skipped is a CR.
    pub(crate) after_cr: bool,
    /// Whether the stream has ended within the frame, so that it has no terminator.
    pub(crate) open: bool,
}

impl Content {
    /// The content of a frame of `length` bytes, of which none has arrived.
    pub(crate) fn new(length: u64) -> Self {
        Self {
            keep: length,
            skip: 0,
            exact: false,
            oversized: false,
            after_cr: false,
            open: false,
        }
    }

    /// `length` bytes of content, with which the stream ends within a frame.
    pub(crate) fn rest(length: u64, oversized: bool) -> Self {
        Self {
            exact: true,
            oversized,
            open: true,
            ..Self::new(length)
        }
    }

    /// How many bytes of `keep` are certainly content.
    pub(crate) fn certain(&self) -> u64 {
        if self.exact {
            self.keep
        } else {
            self.keep.saturating_sub(2)
        }
    }

    /// Whether nothing of the frame becomes a line.
    pub(crate) fn is_dropped(&self) -> bool {
        self.oversized && self.keep == 0
    }

    /// Notes that the frame ends with `bytes`, the last bytes of `keep`.
    pub(crate) fn ends_with(&mut self, bytes: &[u8]) {
        self.skip = counted_end(bytes, false).len() as u64;
        self.keep -= self.skip;
        self.exact = true;
    }

    /// Limits `keep` to `kept` bytes.
    pub(crate) fn cut(&mut self, kept: u64) {
        self.skip += self.keep - kept;
        self.keep = kept;
        self.exact = true;
    }

    /// The terminator of the frame, given the bytes that were skipped last.
    #[inline]
    pub(crate) fn terminator(&self, skipped: &[u8]) -> &'static [u8] {
        if self.open {
            b""
        } else {
            counted_end(skipped, self.after_cr)
        }
    }

    /// Notes that `bytes` were skipped.
    pub(crate) fn skipped(&mut self, bytes: &[u8]) {
        if let Some(last) = bytes.last() {
            self.skip -= bytes.len() as u64;
            self.after_cr = *last == b'\r';
        }
    }
}

/// The terminator at the end of a frame whose last bytes are `bytes`; empty if it has none. `after_cr`:
/// the byte before them is a CR.
#[inline]
pub(crate) fn counted_end(bytes: &[u8], after_cr: bool) -> &'static [u8] {
    match bytes {
        [.., b'\r', b'\n'] => b"\r\n",
        [b'\n'] if after_cr => b"\r\n",
        [.., b'\n'] => b"\n",
        _ => b"",
    }
}

/// A frame does not begin with a valid length.
pub(crate) struct BadLength;

impl Default for Frame {
    /// Between two frames.
    fn default() -> Self {
        Self::Length(0)
    }
}

/// Continues to read a length whose digits so far have the value `length`. Also returns how many bytes
/// were read.
///
/// # Errors
/// When a byte cannot continue the length, the length begins with 0, or it exceeds 64 bits.
pub(crate) fn read_length(mut length: u64, bytes: &[u8]) -> Result<(Frame, usize), BadLength> {
    for (index, byte) in bytes.iter().enumerate() {
        match byte {
            b'0'..=b'9' if length > 0 || *byte != b'0' => {
                length = length
                    .checked_mul(10)
                    .and_then(|tens| tens.checked_add(u64::from(byte - b'0')))
                    .ok_or(BadLength)?;
            }
            b' ' if length > 0 => {
                return Ok((Frame::Content(Content::new(length)), index + 1));
            }
            _ => return Err(BadLength),
        }
    }
    Ok((Frame::Length(length), bytes.len()))
}
