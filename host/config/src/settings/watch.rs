//! How the host notices that files have changed.

use crate::keyword::Keyword;

/// How the host notices that a file of the configuration has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watch {
    /// By events of the system, and by looking at the files in case it reports none.
    Auto,
    /// By looking at the files.
    Poll,
    /// Not at all: files are read when a reload is requested.
    Off,
}

impl Keyword for Watch {
    const KEYWORDS: &'static [(&'static str, Self)] = &[
        ("auto", Self::Auto),
        ("poll", Self::Poll),
        ("off", Self::Off),
    ];
}
