//! The keywords that a configuration has for the choices of a key.
//!
//! In: nothing. Out: each choice with its keyword, declared once, for reading, showing and documenting.

use super::settings::{By, Grant, Handover, Isolation, OnError};
use linemill_framing::{Framing, Oversize, Partial};

/// A setting with a few choices, each with a keyword.
pub trait Keyword: Copy + PartialEq + 'static {
    /// Every choice with its keyword.
    const KEYWORDS: &'static [(&'static str, Self)];

    /// The keyword of this choice.
    fn keyword(self) -> &'static str {
        Self::KEYWORDS
            .iter()
            .find(|(_, choice)| *choice == self)
            .map_or("", |(word, _)| word)
    }
}

impl Keyword for Framing {
    const KEYWORDS: &'static [(&'static str, Self)] = Self::NAMES;
}

impl Keyword for Oversize {
    const KEYWORDS: &'static [(&'static str, Self)] = &[
        ("split", Self::Split),
        ("truncate", Self::Truncate),
        ("drop", Self::Drop),
        ("close", Self::Close),
    ];
}

impl Keyword for Partial {
    const KEYWORDS: &'static [(&'static str, Self)] = &[("emit", Self::Emit), ("drop", Self::Drop)];
}

impl Keyword for OnError {
    const KEYWORDS: &'static [(&'static str, Self)] = &[
        ("pass", Self::Pass),
        ("drop", Self::Drop),
        ("close", Self::Close),
        ("quarantine", Self::Quarantine),
    ];
}

impl Keyword for Grant {
    const KEYWORDS: &'static [(&'static str, Self)] = &[
        ("log", Self::Log),
        ("clock", Self::Clock),
        ("random", Self::Random),
        ("wasi", Self::Wasi),
    ];
}

impl Keyword for By {
    const KEYWORDS: &'static [(&'static str, Self)] =
        &[("connection", Self::Connection), ("address", Self::Address)];
}

impl Keyword for Isolation {
    const KEYWORDS: &'static [(&'static str, Self)] =
        &[("auto", Self::Auto), ("connection", Self::Connection)];
}

impl Keyword for Handover {
    const KEYWORDS: &'static [(&'static str, Self)] = &[
        ("start-fresh", Self::StartFresh),
        ("keep-old", Self::KeepOld),
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distinct<T: Keyword + std::fmt::Debug>() {
        for (word, choice) in T::KEYWORDS {
            assert_eq!(choice.keyword(), *word);
            assert_eq!(
                T::KEYWORDS
                    .iter()
                    .filter(|(other, _)| other == word)
                    .count(),
                1,
                "{word}"
            );
        }
    }

    #[test]
    fn every_choice_has_a_keyword_of_its_own() {
        distinct::<Framing>();
        distinct::<Oversize>();
        distinct::<Partial>();
        distinct::<OnError>();
        distinct::<Grant>();
        distinct::<Isolation>();
        distinct::<Handover>();
    }
}
