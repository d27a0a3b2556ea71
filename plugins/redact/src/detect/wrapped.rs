//! Values in brackets, as programs print them: `[a, b]`, `(a b)`, `Some("a b")`.
//!
//! In: a text, and where a value begins. Out: what is in the brackets that belong together. Not here: arrays and
//! objects whose values have quotes (`value`).

use std::ops::Range;

use super::value;

/// The longest value in brackets that is looked at, so that the time stays linear.
const MAX: usize = 256;
/// The longest name before a bracket.
const MAX_NAME: usize = 48;

/// A value in brackets.
pub(super) struct Wrapped {
    /// The value without the brackets, and without quotes if it is one string.
    pub(super) value: Range<usize>,
    /// Where the brackets end.
    pub(super) end: usize,
}

/// The value that begins at `at` with a bracket, or with a name and a bracket. Only names such as those of types stay:
/// in lower case, `hash(a)` may be a password.
pub(super) fn find(text: &[u8], at: usize) -> Option<Wrapped> {
    let text = &text[..text.len().min(at + MAX)];
    let name = text[at..]
        .iter()
        .take(MAX_NAME)
        .take_while(|&&byte| super::is_word(byte) || matches!(byte, b':' | b'.'))
        .count();
    let open = at + name;
    let close = match text.get(open)? {
        b'(' => b')',
        b'[' if name == 0 => b']',
        b'{' if name == 0 => b'}',
        _ => return None,
    };
    if name > 0 && !text[at].is_ascii_alphabetic() {
        return None;
    }
    let last = balanced(text, open, close, true).or_else(|| balanced(text, open, close, false))?;
    let end = last + 1;
    let goes_on = text.get(end).is_some_and(|&byte| {
        super::is_word(byte) || matches!(byte, b'(' | b'[' | b'!' | b'@' | b'#' | b'$')
    });
    if goes_on {
        return None;
    }
    let local = text[at..open]
        .rsplit(|byte| matches!(byte, b':' | b'.'))
        .next()
        .unwrap_or_default();
    let is_type =
        text[at].is_ascii_uppercase() || local.first().is_some_and(u8::is_ascii_uppercase);
    if name > 0 && !is_type {
        return Some(Wrapped {
            value: at..end,
            end,
        });
    }
    let value = without_blanks(text, open + 1..last);
    let value = match super::keyed::opening(text, value.start) {
        Some((start, quote)) if start < value.end => {
            let string = value::string(text, start, quote);
            if value::skip_quote(text, string, quote) == value.end && start < string {
                start..string
            } else {
                value
            }
        }
        _ => value,
    };
    Some(Wrapped { value, end })
}

/// Where the bracket is that closes the one at `open`, in the same line. `quotes` says whether those in quotes do
/// not count.
fn balanced(text: &[u8], open: usize, close: u8, quotes: bool) -> Option<usize> {
    let (mut at, mut depth) = (open, 0);
    while let Some(&byte) = text.get(at) {
        if byte == text[open] {
            depth += 1;
        } else if byte == close {
            depth -= 1;
            if depth == 0 {
                return Some(at);
            }
        } else if byte == b'\n' {
            return None;
        } else if quotes && let Some(quote) = value::quote(text, at) {
            let end = value::string(text, at + 1, quote);
            at = value::skip_quote(text, end, quote).max(at + 1);
            continue;
        }
        at += 1;
    }
    None
}

/// A range without white space at its ends.
fn without_blanks(text: &[u8], range: Range<usize>) -> Range<usize> {
    let content = &text[range.clone()];
    let end = range.start + content.trim_ascii_end().len();
    let start = range.end - content.trim_ascii_start().len();
    start.min(end)..end
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn values_in_brackets() {
        for (text, expected) in [
            ("[abc, hunter2] x", "abc, hunter2"),
            ("(abc def)", "abc def"),
            ("{abc def}, x", "abc def"),
            ("Some(\"abc def\")", "abc def"),
            ("Secret('a)b')", "a)b"),
            ("std::Some(Secret(\"x\"))", "Secret(\"x\")"),
            ("(it's)", "it's"),
            ("[a[b]c]", "a[b]c"),
            ("hash(a b)", "hash(a b)"),
            ("Some(\\\"a b\\\")", "a b"),
        ] {
            let found = find(text.as_bytes(), 0).map(|wrapped| &text[wrapped.value]);
            assert_eq!(found, Some(expected), "{text}");
        }
        for text in ["abc", "(abc", "(a)b", "a[b]", "9(a)", "", "Hun(ter)2"] {
            assert!(find(text.as_bytes(), 0).is_none(), "{text}");
        }
    }
}
