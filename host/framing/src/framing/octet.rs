//! The framing `octet` (RFC 6587, 3.4.1): a decimal length from 1, a space, that many bytes.
//!
//! In: bytes of a frame. Out: [`Frame`], where in a frame a stream stands. A length is read digit by
//! digit, so it may be cut anywhere. Not here: lines (`framer::octet`), writing lengths (`encode`).

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

/// Where in a frame the stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Frame {
    /// In the length, whose digits so far say this; 0 before the first. The partial line is empty.
    Length(u64),
    /// In the content.
    Content(Content),
}

/// A content of which bytes are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Content {
    /// Bytes of it that make a line; those in the partial line are counted in.
    pub(crate) keep: u64,
    /// Bytes behind these that are still to come, and are thrown away.
    pub(crate) skip: u64,
    /// Whether it has been counted as oversized.
    pub(crate) oversized: bool,
}

/// Where a length must be, there is something else.
pub(crate) struct BadLength;

impl Default for Frame {
    /// Between two frames.
    fn default() -> Self {
        Self::Length(0)
    }
}

/// Reads a length whose digits so far say `length`; also says how many bytes of it are there.
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
