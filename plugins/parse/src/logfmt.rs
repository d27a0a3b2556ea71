//! logfmt: `level=info msg="it works" cached`.
//!
//! In: a line. Out: a field for each pair, in the order of the line. Not here: how repeated names are written
//! ([`Pairs`]).

use memchr::{memchr, memchr2};

use crate::Parsed;
use crate::object::Object;
use crate::pairs::{Pairs, Value};

/// Parses a line. The field `omit` is left out.
pub(crate) fn parse(
    line: &str,
    omit: Option<&str>,
    pairs: &mut Pairs,
    object: &mut Object,
) -> Parsed {
    pairs.clear();
    let bytes = line.as_bytes();
    let mut at = 0;
    let mut any_value = false;
    loop {
        at += count(&bytes[at..], is_space);
        if at == bytes.len() {
            break;
        }
        let start = at;
        at += count(&bytes[at..], |byte| !matches!(byte, 0..=b' ' | b'=' | b'"'));
        let name = start..at;
        if name.is_empty() || bytes.get(at) == Some(&b'"') {
            return Err("not logfmt: a name is missing before `=` or a quote".into());
        }
        if bytes.get(at) != Some(&b'=') {
            pairs.push(name, Value::Missing);
            continue;
        }
        any_value = true;
        at += 1;
        if bytes.get(at) == Some(&b'"') {
            let value = quoted(bytes, at + 1).ok_or("not logfmt: a quote is not closed")?;
            at = value.end + 1;
            if bytes.get(at).is_some_and(|&byte| !is_space(byte)) {
                return Err("not logfmt: no space after a closing quote".into());
            }
            let escaped = memchr(b'\\', &bytes[value.clone()]).is_some();
            pairs.push(
                name,
                if escaped {
                    Value::Escaped(value)
                } else {
                    Value::Plain(value)
                },
            );
        } else {
            let start = at;
            at += count(&bytes[at..], |byte| !is_space(byte));
            pairs.push(name, Value::Plain(start..at));
        }
    }
    if !any_value {
        return Err("not logfmt: there is no `name=value`".into());
    }
    pairs.find_repeated(line);
    pairs.write(line, omit, unescape, object);
    Ok(())
}

/// Everything up to the blank separates pairs.
fn is_space(byte: u8) -> bool {
    byte <= b' '
}

fn count(bytes: &[u8], test: impl Fn(u8) -> bool) -> usize {
    bytes.iter().take_while(|&&byte| test(byte)).count()
}

/// The range of a quoted text that starts at `start`, without its quotes; `None` if it does not end.
pub(crate) fn quoted(bytes: &[u8], start: usize) -> Option<std::ops::Range<usize>> {
    let mut at = start;
    loop {
        at += memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(start..at);
        }
        at += 2;
    }
}

/// Appends the text that `escaped` stands for. Escapes are those of JSON; other backslashes stand for
/// themselves.
fn unescape(escaped: &str, text: &mut String) {
    let mut rest = escaped;
    while let Some(at) = memchr(b'\\', rest.as_bytes()) {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let mut chars = rest.chars();
        let character = match chars.next() {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some(same @ ('"' | '\\' | '/')) => same,
            Some('u') if let Some((character, after)) = unicode(chars.as_str()) => {
                text.push(character);
                rest = after;
                continue;
            }
            _ => {
                text.push('\\');
                continue;
            }
        };
        text.push(character);
        rest = chars.as_str();
    }
    text.push_str(rest);
}

/// The character that the digits after `\u` stand for, and what follows it: four digits, or a surrogate pair.
/// A surrogate alone stands for U+FFFD.
fn unicode(from: &str) -> Option<(char, &str)> {
    let hex = |from: &str| {
        let digits = from.get(..4)?;
        let only_digits = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        only_digits.then(|| u32::from_str_radix(digits, 16).ok())?
    };
    let first = hex(from)?;
    let after = &from[4..];
    if matches!(first, 0xD800..0xDC00)
        && let Some(from) = after.strip_prefix("\\u")
        && let Some(second @ 0xDC00..0xE000) = hex(from)
    {
        let code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        return Some((char::from_u32(code)?, &from[4..]));
    }
    Some((char::from_u32(first).unwrap_or('\u{FFFD}'), after))
}
