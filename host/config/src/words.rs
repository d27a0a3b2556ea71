//! The words that a configuration has for the choices of a key.
//!
//! In: nothing. Out: each choice with its word, once, for reading, showing and documenting.

use super::settings::{By, Grant, Handover, Isolation, OnError};
use linemill_framing::{Framing, Oversize, Partial};

/// One of a few choices, each with a word.
pub trait Word: Copy + PartialEq + 'static {
    /// Every choice with its word.
    const WORDS: &'static [(&'static str, Self)];

    /// The word of this choice.
    fn word(self) -> &'static str {
        Self::WORDS
            .iter()
            .find(|(_, choice)| *choice == self)
            .map_or("", |(word, _)| word)
    }
}

impl Word for Framing {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("lf", Self::Lf),
        ("crlf", Self::Crlf),
        ("nul", Self::Nul),
        ("octet", Self::Octet),
    ];
}

impl Word for Oversize {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("split", Self::Split),
        ("truncate", Self::Truncate),
        ("drop", Self::Drop),
        ("close", Self::Close),
    ];
}

impl Word for Partial {
    const WORDS: &'static [(&'static str, Self)] = &[("emit", Self::Emit), ("drop", Self::Drop)];
}

impl Word for OnError {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("pass", Self::Pass),
        ("drop", Self::Drop),
        ("close", Self::Close),
        ("quarantine", Self::Quarantine),
    ];
}

impl Word for Grant {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("log", Self::Log),
        ("clock", Self::Clock),
        ("random", Self::Random),
        ("wasi", Self::Wasi),
    ];
}

impl Word for By {
    const WORDS: &'static [(&'static str, Self)] =
        &[("connection", Self::Connection), ("address", Self::Address)];
}

impl Word for Isolation {
    const WORDS: &'static [(&'static str, Self)] =
        &[("auto", Self::Auto), ("connection", Self::Connection)];
}

impl Word for Handover {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("start-fresh", Self::StartFresh),
        ("keep-old", Self::KeepOld),
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distinct<T: Word + std::fmt::Debug>() {
        for (word, choice) in T::WORDS {
            assert_eq!(choice.word(), *word);
            assert_eq!(
                T::WORDS.iter().filter(|(other, _)| other == word).count(),
                1,
                "{word}"
            );
        }
    }

    #[test]
    fn every_choice_has_a_word_of_its_own() {
        distinct::<Framing>();
        distinct::<Oversize>();
        distinct::<Partial>();
        distinct::<OnError>();
        distinct::<Grant>();
        distinct::<Isolation>();
        distinct::<Handover>();
    }
}
