//! How the lines of one direction of a connection are framed before and after.

use linemill_framing::Framing;

/// How the lines of one direction are framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Framings {
    /// Where they come from.
    pub from: Framing,
    /// Where they go.
    pub to: Framing,
}
