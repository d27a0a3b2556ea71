//! The settings of a [`Framer`](crate::Framer), and of [`Lines::encode`](crate::Lines::encode).

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
    /// Whether a UTF-8 byte order mark at the start of the stream is left out.
    pub strip_bom: bool,
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

/// The treatment of a line whose content contains a terminator of the framing to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// The line is left out and counted.
    Drop,
    /// A space replaces each terminator.
    Space,
    /// `#` and the byte in three octal digits replace each byte of a terminator.
    Escape,
}

impl Default for LineSettings {
    fn default() -> Self {
        Self {
            framing: Framing::Lf,
            max_line: 16 * 1024,
            oversize: Oversize::Split,
            partial: Partial::Emit,
            strip_bom: false,
        }
    }
}
