//! The strings of JSON: where they end, what they mean, and how to write them.
//!
//! In: bytes between quotes, or a text. Out: the decoded text, or one with escapes.
//! Not here: everything around strings (`scan`).
//!
//! JSON can name halves of surrogate pairs (`"\ud800"`), which no text in UTF-8 contains. They decode to
//! three bytes that are not UTF-8 (WTF-8), so they are equal to themselves and to nothing else.

use std::borrow::Cow;

use crate::problem::What;
use crate::{Problem, lanes};

/// The index after the closing quote of a string whose content begins at `at`, and whether there are escapes
/// in it.
#[inline]
pub(crate) fn end(line: &[u8], at: usize) -> Result<(usize, bool), Problem> {
    let first = next_special(line, at);
    if line.get(first) == Some(&b'"') {
        return Ok((first + 1, false));
    }
    Ok((end_from(line, first)?, true))
}

/// The same for a string with an escape or a mistake at `at`.
#[inline(never)]
fn end_from(line: &[u8], mut at: usize) -> Result<usize, Problem> {
    loop {
        at = next_special(line, at);
        match line.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => at = escape_end(line, at)?,
            Some(_) => return Err(Problem::new(What::Control, line, at)),
            None => return Err(Problem::new(What::Quote, line, at)),
        }
    }
}

/// The index of the first quote, backslash or control character from `at` on; the line's length if there is
/// none.
#[inline]
fn next_special(line: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = line.get(at..).and_then(|rest| rest.first_chunk()) {
        if let Some(first) = lanes::special(chunk).first() {
            return at + first;
        }
        at += lanes::WIDTH;
    }
    while line.get(at).is_some_and(|&byte| !is_special(byte)) {
        at += 1;
    }
    at
}

#[inline]
fn is_special(byte: u8) -> bool {
    byte == b'"' || byte == b'\\' || byte < 0x20
}

/// The index after the escape that begins at `at`.
fn escape_end(line: &[u8], at: usize) -> Result<usize, Problem> {
    match line.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => {
            let digits = line[at + 2..].iter().take(4);
            let valid = digits.take_while(|digit| digit.is_ascii_hexdigit()).count();
            if valid == 4 {
                Ok(at + 6)
            } else {
                Err(Problem::new(What::HexDigits, line, at + 2 + valid))
            }
        }
        _ => Err(Problem::new(What::Escape, line, at + 1)),
    }
}

/// The text of a string, given with its quotes as [`Scan`](crate::Scan) found it.
#[inline]
pub fn decode(quoted: &[u8]) -> Cow<'_, [u8]> {
    let content = content(quoted);
    if content.contains(&b'\\') {
        Cow::Owned(unescape(content))
    } else {
        Cow::Borrowed(content)
    }
}

/// What is between the quotes.
#[inline]
pub(crate) fn content(quoted: &[u8]) -> &[u8] {
    match quoted {
        [_, content @ .., _] => content,
        _ => &[],
    }
}

#[cold]
fn unescape(content: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(content.len());
    let mut rest = content;
    while let Some(escape) = rest.iter().position(|&byte| byte == b'\\') {
        text.extend_from_slice(&rest[..escape]);
        rest = &rest[escape + 1..];
        let Some((&kind, after)) = rest.split_first() else {
            break;
        };
        rest = after;
        match kind {
            b'b' => text.push(0x08),
            b'f' => text.push(0x0c),
            b'n' => text.push(b'\n'),
            b'r' => text.push(b'\r'),
            b't' => text.push(b'\t'),
            b'u' => rest = unescape_unit(rest, &mut text),
            other => text.push(other),
        }
    }
    text.extend_from_slice(rest);
    text
}

/// Decodes an escape `\uXXXX`, and the second half of a surrogate pair after it. `rest` begins with the
/// digits; what is left of it is returned.
fn unescape_unit<'a>(rest: &'a [u8], text: &mut Vec<u8>) -> &'a [u8] {
    let Some((first, after)) = unit(rest) else {
        return rest;
    };
    if (0xd800..0xdc00).contains(&first)
        && let Some((second @ 0xdc00..0xe000, last)) = after.strip_prefix(b"\\u").and_then(unit)
    {
        push_code_point(
            0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00),
            text,
        );
        return last;
    }
    push_code_point(first, text);
    after
}

/// The number of the four digits with which `rest` begins, and what follows them.
fn unit(rest: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, after) = rest.split_at_checked(4)?;
    let digit = |unit: u32, &byte: &u8| Some(unit << 4 | char::from(byte).to_digit(16)?);
    Some((digits.iter().try_fold(0, digit)?, after))
}

fn push_code_point(code: u32, text: &mut Vec<u8>) {
    if let Some(character) = char::from_u32(code) {
        text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    } else {
        // A lone surrogate.
        text.extend([
            0xe0 | (code >> 12) as u8,
            0x80 | (code >> 6 & 0x3f) as u8,
            0x80 | (code & 0x3f) as u8,
        ]);
    }
}

/// Appends `text` as a string with quotes. Only what must be escaped is.
///
/// ```
/// let mut out = Vec::new();
/// jsonline::write_string("a \"b\"\n\u{1}ü", &mut out);
/// assert_eq!(out, br#""a \"b\"\n\u0001"#.iter().copied().chain("ü\"".bytes()).collect::<Vec<_>>());
/// ```
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    write_escaped(text.as_bytes(), out);
    out.push(b'"');
}

/// Appends `text` as [`write_string`] does, but bytes that are not UTF-8 become U+FFFD.
pub fn write_bytes(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for chunk in text.utf8_chunks() {
        write_escaped(chunk.valid().as_bytes(), out);
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
    out.push(b'"');
}

fn write_escaped(text: &[u8], out: &mut Vec<u8>) {
    let mut from = 0;
    loop {
        let at = next_special(text, from);
        out.extend_from_slice(&text[from..at]);
        let Some(&byte) = text.get(at) else {
            return;
        };
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            0x08 => out.extend(b"\\b"),
            0x0c => out.extend(b"\\f"),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            _ => {
                let digit = |value: u8| b"0123456789abcdef"[usize::from(value)];
                out.extend(b"\\u00");
                out.extend([digit(byte >> 4), digit(byte & 15)]);
            }
        }
        from = at + 1;
    }
}
