//! The keywords for the choices of a key.
//!
//! In: nothing. Out: each choice with its keyword, declared once, for reading, showing and documenting.

use linemill_framing::{Framing, Oversize, Partial, Unfit};

/// A setting with a fixed set of choices, each with a keyword.
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

impl Keyword for Unfit {
    const KEYWORDS: &'static [(&'static str, Self)] = &[
        ("drop", Self::Drop),
        ("space", Self::Space),
        ("escape", Self::Escape),
    ];
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Grant, Handover, Isolation, OnError, ProxyProtocol, Watch};

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
        distinct::<Unfit>();
        distinct::<OnError>();
        distinct::<Grant>();
        distinct::<Isolation>();
        distinct::<Handover>();
        distinct::<ProxyProtocol>();
        distinct::<Watch>();
    }
}
