//! The settings of a [`Framer`](crate::Framer).

use crate::Framing;

/// How bytes become lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineSettings {
    /// The framing of the stream.
    pub framing: Framing,
    /// The longest content in bytes, without the terminator; at least 1.
    pub max_line: usize,
    /// The treatment of a longer line.
    pub oversize: Oversize,
    /// The treatment of an unterminated line when the stream ends without an error.
    pub partial: Partial,
}

/// The treatment of a line longer than `max_line`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oversize {
    /// Every `max_line` bytes become a line of their own.
    Split,
    /// The first `max_line` bytes are kept, with the terminator.
    Truncate,
    /// The line is left out and counted.
    Drop,
    /// The stream ends before the line.
    Close,
}

/// The treatment of an unterminated line when the stream ends without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partial {
    /// The bytes become a line without a terminator.
    Emit,
    /// The bytes are left out and counted.
    Drop,
}

impl Default for LineSettings {
    fn default() -> Self {
        Self {
            framing: Framing::Lf,
            max_line: 16 * 1024,
            oversize: Oversize::Split,
            partial: Partial::Emit,
        }
    }
}
