//! When a listener is ready.

use crate::keyword::Keyword;

/// What a listener needs to be ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// That it accepts connections.
    Accepting,
    /// That its outputs are up, too.
    Outputs,
}

impl Keyword for Readiness {
    const KEYWORDS: &'static [(&'static str, Self)] =
        &[("accepting", Self::Accepting), ("outputs", Self::Outputs)];
}
