//! The grammar of RFC 8259.
//!
//! In: a line, and the index of a byte in it. Out: the index after what begins there, or what is wrong.
//! Indices are passed by value, so that they stay in registers. Nesting may have any depth: it takes one bit
//! per level, and no recursion.
//! Not here: UTF-8, which is checked once for the whole line (`scan`).

use crate::problem::What;
use crate::{Problem, string};

/// Where the parts of a member are.
pub(crate) struct Member {
    /// After the name's closing quote.
    pub(crate) end: usize,
    pub(crate) colon: usize,
    /// Where the value begins.
    pub(crate) value: usize,
    /// There are escapes in the name.
    pub(crate) escaped: bool,
}

/// Skips white space.
#[inline]
pub(crate) fn blanks(line: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t' | b'\n' | b'\r') = line.get(at) {
        at += 1;
    }
    at
}

/// Reads a value.
#[inline]
pub(crate) fn value(line: &[u8], at: usize) -> Result<usize, Problem> {
    match line.get(at) {
        Some(b'"') => Ok(string::end(line, at + 1)?.0),
        Some(b'{' | b'[') => nested(line, at),
        _ => plain(line, at),
    }
}

/// Reads a name and the colon after it, up to the value.
#[inline]
pub(crate) fn name(line: &[u8], at: usize) -> Result<Member, Problem> {
    if line.get(at) != Some(&b'"') {
        return Err(Problem::new(What::Name, line, at));
    }
    let (end, escaped) = string::end(line, at + 1)?;
    let colon = blanks(line, end);
    if line.get(colon) != Some(&b':') {
        return Err(Problem::new(What::Colon, line, colon));
    }
    let value = blanks(line, colon + 1);
    Ok(Member {
        end,
        colon,
        value,
        escaped,
    })
}

/// Reads a number, `true`, `false` or `null`.
#[inline]
fn plain(line: &[u8], at: usize) -> Result<usize, Problem> {
    match line.get(at) {
        Some(b'-' | b'0'..=b'9') => number(line, at),
        Some(b't') => word(line, at, "true"),
        Some(b'f') => word(line, at, "false"),
        Some(b'n') => word(line, at, "null"),
        _ => Err(Problem::new(What::Value, line, at)),
    }
}

#[inline]
fn word(line: &[u8], at: usize, word: &'static str) -> Result<usize, Problem> {
    if line[at..].starts_with(word.as_bytes()) {
        Ok(at + word.len())
    } else {
        Err(Problem::new(What::Word(word), line, at))
    }
}

#[inline]
fn number(line: &[u8], mut at: usize) -> Result<usize, Problem> {
    at += usize::from(line[at] == b'-');
    if line.get(at) == Some(&b'0') {
        at += 1;
        if line.get(at).is_some_and(u8::is_ascii_digit) {
            return Err(Problem::new(What::LeadingZero, line, at - 1));
        }
    } else {
        at = digits(line, at)?;
    }
    if line.get(at) == Some(&b'.') {
        at = digits(line, at + 1)?;
    }
    if let Some(b'e' | b'E') = line.get(at) {
        let sign = matches!(line.get(at + 1), Some(b'+' | b'-'));
        at = digits(line, at + 1 + usize::from(sign))?;
    }
    Ok(at)
}

#[inline]
fn digits(line: &[u8], start: usize) -> Result<usize, Problem> {
    let mut at = start;
    while line.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    if at == start {
        return Err(Problem::new(What::Digit, line, at));
    }
    Ok(at)
}

/// Reads an object or array, with all that is in it.
fn nested(line: &[u8], mut at: usize) -> Result<usize, Problem> {
    let mut levels = Levels::default();
    loop {
        // A value begins here.
        match line.get(at) {
            Some(b'"') => at = string::end(line, at + 1)?.0,
            Some(b'{') => {
                at = blanks(line, at + 1);
                match line.get(at) {
                    Some(b'}') => at += 1,
                    Some(b'"') => {
                        levels.push(true);
                        at = name(line, at)?.value;
                        continue;
                    }
                    _ => return Err(Problem::new(What::NameOrBrace, line, at)),
                }
            }
            Some(b'[') => {
                at = blanks(line, at + 1);
                if line.get(at) == Some(&b']') {
                    at += 1;
                } else {
                    levels.push(false);
                    continue;
                }
            }
            _ => at = plain(line, at)?,
        }
        // A value has ended, and possibly what it is in.
        loop {
            let Some(in_object) = levels.top() else {
                return Ok(at);
            };
            at = blanks(line, at);
            match line.get(at) {
                Some(b',') => {
                    at = blanks(line, at + 1);
                    if in_object {
                        at = name(line, at)?.value;
                    }
                    break;
                }
                Some(b'}') if in_object => {}
                Some(b']') if !in_object => {}
                _ if in_object => return Err(Problem::new(What::CommaOrBrace, line, at)),
                _ => return Err(Problem::new(What::CommaOrBracket, line, at)),
            }
            at += 1;
            levels.pop();
        }
    }
}

/// The objects and arrays around a place: a bit for each, set for an object.
#[derive(Default)]
struct Levels {
    /// The innermost of them, up to 64; the lowest bit is the innermost.
    bits: u64,
    /// All others, 64 at a time.
    outer: Vec<u64>,
    /// How many there are in all.
    depth: usize,
}

impl Levels {
    #[inline]
    fn push(&mut self, object: bool) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.outer.push(self.bits);
        }
        self.bits = self.bits << 1 | u64::from(object);
        self.depth += 1;
    }

    /// Whether the innermost is an object; `None` if there is none.
    #[inline]
    fn top(&self) -> Option<bool> {
        (self.depth > 0).then_some(self.bits & 1 == 1)
    }

    #[inline]
    fn pop(&mut self) {
        self.depth -= 1;
        self.bits >>= 1;
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.bits = self.outer.pop().unwrap_or_default();
        }
    }
}
