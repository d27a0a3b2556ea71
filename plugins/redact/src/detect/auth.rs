//! Credentials of HTTP: those of `Authorization`, those that follow the name of a scheme elsewhere, and cookies.
//!
//! In: a text, and where a value or a word begins. Out: the range of the credentials, without the scheme's name.

use std::ops::Range;

use super::is_word;
use super::value::{self, Quote};

/// Schemes, in lower case, and whether parameters follow: `Digest username="ann", response="…"`.
const SCHEMES: [(&[u8], bool); 13] = [
    (b"bearer", false),
    (b"basic", false),
    (b"token", false),
    (b"digest", true),
    (b"negotiate", false),
    (b"ntlm", false),
    (b"apikey", false),
    (b"oauth", true),
    (b"hawk", true),
    (b"signature", true),
    (b"aws4-hmac-sha256", true),
    (b"dpop", false),
    (b"mac", true),
];

/// The credentials in the value of `Authorization`, which begins at `at`. `open` is the quote before the key, if it
/// is in the same string as the value; `blank` says whether a blank precedes the value.
pub(super) fn header(
    text: &[u8],
    at: usize,
    open: Option<Quote>,
    blank: bool,
) -> Option<Range<usize>> {
    if let Some((start, quote)) = super::keyed::opening(text, at) {
        let end = value::string(text, start, quote);
        return not_empty(start + scheme(&text[start..end]).map_or(0, |(len, _)| len)..end);
    }
    if let Some(value) = in_brackets(text, at) {
        let len = scheme(&text[value.clone()]).map_or(0, |(len, _)| len);
        return not_empty(value.start + len..value.end);
    }
    let found = scheme(&text[at..]);
    let start = at + found.map_or(0, |(len, _)| len);
    if let Some(open) = open {
        let end = value::string(text, start, open);
        return not_empty(start..end);
    }
    if found.is_some_and(|(_, parameters)| parameters || is_parameter(text, start)) {
        return not_empty(start..parameters(text, start));
    }
    let end = token(text, start);
    if found.is_some() {
        return not_empty(start..end);
    }
    // A scheme of another name, or a word of a sentence.
    let first = &text[start..end];
    let word = first
        .iter()
        .all(|byte| byte.is_ascii_alphabetic() || *byte == b'-');
    if !word {
        return not_empty(start..end);
    }
    let next = token(text, end + 1);
    let credentials =
        text.get(end) == Some(&b' ') && is_random(text.get(end + 1..next).unwrap_or_default());
    if credentials {
        Some(end + 1..next)
    } else if blank && text.get(end) == Some(&b' ') {
        None
    } else {
        not_empty(start..end)
    }
}

/// The credentials in a value of `Authorization` that is all of `text`.
pub(crate) fn value(text: &[u8]) -> Range<usize> {
    scheme(text).map_or(0, |(len, _)| len)..text.len()
}

/// The scheme that `text` begins with: how long it is with the blanks behind it, and whether it has parameters.
fn scheme(text: &[u8]) -> Option<(usize, bool)> {
    let (name, parameters) = SCHEMES.iter().find(|(name, _)| {
        text.get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name))
    })?;
    let blanks = blanks(&text[name.len()..]);
    (blanks > 0).then_some((name.len() + blanks, *parameters))
}

/// The credentials behind a scheme's name, `Bearer` or `Basic`, at `at`, which begins a word.
pub(super) fn scheme_and_token(text: &[u8], at: usize) -> Option<Range<usize>> {
    let rest = &text[at..];
    let name = rest.get(..6)?;
    let (len, basic) = if name.eq_ignore_ascii_case(b"bearer") {
        (6, false)
    } else if name[..5].eq_ignore_ascii_case(b"basic") {
        (5, true)
    } else {
        return None;
    };
    let blanks = blanks(&rest[len..]);
    let start = at + len + blanks;
    if blanks == 0 {
        return None;
    }
    let run = text[start..]
        .iter()
        .take_while(|&&byte| is_token(byte))
        .count();
    let padding = text[start + run..]
        .iter()
        .take(4)
        .take_while(|&&byte| byte == b'=')
        .count();
    let mut end = start + run + padding;
    if padding == 0 {
        end -= text[start..end]
            .iter()
            .rev()
            .take_while(|&&byte| byte == b'.')
            .count();
    }
    let credentials = &text[start..end];
    // `token_type=bearer expires_in=3600` is another pair.
    let is_key = padding > 0 && text.get(end).is_some_and(|&byte| is_token(byte));
    let valid = if is_key {
        false
    } else if basic {
        is_user_and_password(credentials)
    } else {
        credentials.len() >= 6 && is_random(credentials)
    };
    valid.then_some(start..end)
}

/// The cookies in the value of `Cookie` or `Set-Cookie`, which begins at `at`: pairs with `; ` between them.
pub(super) fn cookies(text: &[u8], at: usize, open: Option<Quote>) -> Option<Range<usize>> {
    if let Some((start, quote)) = super::keyed::opening(text, at) {
        return not_empty(start..value::string(text, start, quote));
    }
    if let Some(open) = open {
        return not_empty(at..value::string(text, at, open));
    }
    if let Some(value) = in_brackets(text, at) {
        return not_empty(value);
    }
    let mut end = at;
    loop {
        end = cookie(text, end);
        // The next pair, after white space. Headers of the same name are joined with commas.
        let (mark, joined, blanks) = match &text[end..] {
            [b';', rest @ ..] => (1, false, blanks(rest)),
            [b',', rest @ ..] => (1, true, blanks(rest)),
            rest => (0, text[..end].ends_with(b","), blanks(rest)),
        };
        let next = &text[end + mark + blanks..];
        let name = next
            .iter()
            .take(64)
            .take_while(|&&byte| is_word(byte) || matches!(byte, b'-' | b'.'))
            .count();
        let follows = if joined {
            next.get(name) == Some(&b'=')
        } else {
            mark > 0
        };
        if name == 0 || !follows {
            break;
        }
        end += mark + blanks;
    }
    let cookies = &text[at..end];
    (!is_state(cookies)).then_some(at..end).and_then(not_empty)
}

/// Where a cookie or an attribute that begins at `at` ends. Its value may be in quotes, and a date has blanks.
fn cookie(text: &[u8], at: usize) -> usize {
    let ends =
        |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b';' | b'\\');
    let rest = &text[at..];
    let end = at + rest.iter().position(ends).unwrap_or(rest.len());
    if rest.len() > 8 && rest[..8].eq_ignore_ascii_case(b"expires=") {
        const DATE: usize = 48;
        let date = &rest[..rest.len().min(DATE)];
        return memchr::memmem::find(date, b"GMT").map_or(end, |len| (at + len + 3).max(end));
    }
    if end > at
        && text[end - 1] == b'='
        && let Some((start, open)) = super::keyed::opening(text, end)
        && text
            .get(start)
            .is_some_and(|byte| !byte.is_ascii_whitespace())
    {
        return value::skip_quote(text, value::string(text, start, open), open);
    }
    end
}

/// Whether the value of a cookie's key is a word that says what was done with cookies.
fn is_state(text: &[u8]) -> bool {
    const STATES: [&[u8]; 9] = [
        b"accepted",
        b"disabled",
        b"enabled",
        b"expired",
        b"invalid",
        b"missing",
        b"none",
        b"not",
        b"rejected",
    ];
    STATES.iter().any(|state| text.eq_ignore_ascii_case(state))
}

/// The value in brackets that begin at `at`, as maps of headers are printed: `[Bearer abc]`.
fn in_brackets(text: &[u8], at: usize) -> Option<Range<usize>> {
    let bracket = matches!(text.get(at)?, b'[' | b'(' | b'{');
    let wrapped = bracket.then(|| super::wrapped::find(text, at))?;
    wrapped.map(|wrapped| wrapped.value)
}

/// Whether a parameter in quotes begins at `at`: `token="abc"`.
fn is_parameter(text: &[u8], at: usize) -> bool {
    let rest = &text[at..];
    let name = rest
        .iter()
        .take(32)
        .take_while(|&&byte| byte != b'=' && is_token(byte))
        .count();
    if name == 0 || rest.get(name) != Some(&b'=') {
        return false;
    }
    let opening = super::keyed::opening(text, (at + name + 1).min(text.len()));
    opening.is_some_and(|(start, _)| {
        text.get(start)
            .is_some_and(|byte| !byte.is_ascii_whitespace())
    })
}

/// Where parameters that begin at `at` end: names and values, in quotes or not, with commas between them.
fn parameters(text: &[u8], at: usize) -> usize {
    let mut end = at;
    loop {
        let name = text[end..]
            .iter()
            .take_while(|&&byte| byte != b'=' && is_token(byte))
            .count();
        if text.get(end + name) != Some(&b'=') {
            // Not a parameter: a token that stands alone.
            return if end == at { token(text, at) } else { end };
        }
        let value = end + name + 1;
        end = match super::keyed::opening(text, value.min(text.len())) {
            Some((start, open)) => value::skip_quote(text, value::string(text, start, open), open),
            None => {
                let stops = |byte: &u8| {
                    byte.is_ascii_whitespace() || matches!(byte, b',' | b'"' | b'\'' | b'\\')
                };
                let rest = &text[value..];
                value + rest.iter().position(stops).unwrap_or(rest.len())
            }
        };
        let comma = text.get(end) == Some(&b',');
        let blanks = text[end..]
            .iter()
            .skip(usize::from(comma))
            .take(4)
            .take_while(|&&byte| byte == b' ')
            .count();
        let next = end + usize::from(comma) + blanks;
        let more = text
            .get(next)
            .is_some_and(|byte| byte.is_ascii_alphabetic());
        if !comma || !more {
            return end;
        }
        end = next;
    }
}

/// Where a word that begins at `at` ends: at white space, a quote, or a comma.
fn token(text: &[u8], at: usize) -> usize {
    let ends = |byte: &u8| {
        byte.is_ascii_whitespace()
            || matches!(byte, b'"' | b'\'' | b',' | b';' | b'\\' | b'&' | b'<')
    };
    let rest = text.get(at..).unwrap_or_default();
    (at + rest.iter().position(ends).unwrap_or(rest.len())).min(text.len())
}

/// Whether a word is not one of a language: it has a digit, a mark, letters in both cases, or is very long.
fn is_random(word: &[u8]) -> bool {
    let inner = word
        .get(1..word.len().saturating_sub(1))
        .unwrap_or_default();
    word.iter().any(u8::is_ascii_digit)
        || inner
            .iter()
            .any(|byte| matches!(byte, b'.' | b'_' | b'~' | b'+' | b'/'))
        || word.ends_with(b"=")
        || inner.iter().any(u8::is_ascii_uppercase) && word.iter().any(u8::is_ascii_lowercase)
        || word.len() >= 24 && !word.contains(&b'-')
}

/// Whether `text` is base64 of a name, a colon and a password.
fn is_user_and_password(text: &[u8]) -> bool {
    let (mut bits, mut count, mut len, mut colon) = (0u32, 0, 0, false);
    for &byte in text.trim_ascii_end().iter().take(4096) {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => break,
            _ => return false,
        };
        bits = bits << 6 | u32::from(six);
        count += 6;
        if count >= 8 {
            count -= 8;
            let decoded = (bits >> count) as u8;
            if decoded < 0x20 || decoded == 0x7f {
                return false;
            }
            colon |= decoded == b':';
            len += 1;
        }
    }
    colon && len >= 2
}

/// How many blanks there are: white space, or `+` as in forms.
fn blanks(text: &[u8]) -> usize {
    text.iter()
        .take(4)
        .take_while(|byte| matches!(byte, b' ' | b'\t' | b'+'))
        .count()
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/')
}

fn not_empty(range: Range<usize>) -> Option<Range<usize>> {
    (!range.is_empty()).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::{cookies, header, scheme_and_token};

    #[test]
    fn headers_without_the_name_of_the_scheme() {
        for (text, expected) in [
            ("Bearer abc", "abc"),
            ("bearer   abc.def== x", "abc.def=="),
            ("Basic dXNlcjpwYXNz, x", "dXNlcjpwYXNz"),
            ("Token 0a1b2c", "0a1b2c"),
            (
                "Digest username=\"ann\", realm=\"a b\", nc=1, response=\"6629\" 200",
                "username=\"ann\", realm=\"a b\", nc=1, response=\"6629\"",
            ),
            (
                "AWS4-HMAC-SHA256 Credential=AK/x, SignedHeaders=host;date, Signature=fe5f x",
                "Credential=AK/x, SignedHeaders=host;date, Signature=fe5f",
            ),
            ("\"Bearer abc def\" x", "abc def"),
            ("0a1b2c x", "0a1b2c"),
            ("Custom 0a1b2c x", "0a1b2c"),
            ("secret", "secret"),
        ] {
            let found = header(text.as_bytes(), 0, None, true).map(|range| &text[range]);
            assert_eq!(found, Some(expected), "{text}");
        }
        assert_eq!(header(b"required for all", 0, None, true), None);
    }

    #[test]
    fn schemes_elsewhere() {
        for (text, expected) in [
            ("Bearer abc.DEF-123_456==", Some("abc.DEF-123_456==")),
            ("BEARER 0123456789abcdef.", Some("0123456789abcdef")),
            ("Bearer+abc123def", Some("abc123def")),
            (
                "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
                Some("QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
            ),
            ("Basic understanding", None),
            ("basic authentication", None),
            ("bearer of this", None),
            ("Bearer certificates", None),
            ("Bearer", None),
            ("Bearerx abc123def", None),
        ] {
            assert_eq!(
                scheme_and_token(text.as_bytes(), 0).map(|range| &text[range]),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn all_cookies_of_a_header() {
        for (text, expected) in [
            ("a=b; c=d\" 200", "a=b; c=d"),
            ("a=b; Path=/; HttpOnly x", "a=b; Path=/; HttpOnly"),
            ("a=b; ", "a=b"),
            ("\"a=b; c=d e\"", "a=b; c=d e"),
            ("a=b;c=d", "a=b;c=d"),
        ] {
            assert_eq!(
                cookies(text.as_bytes(), 0, None).map(|range| &text[range]),
                Some(expected),
                "{text}"
            );
        }
    }
}
