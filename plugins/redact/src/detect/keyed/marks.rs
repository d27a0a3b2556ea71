//! The marks of a pair: the blanks, quotes and separators between a key and its value.
//!
//! In: a text, and a position. Out: what begins or ends there, and where. Not here: which keys are secret, and
//! which values.

use std::ops::Range;

use super::MAX_BLANKS;
use crate::detect::is_word;
use crate::detect::value::{self, Quote};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Separator {
    /// `=`, `=>`, `:=`, `==`.
    Equals,
    /// `= `, without a blank before it.
    EqualsBlank,
    /// `:`.
    Colon,
    /// `: `.
    ColonBlank,
    /// `::`, as in the path of a module.
    Path,
}

/// How many blanks are before `at`.
pub(super) fn blanks_before(text: &[u8], at: usize) -> usize {
    text[..at]
        .iter()
        .rev()
        .take(MAX_BLANKS)
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count()
}

/// How many blanks there are from `at` on.
pub(crate) fn blanks_at(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    rest.iter()
        .take(MAX_BLANKS)
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count()
}

/// The quote that ends at `end`, with its backslashes, and where the key before it ends.
pub(super) fn closing(text: &[u8], end: usize) -> (Range<usize>, usize) {
    let index = usize::from(end > 1 && text[end - 1] == b']');
    let mark = end - index;
    match mark.checked_sub(1).and_then(|at| value::quote(text, at)) {
        Some(quote) => {
            let start = (mark - 1).saturating_sub(quote.slashes());
            // In an index, `params["password"] = 1`, the value is no JSON.
            (if index == 0 { start..mark } else { 0..0 }, start)
        }
        None => (0..0, mark),
    }
}

/// Whether the key before a bracket is the index of something: `params[:password]`, but not `[password]`.
pub(super) fn is_index(text: &[u8], key: &Range<usize>) -> bool {
    match text[..key.start] {
        [.., b':' | b'"' | b'\''] => true,
        // The field of a form: `user[password]=x`.
        [.., before, b'['] => is_word(before) || before == b']',
        _ => false,
    }
}

/// The quote that begins at `at`, perhaps behind backslashes and a letter such as in `b'...'`: where its content
/// begins.
pub(crate) fn opening(text: &[u8], at: usize) -> Option<(usize, Quote)> {
    let rest = &text[at..];
    let slashes = rest
        .iter()
        .take(64)
        .take_while(|&&byte| byte == b'\\')
        .count();
    if let Some(quote) = value::quote(text, at + slashes) {
        return Some((at + slashes + 1, quote));
    }
    match rest {
        [
            b'b' | b'B' | b'u' | b'r' | b'f' | b'@' | b':',
            b'"' | b'\'',
            ..,
        ] => Some((at + 2, value::quote(text, at + 1)?)),
        _ => None,
    }
}

/// The separator at `at`, and where it ends.
pub(super) fn separator(text: &[u8], at: usize) -> Option<(Separator, usize)> {
    let rest = &text[at..];
    match rest {
        [b':', b'/', b'/', ..] => None,
        [b':', b':', ..] => Some((Separator::Path, at + 2)),
        [b':', b'=', b'>' | b'=', ..] | [b'=', b'=', b'=' | b'>', ..] => {
            Some((Separator::Equals, at + 3))
        }
        [b':', b'=', ..] | [b'=', b'=' | b'>' | b':' | b'~', ..] => {
            Some((Separator::Equals, at + 2))
        }
        [b':', ..] => Some((Separator::Colon, at + 1)),
        [b'=', ..] => Some((Separator::Equals, at + 1)),
        _ => None,
    }
}

/// Where a key of two words begins, such as `API key`, whose second begins at `start`.
pub(super) fn two_words(text: &[u8], start: usize) -> usize {
    let Some(b' ') = text[..start].last() else {
        return start;
    };
    let len = text[..start - 1]
        .iter()
        .rev()
        .take(16)
        .take_while(|byte| byte.is_ascii_alphabetic())
        .count();
    start - 1 - len
}

/// The key with the letter of the escape before it: `\token` may be a tabulator and `oken`, or a backslash and
/// `token`; or without the letter, as in `\npassword`.
pub(super) fn after_escape(text: &[u8], key: Range<usize>) -> Option<&[u8]> {
    let before = text[..key.start].last()?;
    (*before == b'\\' && !key.is_empty()).then(|| &text[key.start + 1..key.end])
}

/// Whether what follows a bracket is in an array or object rather than a value in brackets.
pub(super) fn in_structure(text: &[u8]) -> bool {
    let rest = text.trim_ascii_start();
    matches!(rest, [b'"' | b'\'' | b'`' | b'\\' | b'{' | b'[' | b':', ..])
}

/// `text` without blanks at its end.
pub(super) fn trimmed(text: &[u8]) -> &[u8] {
    &text[..text.len() - blanks_before(text, text.len())]
}
