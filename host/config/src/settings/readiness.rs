//! When a listener is ready.

use crate::keyword::Keyword;

/// What a listener needs to be ready, besides accepting connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// Nothing else.
    Accepting,
    /// That `to` and all routes are up: lines go on then.
    Outputs,
    /// That `to` is up.
    To,
    /// That all routes are up.
    Routes,
    /// That `to`, all routes and all tees are up.
    All,
}

impl Keyword for Readiness {
    const KEYWORDS: &'static [(&'static str, Self)] = &[
        ("accepting", Self::Accepting),
        ("outputs", Self::Outputs),
        ("to", Self::To),
        ("routes", Self::Routes),
        ("all", Self::All),
    ];
}

impl Readiness {
    /// Whether `to` must be up.
    pub fn needs_to(self) -> bool {
        matches!(self, Self::Outputs | Self::To | Self::All)
    }

    /// Whether routes must be up.
    pub fn needs_routes(self) -> bool {
        matches!(self, Self::Outputs | Self::Routes | Self::All)
    }

    /// Whether tees must be up.
    pub fn needs_tee(self) -> bool {
        self == Self::All
    }
}
