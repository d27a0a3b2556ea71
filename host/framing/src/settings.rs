//! How bytes become lines: the settings of a [`Framer`](crate::Framer).

use crate::Framing;

/// How bytes become lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineSettings {
    /// What ends a line.
    pub framing: Framing,
    /// Longest content in bytes, terminator not counted; at least 1.
    pub max_line: usize,
    /// What becomes of a longer line.
    pub oversize: Oversize,
    /// What becomes of the unterminated rest at a clean end of stream.
    pub partial: Partial,
}

/// What becomes of a line longer than `max_line`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oversize {
    /// Every `max_line` bytes become a line of their own.
    Split,
    /// The first `max_line` bytes are kept, with the terminator.
    Truncate,
    /// The line is left out.
    Drop,
    /// The connection ends, with no part of the line.
    Close,
}

/// What becomes of the unterminated rest at a clean end of stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partial {
    /// It is a line without a terminator.
    Emit,
    /// It is left out and counted.
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
