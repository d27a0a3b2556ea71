//! Decides which bytes to mask around a match.
//!
//! In: a line and a match in it. Out: the range to mask, which may be the match, more or less than
//! it, or nothing. Not here: searching for matches.
//!
//! Some patterns only find where a secret may begin. Their checks read the bytes before or after
//! the match, each byte a fixed number of times.

use std::net::Ipv6Addr;
use std::ops::Range;

/// Returns the range to mask around the match `found`, or `None` if there is no secret.
pub(crate) type Check = fn(line: &[u8], found: Range<usize>) -> Option<Range<usize>>;

/// Masks the match itself.
pub(crate) fn whole(_: &[u8], found: Range<usize>) -> Option<Range<usize>> {
    Some(found)
}

/// `eyJ…`: masks three parts separated by dots. The last part may be empty.
pub(crate) fn jwt(line: &[u8], found: Range<usize>) -> Option<Range<usize>> {
    // A header is short. Without a bound, a long word with many `eyJ` would take quadratic time.
    let header = run(
        &line[..line.len().min(found.end + 1024)],
        found.end,
        is_base64,
    );
    let payload = run(line, header + 1, is_base64);
    let dots = line.get(header) == Some(&b'.') && line.get(payload) == Some(&b'.');
    (dots && payload - header > 6).then(|| found.start..run(line, payload + 1, is_base64))
}

/// `Bearer abc`: masks the credentials after the space.
pub(crate) fn credentials(line: &[u8], found: Range<usize>) -> Option<Range<usize>> {
    let space = line[found.clone()]
        .iter()
        .rposition(|byte| matches!(byte, b' ' | b'\t'))?;
    let end = run(line, found.end, |byte| {
        is_base64(byte) || matches!(byte, b'.' | b'~' | b'+' | b'/')
    });
    Some(found.start + space + 1..run(line, end, |byte| byte == b'='))
}

/// `password: "abc"`: masks the value after the `=` or `:`, without white space and quotes. If a
/// quote is never closed, the value extends to the end of the line.
pub(crate) fn value(line: &[u8], found: Range<usize>) -> Option<Range<usize>> {
    // The match ends with the value's first byte.
    let start = found.end - 1;
    let quote = *line[..start].last()?;
    let quoted = matches!(quote, b'"' | b'\'') && line[start - 2] != b'\\';
    if !quoted {
        let ends = |byte: u8| {
            byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'&' | b',' | b';' | b'\\')
        };
        return Some(start..run(line, start, |byte| !ends(byte)));
    }
    let mut end = start;
    while end < line.len() && line[end] != quote {
        end += if line[end] == b'\\' { 2 } else { 1 };
    }
    Some(start..end.min(line.len()))
}

/// `@e`: masks the name before the `@`, the `@`, and the longest domain after it whose last label
/// is a word.
pub(crate) fn email(line: &[u8], found: Range<usize>) -> Option<Range<usize>> {
    let name = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'\'' | b'-' | 0x80..)
    };
    let before = line[..found.start]
        .iter()
        .rev()
        .take_while(|&&byte| name(byte))
        .count();
    // An apostrophe or a dot may be part of a name, but not its first byte.
    let start = run(line, found.start - before, |byte| {
        matches!(byte, b'.' | b'\'')
    });
    let domain = found.start + 1;
    let label = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | 0x80..);
    let (mut end, mut best) = (domain, None);
    loop {
        let next = run(line, end, label);
        let last = &line[end..next];
        if last.is_empty() {
            break;
        }
        let word = last
            .iter()
            .take_while(|byte| byte.is_ascii_alphabetic() || **byte >= 0x80)
            .count();
        if end > domain && word >= 2 {
            best = Some(end + word);
        }
        if line.get(next) != Some(&b'.') {
            break;
        }
        end = next + 1;
    }
    best.filter(|_| start < found.start).map(|end| start..end)
}

/// Masks an IBAN with valid check digits (ISO 13616): with the first four characters moved to the
/// end and letters read as 10 to 35, the number modulo 97 is 1. Words after the number may look
/// like further groups, so the longest valid number counts.
pub(crate) fn iban(line: &[u8], found: Range<usize>) -> Option<Range<usize>> {
    let text = &line[found.clone()];
    let characters: Vec<(usize, u8)> = text
        .iter()
        .copied()
        .enumerate()
        .filter(|&(_, byte)| byte != b' ')
        .collect();
    (15..=characters.len().min(34)).rev().find_map(|count| {
        let end = characters[count - 1].0 + 1;
        let at_group_end = text.get(end).is_none_or(|&byte| byte == b' ');
        (at_group_end && remainder_97(&characters[..count]) == 1)
            .then(|| found.start..found.start + end)
    })
}

/// The number that these characters of an IBAN stand for, modulo 97.
fn remainder_97(characters: &[(usize, u8)]) -> u32 {
    let (country, account) = characters.split_at(4);
    account
        .iter()
        .chain(country)
        .fold(0, |rest, &(_, byte)| match byte {
            b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
            _ => (rest * 100 + u32::from(byte - b'A') + 10) % 97,
        })
}

/// Masks the match if its check digit (ISO/IEC 7812, Luhn) is valid and not all digits are zero.
pub(crate) fn card(line: &[u8], found: Range<usize>) -> Option<Range<usize>> {
    let digits = line[found.clone()]
        .iter()
        .rev()
        .filter(|byte| byte.is_ascii_digit());
    let (mut sum, mut any) = (0, 0);
    for (index, byte) in digits.enumerate() {
        let digit = u32::from(byte - b'0');
        any |= digit;
        let doubled = if index % 2 == 1 { digit * 2 } else { digit };
        sum += if doubled > 9 { doubled - 9 } else { doubled };
    }
    (sum % 10 == 0 && any != 0).then_some(found)
}

/// Masks the match unless it is part of a longer dotted number, such as a version of five parts.
pub(crate) fn ipv4(line: &[u8], found: Range<usize>) -> Option<Range<usize>> {
    let before =
        found.start >= 2 && line[found.start - 1] == b'.' && line[found.start - 2].is_ascii_digit();
    let after = matches!(line[found.end..], [b'.', b'0'..=b'9', ..]);
    (!before && !after).then_some(found)
}

/// Masks the match if the standard library parses it as an address, it is not part of a longer
/// word, and it contains a digit: `a::b` is more likely a path in a program.
pub(crate) fn ipv6(line: &[u8], found: Range<usize>) -> Option<Range<usize>> {
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'_');
    let inside =
        line[..found.start].last().is_some_and(word) || line[found.end..].first().is_some_and(word);
    let text = std::str::from_utf8(&line[found.clone()]).ok()?;
    let digit = text.bytes().any(|byte| byte.is_ascii_digit());
    (!inside && digit && text.parse::<Ipv6Addr>().is_ok()).then_some(found)
}

/// Where the run of bytes that begins at `start` and for which `belongs` is true ends.
fn run(line: &[u8], start: usize, belongs: impl Fn(u8) -> bool) -> usize {
    let rest = line.get(start..).unwrap_or_default();
    start + rest.iter().take_while(|&&byte| belongs(byte)).count()
}

/// Whether `byte` is in the URL-safe base64 alphabet (RFC 4648, section 5), without padding.
fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}
