//! Where the value of a key ends.
//!
//! In: a text, and where a value begins. Out: the range of the value without its quotes, or the ranges of the
//! values in an array or object.
//!
//! Quotes may be escaped, once or many times, because the text may be a string in another text. The backslashes
//! before a quote say in how many texts it is; a value ends at a quote in as many or fewer. So a quote in the value
//! does not end it.

use std::ops::Range;

/// The most brackets that are taken from the end of a value.
const MAX_BRACKETS: usize = 8;

/// A quote in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quote {
    pub(super) byte: u8,
    /// In how many strings the quote is itself.
    level: u32,
}

/// The quote whose mark is at `at`, if there is one.
pub(super) fn quote(text: &[u8], at: usize) -> Option<Quote> {
    let byte = *text.get(at)?;
    if !matches!(byte, b'"' | b'\'' | b'`') {
        return None;
    }
    let slashes = text[..at]
        .iter()
        .rev()
        .take_while(|&&byte| byte == b'\\')
        .take(64)
        .count();
    // N backslashes are the binary number of escaped backslashes, then ones for the levels of the quote.
    Some(Quote {
        byte,
        level: slashes.trailing_ones(),
    })
}

impl Quote {
    /// How many backslashes belong to the quote.
    pub(super) fn slashes(self) -> usize {
        (1 << self.level) - 1
    }
}

/// Where the string that `open` opens ends, from `start` on: before its quote with the backslashes of that.
/// If no quote ends it, it ends with the text.
pub(super) fn string(text: &[u8], start: usize, open: Quote) -> usize {
    let mut at = start;
    // A string at level 0 ends at the first quote that has an even number of backslashes.
    while let Some(found) = memchr::memchr(open.byte, &text[at..]) {
        at += found;
        if let Some(close) = quote(&text[..=at], at)
            && close.level <= open.level
        {
            return (at - close.slashes().min(at - start)).max(start);
        }
        at += 1;
    }
    text.len()
}

/// Where a value without quotes that begins at `start` ends.
///
/// It ends at white space, quotes and `&`, and at a comma or semicolon that another pair or white space follows. A
/// bracket at its end belongs to what is around it.
pub(super) fn bare(text: &[u8], start: usize) -> usize {
    let mut end = start;
    while let Some(&byte) = text.get(end) {
        match byte {
            _ if byte.is_ascii_whitespace() => break,
            0 | b'"' | b'\'' | b'`' | b'&' | b'<' => break,
            b'\\'
                if matches!(
                    text.get(end + 1),
                    Some(b'"' | b'\'' | b'\\' | b'n' | b'r' | b't') | None
                ) =>
            {
                break;
            }
            b',' | b';' if !continues(&text[end + 1..]) => break,
            _ => end += 1,
        }
    }
    for _ in 0..MAX_BRACKETS {
        if end == start || !matches!(text[end - 1], b')' | b']' | b'}' | b'>' | b'|') {
            break;
        }
        let open = match text[end - 1] {
            b')' => b'(',
            b']' => b'[',
            b'}' => b'{',
            b'>' => b'<',
            _ => 0,
        };
        if text[start..end].contains(&open) {
            break;
        }
        end -= 1;
    }
    end
}

/// Whether a value goes on behind a comma or semicolon: what follows is neither another pair nor the end.
fn continues(text: &[u8]) -> bool {
    let stops = |byte: &u8| {
        byte.is_ascii_whitespace()
            || matches!(
                byte,
                b',' | b';' | b'&' | b'=' | b':' | b'"' | b'\'' | b'\\'
            )
    };
    let next = text
        .iter()
        .take(48)
        .position(stops)
        .unwrap_or(text.len().min(48));
    next > 0 && !matches!(text.get(next), Some(b'=' | b':'))
}

/// Where a literal of JSON ends that is the value of a key in quotes: at a comma, bracket, quote or white space.
pub(super) fn literal(text: &[u8], start: usize) -> usize {
    let ends = |byte: &u8| {
        byte.is_ascii_whitespace()
            || matches!(
                byte,
                b',' | b'}' | b']' | b')' | b'"' | b'\'' | b'\\' | b'&' | b'<'
            )
    };
    let rest = &text[start..];
    start + rest.iter().position(ends).unwrap_or(rest.len())
}

/// A value in an array or object.
pub(super) struct Scalar {
    pub(super) range: Range<usize>,
    pub(super) quoted: bool,
}

/// Passes the values in the array or object that begins at `start` to `found`, at any depth, but not its keys.
/// Returns where it ends.
pub(super) fn structure(text: &[u8], start: usize, mut found: impl FnMut(Scalar)) -> usize {
    let (mut at, mut depth) = (start, 0);
    while let Some(&byte) = text.get(at) {
        match byte {
            b'[' | b'{' | b'(' => depth += 1,
            b']' | b'}' | b')' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            b'"' | b'\'' | b'`' => {
                let Some(open) = quote(text, at) else {
                    return at;
                };
                let end = string(text, at + 1, open);
                let behind = skip_quote(text, end, open);
                if !is_key(text, behind) && at + 1 < end {
                    found(Scalar {
                        range: at + 1..end,
                        quoted: true,
                    });
                }
                at = behind.max(at + 1);
                continue;
            }
            _ if byte.is_ascii_whitespace()
                || matches!(byte, b',' | b':' | b'=' | b'>' | b'\\') => {}
            _ => {
                let ends =
                    |byte: &u8| byte.is_ascii_whitespace() || b",:=[]{}()\"'`\\".contains(byte);
                let rest = &text[at..];
                let end = at + rest.iter().position(ends).unwrap_or(rest.len());
                if !is_key(text, end) {
                    found(Scalar {
                        range: at..end,
                        quoted: false,
                    });
                }
                at = end;
                continue;
            }
        }
        at += 1;
    }
    at
}

/// Where the quote that ends a string at `end` ends itself.
pub(super) fn skip_quote(text: &[u8], end: usize, open: Quote) -> usize {
    let slashes = text[end..]
        .iter()
        .take_while(|&&byte| byte == b'\\')
        .count();
    let behind = end + slashes;
    if text.get(behind) == Some(&open.byte) {
        behind + 1
    } else {
        end
    }
}

/// Whether a separator follows: then what stands before is a key.
fn is_key(text: &[u8], at: usize) -> bool {
    let rest = &text[at..];
    let blanks = rest
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count();
    matches!(rest.get(blanks), Some(b':' | b'='))
}

#[cfg(test)]
mod tests {
    use super::{bare, literal, quote, string, structure};

    fn quoted(text: &str) -> &str {
        let at = text.find('"').unwrap();
        let open = quote(text.as_bytes(), at).unwrap();
        &text[at + 1..string(text.as_bytes(), at + 1, open)]
    }

    #[test]
    fn a_string_ends_at_a_quote_of_its_level() {
        assert_eq!(quoted(r#""a b" c"#), "a b");
        assert_eq!(quoted(r#""a\"b" c"#), r#"a\"b"#);
        assert_eq!(quoted(r#""a\\" c"#), r"a\\");
        assert_eq!(quoted(r#"\"a b\" c"#), "a b");
        assert_eq!(quoted(r#"\"a\\\"b\" c"#), r#"a\\\"b"#);
        assert_eq!(quoted(r#"\"a\\\\\" c"#), r"a\\\\");
        assert_eq!(quoted(r#"\"a" b\""#), "a", "the string around it ends");
        assert_eq!(quoted(r#"\\\"a\\\" \""#), "a");
        assert_eq!(quoted(r#""a 'b"#), "a 'b");
        assert_eq!(quoted(r#""""#), "");
    }

    #[test]
    fn bare_values() {
        for (text, value) in [
            ("hunter2 x", "hunter2"),
            ("hunter2&x=1", "hunter2"),
            ("a,b=1", "a"),
            ("a, b", "a"),
            ("a,", "a"),
            ("hun,ter2 x", "hun,ter2"),
            ("a;Server=x", "a"),
            ("a;b", "a;b"),
            ("abc}, x", "abc"),
            ("a}b)", "a}b"),
            ("(a)", "(a)"),
            ("a\\nb", "a"),
            ("a\\b", "a\\b"),
            ("x</password>", "x"),
            ("a\"", "a"),
            ("a]]", "a"),
            ("", ""),
            ("é x", "é"),
        ] {
            assert_eq!(&text[..bare(text.as_bytes(), 0)], value, "{text}");
        }
        assert_eq!(literal(b"true}", 0), 4);
        assert_eq!(literal(b"-1.5e3", 0), 6);
    }

    #[test]
    fn all_values_of_a_structure() {
        let values = |text: &str| {
            let mut found = Vec::new();
            let end = structure(text.as_bytes(), 0, |scalar| {
                found.push(text[scalar.range].to_owned())
            });
            (found.join("|"), end)
        };
        assert_eq!(
            values(r#"["abc","d ef",1] x"#),
            ("abc|d ef|1".to_owned(), 16)
        );
        assert_eq!(
            values(r#"{"a":"b","c":{"d":[true]}}, "e":1"#),
            ("b|true".to_owned(), 26)
        );
        assert_eq!(
            values(r#"{\"a\":\"b\\\"c\"} x"#),
            (r#"b\\\"c"#.to_owned(), 18)
        );
        assert_eq!(values("{:a=>\"b\", c: 'd'}"), ("b|d".to_owned(), 17));
        assert_eq!(values("[\"abc"), ("abc".to_owned(), 5));
        assert_eq!(values("[]"), (String::new(), 2));
    }
}
