//! Finds JSON in a text, and the tokens of JSON.
//!
//! In: bytes. Out: where a valid object, array or string ends, and its strings and scalars in order.
//! Not here: what the strings mean.
//!
//! The grammar is that of RFC 8259; bytes outside ASCII are accepted in strings as they are. Nothing is built, so
//! the memory is one bit for each level of nesting.

use std::ops::Range;

/// A part of a JSON text, without white space, `,` and `:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// The content of a key, without quotes.
    Key(Range<usize>),
    /// The content of a string that is a value, without quotes.
    String(Range<usize>),
    /// A number, `true`, `false` or `null`.
    Scalar(Range<usize>),
    /// `{` or `[`.
    Open,
    /// `}` or `]`.
    Close,
}

/// Whether JSON was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// It ends here.
    Until(usize),
    /// It is not valid at this byte.
    InvalidAt(usize),
}

/// Parses the JSON value that begins at `start`. `nesting` is scratch memory.
pub(crate) fn parse(text: &[u8], start: usize, nesting: &mut Nesting) -> Parsed {
    nesting.clear();
    match value(text, start, nesting) {
        Ok(end) => Parsed::Until(end),
        Err(at) => Parsed::InvalidAt(at),
    }
}

/// The containers around a place: for each whether it is an object.
#[derive(Default)]
pub(crate) struct Nesting {
    bits: Vec<u64>,
    len: usize,
}

impl Nesting {
    fn clear(&mut self) {
        self.bits.clear();
        self.len = 0;
    }

    fn push(&mut self, object: bool) {
        if self.len.is_multiple_of(64) {
            self.bits.push(0);
        }
        let bit = 1 << (self.len % 64);
        if let Some(bits) = self.bits.last_mut() {
            *bits = if object { *bits | bit } else { *bits & !bit };
        }
        self.len += 1;
    }

    fn pop(&mut self) {
        self.len -= 1;
        if self.len.is_multiple_of(64) {
            self.bits.pop();
        }
    }

    /// Whether the innermost container is an object; `None` if there is none.
    fn object(&self) -> Option<bool> {
        let last = self.len.checked_sub(1)?;
        Some(self.bits[last / 64] >> (last % 64) & 1 == 1)
    }
}

/// Where the value ends, or the first byte that is not valid.
fn value(text: &[u8], start: usize, nesting: &mut Nesting) -> Result<usize, usize> {
    let mut at = start;
    loop {
        // A value begins at `at`.
        match text.get(at) {
            Some(open @ (b'{' | b'[')) => {
                let object = *open == b'{';
                nesting.push(object);
                at = space(text, at + 1);
                if text.get(at) == Some(if object { &b'}' } else { &b']' }) {
                    nesting.pop();
                    at += 1;
                } else {
                    if object {
                        at = key(text, at)?;
                    }
                    continue;
                }
            }
            Some(b'"') => at = string(text, at)?,
            Some(_) => at = scalar(text, at)?,
            None => return Err(at),
        }
        // A value has ended before `at`.
        loop {
            let Some(object) = nesting.object() else {
                return Ok(at);
            };
            at = space(text, at);
            match text.get(at) {
                Some(b',') => {
                    at = space(text, at + 1);
                    if object {
                        at = key(text, at)?;
                    }
                    break;
                }
                Some(b'}') if object => {}
                Some(b']') if !object => {}
                _ => return Err(at),
            }
            nesting.pop();
            at += 1;
        }
    }
}

/// A key with its colon. Returns where its value begins.
fn key(text: &[u8], at: usize) -> Result<usize, usize> {
    if text.get(at) != Some(&b'"') {
        return Err(at);
    }
    let at = space(text, string(text, at)?);
    if text.get(at) == Some(&b':') {
        Ok(space(text, at + 1))
    } else {
        Err(at)
    }
}

/// Where the string that begins with the quote at `at` ends, behind its quote.
fn string(text: &[u8], at: usize) -> Result<usize, usize> {
    let mut at = at + 1;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        at += rest
            .iter()
            .take_while(|&&byte| byte >= 0x20 && byte != b'"' && byte != b'\\')
            .count();
        match text.get(at..) {
            Some([b'"', ..]) => return Ok(at + 1),
            Some(
                [
                    b'\\',
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't',
                    ..,
                ],
            ) => at += 2,
            Some([b'\\', b'u', a, b, c, d, ..])
                if [a, b, c, d].iter().all(|digit| digit.is_ascii_hexdigit()) =>
            {
                at += 6;
            }
            _ => return Err(at),
        }
    }
}

/// Where the number or literal at `at` ends.
fn scalar(text: &[u8], at: usize) -> Result<usize, usize> {
    let rest = &text[at..];
    for literal in [&b"true"[..], b"false", b"null"] {
        if rest.starts_with(literal) {
            return Ok(at + literal.len());
        }
    }
    let digits = |from: usize| {
        rest[from..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    };
    let mut len = usize::from(rest.first() == Some(&b'-'));
    match digits(len) {
        0 => return Err(at + len),
        // No leading zeros.
        _ if rest[len] == b'0' => len += 1,
        count => len += count,
    }
    if rest.get(len) == Some(&b'.') {
        let count = digits(len + 1);
        if count == 0 {
            return Err(at + len);
        }
        len += 1 + count;
    }
    if let Some(b'e' | b'E') = rest.get(len) {
        let sign = usize::from(matches!(rest.get(len + 1), Some(b'+' | b'-')));
        let count = digits(len + 1 + sign);
        if count == 0 {
            return Err(at + len);
        }
        len += 1 + sign + count;
    }
    Ok(at + len)
}

/// Where white space from `at` on ends.
pub(crate) fn space(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
        .count()
}

/// The tokens of valid JSON, in order.
pub(crate) struct Tokens<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Tokens<'a> {
    /// `text` is one valid JSON value.
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// The tokens from `at` on, which is not within one.
    pub(crate) fn from(text: &'a [u8], at: usize) -> Self {
        Self { text, at }
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let start = loop {
            match self.text.get(self.at)? {
                b' ' | b'\t' | b'\n' | b'\r' | b',' | b':' => self.at += 1,
                _ => break self.at,
            }
        };
        let (end, token) = match self.text[start] {
            b'{' | b'[' => (start + 1, Token::Open),
            b'}' | b']' => (start + 1, Token::Close),
            b'"' => {
                let end = string(self.text, start).ok()?;
                let content = start + 1..end - 1;
                let is_key = self.text.get(space(self.text, end)) == Some(&b':');
                (
                    end,
                    if is_key {
                        Token::Key(content)
                    } else {
                        Token::String(content)
                    },
                )
            }
            _ => {
                let end = scalar(self.text, start).ok()?;
                (end, Token::Scalar(start..end))
            }
        };
        self.at = end;
        Some(token)
    }
}

#[cfg(test)]
mod tests {
    use super::{Nesting, Parsed, Token, Tokens, parse};

    #[test]
    fn valid_json_is_accepted_and_other_text_refused() {
        let mut nesting = Nesting::default();
        let mut until = |text: &str| parse(text.as_bytes(), 0, &mut nesting);
        for valid in [
            "{}",
            "[]",
            r#"{"a":[1,-0.5e+3,{"b":null}],"c":"\u00e9\"\\"}"#,
            "[ true , false ]",
            "\"a\"",
            "12",
            "[[[[]]]]",
            "{\"\":{\"\":{}}}",
            "[0,0.1,1E5]",
        ] {
            assert_eq!(until(valid), Parsed::Until(valid.len()), "{valid}");
        }
        let deep = "[".repeat(1000) + &"]".repeat(1000);
        assert_eq!(until(&deep), Parsed::Until(2000));
        for (invalid, at) in [
            ("", 0),
            ("{", 1),
            ("[1,]", 3),
            ("{\"a\"}", 4),
            ("{\"a\":}", 5),
            ("[01]", 2),
            ("[1.]", 2),
            ("\"a", 2),
            ("\"\\x\"", 1),
            ("\"\\u12g4\"", 1),
            ("[1 2]", 3),
            ("{a:1}", 1),
            ("[}", 1),
            ("\"\n\"", 1),
            ("[1e]", 2),
            ("[-]", 2),
            ("nul", 0),
        ] {
            assert_eq!(until(invalid), Parsed::InvalidAt(at), "{invalid}");
        }
    }

    #[test]
    fn tokens_come_in_order() {
        let text = r#"{"a" : "b", "c":[1,true],"":null}"#;
        let mut found = Vec::new();
        for token in Tokens::new(text.as_bytes()) {
            found.push(match token {
                Token::Key(range) => format!("key {}", &text[range]),
                Token::String(range) => format!("string {}", &text[range]),
                Token::Scalar(range) => format!("scalar {}", &text[range]),
                Token::Open => "open".to_owned(),
                Token::Close => "close".to_owned(),
            });
        }
        let expected =
            "open,key a,string b,key c,open,scalar 1,scalar true,close,key ,scalar null,close";
        assert_eq!(found.join(","), expected);
    }
}
