//! Finds the parts of a text that are JSON.
//!
//! In: a text. Out: the ranges of whole JSON values in it, in order. Not here: what is in them.
//!
//! A text that is JSON as a whole is always found, as is JSON behind a prefix such as the header of a log line.
//! Brackets may begin much that is not JSON, so an array or object in a text must begin as if it had a string or
//! further arrays and objects. What is parsed in vain is limited to twice the length of the text; behind that, JSON
//! is taken for plain text, in which secrets are found, too.

use std::ops::Range;

use super::json::{Nesting, Parsed, parse, space};

/// The search for JSON in a text.
pub(super) struct Regions {
    at: usize,
    /// How many bytes may still be parsed in vain.
    left: usize,
}

impl Regions {
    /// A search in `text`.
    pub(super) fn new(text: &[u8]) -> Self {
        Self {
            at: 0,
            left: 2 * text.len(),
        }
    }

    /// The next part that is JSON.
    pub(super) fn next(&mut self, text: &[u8], nesting: &mut Nesting) -> Option<Range<usize>> {
        if self.at == 0
            && let Some(whole) = self.whole(text, nesting)
        {
            return Some(whole);
        }
        while self.left > 0 {
            let start = self.at + memchr::memchr2(b'{', b'[', &text[self.at..])?;
            self.at = start + 1;
            if !may_begin(text, start) {
                continue;
            }
            match parse(text, start, nesting) {
                Parsed::Until(end) => {
                    self.at = end;
                    return Some(start..end);
                }
                Parsed::InvalidAt(at) => self.left = self.left.saturating_sub(at - start),
            }
        }
        None
    }

    /// The value that all of the text is, but for white space and a byte order mark.
    fn whole(&mut self, text: &[u8], nesting: &mut Nesting) -> Option<Range<usize>> {
        let mark = if text.starts_with(b"\xef\xbb\xbf") {
            3
        } else {
            0
        };
        let start = space(text, mark);
        if !matches!(text.get(start), Some(b'{' | b'[' | b'"')) {
            return None;
        }
        match parse(text, start, nesting) {
            Parsed::Until(end) if space(text, end) == text.len() => {
                self.at = text.len();
                Some(start..end)
            }
            _ => None,
        }
    }
}

/// Whether an object or array that is more than a word in brackets may begin at `start`.
fn may_begin(text: &[u8], start: usize) -> bool {
    let next = text.get(space(text, start + 1));
    match text[start] {
        b'{' => matches!(next, Some(b'"')),
        _ => matches!(next, Some(b'"' | b'{' | b'[')),
    }
}

#[cfg(test)]
mod tests {
    use super::{Nesting, Regions};

    fn regions(text: &str) -> Vec<&str> {
        let mut regions = Regions::new(text.as_bytes());
        let mut nesting = Nesting::default();
        std::iter::from_fn(|| regions.next(text.as_bytes(), &mut nesting))
            .map(|range| &text[range])
            .collect()
    }

    #[test]
    fn json_in_a_text() {
        for (text, expected) in [
            (r#"{"a":1}"#, vec![r#"{"a":1}"#]),
            (" [1, 2] ", vec!["[1, 2]"]),
            ("\"a b\"", vec!["\"a b\""]),
            ("\u{feff}{}", vec!["{}"]),
            (
                r#"<13>Oct 11 host app[123]: {"a":[1]} {"b":2}, x"#,
                vec![r#"{"a":[1]}"#, r#"{"b":2}"#],
            ),
            (
                r#"x=["a"] {a} [b] {"c} {"d":1}"#,
                vec![r#"["a"]"#, r#"{"d":1}"#],
            ),
            ("\"a\" b", vec![]),
            ("[1] x", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(regions(text), expected, "{text}");
        }
    }

    #[test]
    fn little_is_parsed_in_vain() {
        let text = "{\"\":".repeat(1000);
        let mut regions = Regions::new(text.as_bytes());
        assert_eq!(regions.next(text.as_bytes(), &mut Nesting::default()), None);
        assert_eq!(regions.left, 0);
    }
}
