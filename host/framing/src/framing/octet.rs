//! The framing `octet` (RFC 6587, 3.4.1): a decimal length from 1, a space, and that many bytes.
//!
//! In: bytes of a frame. Out: [`Frame`], the stream's position within a frame. Lengths are read digit
//! by digit, so reads may split them anywhere.
//! Not here: lines (`framer::octet`), writing lengths (`encode`).

use super::Grammar;

pub(super) struct Octet;

impl Grammar for Octet {
    const TERMINATOR: &'static [u8] = b"";

    fn ends_inside(_: &[u8]) -> bool {
        false
    }

    fn count(_: &[u8]) -> usize {
        0
    }

    /// Lengths begin at 1.
    fn can_hold(content: &[u8]) -> bool {
        !content.is_empty()
    }

    /// The digits of the longest length, and the space.
    fn overhead(bytes: usize) -> usize {
        bytes.checked_ilog10().unwrap_or(0) as usize + 2
    }

    fn whole_lines(bytes: &[u8]) -> (u64, usize) {
        let (mut rest, mut lines) = (bytes, 0);
        while let Some(space) = memchr::memchr(b' ', rest) {
            let digits = std::str::from_utf8(&rest[..space]).ok();
            let length = digits.and_then(|digits| digits.parse::<usize>().ok());
            match length.and_then(|length| rest.get(space + 1 + length..)) {
                Some(next) => rest = next,
                None => break,
            }
            lines += 1;
        }
        (lines, bytes.len() - rest.len())
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Content {
    /// Bytes of the content that become lines, including those in the partial line.
    pub(crate) keep: u64,
    /// Bytes after these that have not arrived and will be discarded.
    pub(crate) skip: u64,
    /// Whether the content has been counted as oversized.
    pub(crate) oversized: bool,
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
                let content = Content {
                    keep: length,
                    skip: 0,
                    oversized: false,
                };
                return Ok((Frame::Content(content), index + 1));
            }
            _ => return Err(BadLength),
        }
    }
    Ok((Frame::Length(length), bytes.len()))
}
