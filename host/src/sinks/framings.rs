//! How the lines of one direction of a connection are framed before and after.

use linemill_framing::{Framing, Unfit};

/// How the lines of one direction are framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Framings {
    /// Where they come from.
    pub from: Framing,
    /// Where they go.
    pub to: Framing,
    /// What happens to a line that contains a terminator of `to`.
    pub unfit: Unfit,
}
