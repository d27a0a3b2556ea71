//! Finds secrets in a text.
//!
//! In: a text without structure, and which detectors are on. Out: the secrets in it, ascending. Not here: JSON and
//! escapes (`read`), and what replaces a secret (`action`).
//!
//! One pass over the text stops at bytes where a secret may begin, or that are inside one: the first byte of a
//! word or number, and some marks. There, detectors look at the bytes around. Each looks at a bounded number of
//! bytes, or only at bytes that are not looked at again, so that the time is linear in the length of the text.

mod auth;
mod card;
mod email;
mod iban;
mod ipv4;
mod ipv6;
mod jwt;
mod key;
mod keyed;
mod masks;
mod number;
mod scan;
mod tag;
mod token;
mod url;
mod value;
mod wrapped;

use crate::detector::{Detector, Set};
use crate::screen::Screen;

pub(crate) use auth::value as credentials;
pub(crate) use card::is_counter;
#[cfg(test)]
pub(crate) use iban::COUNTRIES;
pub(crate) use ipv4::is_version_of;
pub(crate) use key::{Class, Keys, PARTS};
pub(crate) use keyed::{ends_with_key, is_folder, is_plain, is_switch};
pub(crate) use masks::{Mask, Masks};
pub(crate) use scan::scan;
pub(crate) use token::FORMS;

/// What is looked for.
pub(crate) struct Context<'a> {
    pub(crate) set: Set,
    /// Further names of secret keys, in lower case and without marks.
    pub(crate) keys: &'a Keys,
    /// Replacements that may be in a text that was redacted before.
    pub(crate) masks: &'a Masks,
    /// What finds the places to look at; if `None`, all bytes are looked at.
    pub(crate) screen: Option<&'a Screen>,
    /// The text is all of a string.
    pub(crate) whole: bool,
}

impl Context<'_> {
    fn has(&self, detector: Detector) -> bool {
        self.set.has(detector)
    }

    /// What the value of `key` is, if it is a secret.
    pub(crate) fn class(&self, key: &[u8]) -> Option<Class> {
        key::class(key, self.keys)
    }

    /// How long the replacement is that `text` begins with, if it was redacted before.
    pub(crate) fn masked(&self, text: &[u8]) -> Option<usize> {
        self.masks.at_start(text)
    }
}

/// How many digits there are from `at` on.
fn digits(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// Whether a byte is part of a word: an ASCII letter, a digit, or `_`.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether `text` ends with one of `words`, in any case, as a word of its own.
fn ends_with_word(text: &[u8], words: &[&[u8]]) -> bool {
    let Some(last) = text.last() else {
        return false;
    };
    words.iter().any(|word| {
        // Nearly always, the last byte differs.
        let start = text.len().checked_sub(word.len());
        let Some(start) = start.filter(|_| word.last() == Some(&last.to_ascii_lowercase())) else {
            return false;
        };
        text[start..].eq_ignore_ascii_case(word)
            && !text[..start].last().is_some_and(|&byte| is_word(byte))
    })
}

/// Whether `text` ends with `end`. In WebAssembly, comparing the bytes one by one is faster than a call.
fn ends_with(text: &[u8], end: &[u8]) -> bool {
    let Some(start) = text.len().checked_sub(end.len()) else {
        return false;
    };
    text[start..]
        .iter()
        .rev()
        .zip(end.iter().rev())
        .all(|(a, b)| a == b)
}
