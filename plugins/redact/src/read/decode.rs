//! Undoes one layer of encoding of a text, and remembers where each byte came from.
//!
//! In: a text. Out: the text without one layer of backslash escapes, percent encoding, XML and HTML entities,
//! and the `#012` of syslog daemons; and a map that leads back. Not here: which parts of a line are decoded.
//!
//! What does not form an escape stays as it is, so any text can be decoded.

use std::ops::Range;

/// A decoded text.
pub(crate) struct Decoded {
    pub(crate) text: Vec<u8>,
    escapes: Vec<Escape>,
}

/// An escape, and what it stands for. Between two escapes, both texts have the same bytes.
#[derive(Clone, Copy, Debug)]
struct Escape {
    /// Where it is in the encoded text, and its length.
    from: u32,
    from_len: u8,
    /// Where what it stands for is in the decoded text, and its length.
    to: u32,
    to_len: u8,
}

/// What encodes a part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Backslashes, as in JSON.
    Backslash,
    /// `%40`.
    Percent,
    /// `&quot;`.
    Entity,
    /// `#012`, which only encodes control characters.
    Octal,
}

impl Decoded {
    /// Decodes one layer of any encoding. Returns `None` if there is nothing to decode.
    pub(crate) fn of(encoded: &[u8]) -> Option<Self> {
        // Usually there is no `#`.
        let octal = memchr::memchr(b'#', encoded).is_some();
        let mark = |byte: &u8| matches!(byte, b'\\' | b'%' | b'&' | b'#');
        Self::by(encoded, |text| match octal {
            true => text.iter().position(mark),
            false => memchr::memchr3(b'\\', b'%', b'&', text),
        })
    }

    /// Decodes the backslashes in the content of a string in JSON. Returns `None` if there are none.
    pub(crate) fn json(encoded: &[u8]) -> Option<Self> {
        Self::by(encoded, |text| memchr::memchr(b'\\', text))
    }

    /// Decodes the escapes that begin with a byte that `mark` finds.
    fn by(encoded: &[u8], mark: impl Fn(&[u8]) -> Option<usize>) -> Option<Self> {
        let mut decoded = Self {
            text: Vec::new(),
            escapes: Vec::new(),
        };
        let (mut at, mut copied) = (0, 0);
        while let Some(found) = mark(&encoded[at..]) {
            let found = at + found;
            let Some((len, bytes)) = escape(&encoded[found..]) else {
                at = found + 1;
                continue;
            };
            if decoded.escapes.is_empty() {
                // As much as is needed, because growing lists would take three times that.
                let marks = |byte: &&u8| matches!(byte, b'\\' | b'%' | b'&' | b'#');
                decoded
                    .escapes
                    .reserve_exact(encoded[found..].iter().filter(marks).count());
                decoded.text.reserve_exact(encoded.len());
            }
            decoded.text.extend_from_slice(&encoded[copied..found]);
            decoded.escapes.push(Escape {
                from: found as u32,
                from_len: len as u8,
                to: decoded.text.len() as u32,
                to_len: bytes.len as u8,
            });
            decoded.text.extend_from_slice(&bytes.bytes[..bytes.len]);
            at = found + len;
            copied = at;
        }
        if decoded.escapes.is_empty() {
            return None;
        }
        decoded.text.extend_from_slice(&encoded[copied..]);
        Some(decoded)
    }

    /// Replaces control sequences of terminals, `ESC [ 32 m`, by a blank each. Their first byte may itself be
    /// escaped, and what is escaped otherwise stays so. Returns `None` if there are none.
    pub(crate) fn colours(text: &[u8]) -> Option<Self> {
        let mut plain: Option<Self> = None;
        let mut copied = 0;
        for open in memchr::memchr_iter(b'[', text) {
            let Some(start) = escape_before(&text[..open]).filter(|&start| start >= copied) else {
                continue;
            };
            let rest = &text[open + 1..];
            let parameters = rest
                .iter()
                .take(MAX_PARAMETERS)
                .take_while(|byte| matches!(byte, 0x20..=0x3f))
                .count();
            if !matches!(rest.get(parameters), Some(0x40..=0x7e)) {
                continue;
            }
            let plain = plain.get_or_insert_with(|| Self {
                text: Vec::with_capacity(text.len()),
                escapes: Vec::new(),
            });
            let end = open + 1 + parameters + 1;
            plain.text.extend_from_slice(&text[copied..start]);
            plain.escapes.push(Escape {
                from: start as u32,
                from_len: (end - start) as u8,
                to: plain.text.len() as u32,
                to_len: 1,
            });
            plain.text.push(b' ');
            copied = end;
        }
        if let Some(plain) = &mut plain {
            plain.text.extend_from_slice(&text[copied..]);
        }
        plain
    }

    /// Where a range of the decoded text came from. An escape is never cut.
    pub(crate) fn origin(&self, range: Range<usize>) -> Range<usize> {
        let start = match self.before(|escape| escape.to as usize <= range.start) {
            None => range.start,
            Some(escape) if range.start < escape.decoded_end() => escape.from as usize,
            Some(escape) => escape.end() + (range.start - escape.decoded_end()),
        };
        let end = match self.before(|escape| (escape.to as usize) < range.end) {
            None => range.end,
            Some(escape) if range.end < escape.decoded_end() => escape.end(),
            Some(escape) => escape.end() + (range.end - escape.decoded_end()),
        };
        start..end
    }

    /// How the text around a place in the decoded text is encoded: as the last escape before it, or the first.
    pub(crate) fn encoding(&self, encoded: &[u8], at: usize) -> Encoding {
        let escape = self
            .before(|escape| escape.to as usize <= at)
            .or(self.escapes.first());
        match escape.and_then(|escape| encoded.get(escape.from as usize)) {
            Some(b'%') => Encoding::Percent,
            Some(b'&') => Encoding::Entity,
            Some(b'#') => Encoding::Octal,
            _ => Encoding::Backslash,
        }
    }

    fn before(&self, is_before: impl Fn(&Escape) -> bool) -> Option<&Escape> {
        let count = self.escapes.partition_point(is_before);
        self.escapes[..count].last()
    }
}

impl Escape {
    fn end(&self) -> usize {
        self.from as usize + usize::from(self.from_len)
    }

    fn decoded_end(&self) -> usize {
        self.to as usize + usize::from(self.to_len)
    }
}

/// The most parameters of a control sequence that are looked at, in bytes.
const MAX_PARAMETERS: usize = 64;

/// Where the character ESC begins that `text` ends with, perhaps escaped.
fn escape_before(text: &[u8]) -> Option<usize> {
    /// Ways to write it, in lower case, and whether backslashes precede.
    const FORMS: [(&[u8], bool); 9] = [
        (b"\x1b", false),
        (b"u001b", true),
        (b"u{1b}", true),
        (b"x1b", true),
        (b"033", true),
        (b"e", true),
        (b"#033", false),
        (b"%1b", false),
        (b"&#27;", false),
    ];
    if !matches!(text.last()?, 0x1b | b'b' | b'B' | b'}' | b'3' | b'e' | b';') {
        return None;
    }
    FORMS.iter().find_map(|(form, is_escaped)| {
        let start = text.len().checked_sub(form.len())?;
        let slashes = text[..start]
            .iter()
            .rev()
            .take(MAX_PARAMETERS)
            .take_while(|&&byte| byte == b'\\')
            .count();
        let is = text[start..].eq_ignore_ascii_case(form) && (slashes > 0 || !is_escaped);
        is.then_some(if *is_escaped { start - slashes } else { start })
    })
}

/// Up to four bytes.
struct Bytes {
    bytes: [u8; 4],
    len: usize,
}

/// What the escape at the start of `text` stands for, with its length.
fn escape(text: &[u8]) -> Option<(usize, Bytes)> {
    match text {
        [b'\\', rest @ ..] => backslash(rest).map(|(len, bytes)| (1 + len, bytes)),
        [b'%', high, low, ..] => Some((3, byte(hex(&[*high, *low])? as u8))),
        [b'&', rest @ ..] => entity(rest).map(|(len, bytes)| (1 + len, bytes)),
        [b'#', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..] => {
            let code = (a - b'0') << 6 | (b - b'0') << 3 | (c - b'0');
            (code < 0x20 || code == 0x7f).then(|| (4, byte(code)))
        }
        _ => None,
    }
}

/// What follows a backslash.
fn backslash(text: &[u8]) -> Option<(usize, Bytes)> {
    let plain = |code| Some((1, byte(code)));
    match text {
        [quoted @ (b'"' | b'\'' | b'\\' | b'/' | b'`'), ..] => plain(*quoted),
        [b'n' | b'v' | b'f', ..] => plain(b'\n'),
        [b'r', ..] => plain(b'\r'),
        [b't', ..] => plain(b'\t'),
        [b'u', rest @ ..] => unicode(rest).map(|(len, bytes)| (1 + len, bytes)),
        [b'U', rest @ ..] => {
            let code = char::from_u32(hex(rest.get(..8)?)?)?;
            Some((9, character(code)))
        }
        [b'x', high, low, ..] => Some((3, byte(hex(&[*high, *low])? as u8))),
        [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..] => {
            Some((3, byte((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'))))
        }
        [code @ (b'b' | b'a' | b'e' | b'0'), ..] => plain(if *code == b'b' { 8 } else { 0 }),
        _ => None,
    }
}

/// What follows `\u`: four digits, twice if they are the first half of a pair, or digits in braces.
fn unicode(text: &[u8]) -> Option<(usize, Bytes)> {
    if let [b'{', rest @ ..] = text {
        let len = rest.iter().take(7).position(|&byte| byte == b'}')?;
        let code = char::from_u32(hex(&rest[..len])?)?;
        return Some((len + 2, character(code)));
    }
    let code = hex(text.get(..4)?)?;
    if let (0xd800..0xdc00, Some([b'\\', b'u', low @ ..])) = (code, text.get(4..))
        && let Some(low @ 0xdc00..0xe000) = low.get(..4).and_then(hex)
    {
        let code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        return Some((10, character(char::from_u32(code)?)));
    }
    Some((
        4,
        character(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)),
    ))
}

/// What follows `&`.
fn entity(text: &[u8]) -> Option<(usize, Bytes)> {
    if let [b'#', rest @ ..] = text {
        let end = rest.iter().take(9).position(|&byte| byte == b';')?;
        let code = match &rest[..end] {
            [b'x' | b'X', digits @ ..] => hex(digits)?,
            digits => std::str::from_utf8(digits).ok()?.parse().ok()?,
        };
        return Some((end + 2, character(char::from_u32(code)?)));
    }
    let named: [(&[u8], u8); 6] = [
        (b"quot;", b'"'),
        (b"apos;", b'\''),
        (b"amp;", b'&'),
        (b"lt;", b'<'),
        (b"gt;", b'>'),
        (b"nbsp;", b' '),
    ];
    let (name, code) = named.iter().find(|(name, _)| text.starts_with(name))?;
    Some((name.len(), byte(*code)))
}

/// The number that one to eight hexadecimal digits stand for.
fn hex(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 8 {
        return None;
    }
    digits.iter().try_fold(0, |number, &digit| {
        Some(number << 4 | char::from(digit).to_digit(16)?)
    })
}

fn byte(byte: u8) -> Bytes {
    Bytes {
        bytes: [byte, 0, 0, 0],
        len: 1,
    }
}

fn character(character: char) -> Bytes {
    let mut bytes = [0; 4];
    let len = character.encode_utf8(&mut bytes).len();
    Bytes { bytes, len }
}

#[cfg(test)]
mod tests {
    use super::{Decoded, Encoding};

    fn decoded(text: &str) -> Option<String> {
        Decoded::of(text.as_bytes())
            .map(|decoded| String::from_utf8_lossy(&decoded.text).into_owned())
    }

    #[test]
    fn one_layer_is_undone() {
        for (encoded, expected) in [
            (r#"\"a\\\"b\/\n"#, "\"a\\\"b/\n"),
            (
                r"\u0040\u00e9\ud83d\ude00\u{1f600}\x40\U0001F600\100",
                "@é😀😀@😀@",
            ),
            (r"\ud800x\udc00", "\u{fffd}x\u{fffd}"),
            ("a%40b%2540", "a@b%40"),
            ("&quot;&lt;&#64;&#x40;&amp;lt;", "\"<@@&lt;"),
            ("a#012b#011", "a\nb\t"),
        ] {
            assert_eq!(decoded(encoded).as_deref(), Some(expected), "{encoded}");
        }
        for plain in [
            "",
            "100% of & #1 #200 \\q \\u12 %4 %zz &x; &#x110000; \\",
            "#400",
        ] {
            assert_eq!(decoded(plain), None, "{plain}");
        }
    }

    #[test]
    fn ranges_lead_back_to_whole_escapes() {
        let encoded = "ab%40c\\u00e9d".as_bytes();
        let decoded = Decoded::of(encoded).unwrap();
        assert_eq!(decoded.text, "ab@céd".as_bytes());
        for (range, expected) in [
            (0..2, 0..2),
            (1..3, 1..5),
            (2..3, 2..5),
            (3..4, 5..6),
            (4..5, 6..12),
            (5..6, 6..12),
            (6..7, 12..13),
            (0..7, 0..13),
            (3..3, 5..5),
        ] {
            assert_eq!(decoded.origin(range.clone()), expected, "{range:?}");
        }
        assert_eq!(decoded.encoding(encoded, 3), Encoding::Percent);
        assert_eq!(decoded.encoding(encoded, 6), Encoding::Backslash);
    }
}
