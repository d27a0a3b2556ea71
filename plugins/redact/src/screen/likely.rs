//! Looks at a place more closely.
//!
//! In: a block, and the last byte of what may be something. Out: which bytes a detector has to look at, if any.
//! Not here: what the detectors find there.

use std::ops::Range;

use super::needles::{LEN, Needles};

/// What is at a place.
pub(super) enum Look {
    Nothing,
    /// A byte that may begin an escape, and whether it does so with one that may stand for a part of a secret.
    Mark(bool),
    /// Something that begins at one of these bytes.
    Here(Range<usize>),
    /// The start of a URL, which is a secret only if there is more.
    Url(Range<usize>),
}

/// How many bytes are looked at before a part of a key, and between the key and what follows it.
const NEAR: usize = 72;
/// How many bytes are looked at behind a part of a key.
const BEHIND: usize = 2 * NEAR;

/// The first byte of the control sequences of terminals.
const ESC: u8 = 0x1b;

/// What is known of a block from the places before.
#[derive(Default)]
pub(super) struct Seen {
    /// Where the last word ends that no separator follows.
    no_key: usize,
    /// Where the last range ends that was found. It is not looked at again.
    until: usize,
}

impl Seen {
    /// A range in which something may begin.
    fn here(&mut self, range: Range<usize>) -> Look {
        self.until = range.end;
        Look::Here(range)
    }
}

/// Where a run of numbers begins that was long enough at `at`.
pub(super) fn run(block: &[u8], at: usize, seen: &mut Seen) -> Look {
    /// The shortest grouped card number.
    const DIGITS: usize = 14;
    /// The longest number with dots.
    const DOTTED: usize = 24;
    let range = match block[at] {
        b'.' => {
            let belongs = |byte: u8| byte.is_ascii_digit() || byte == b'.';
            let before = &block[seen.until.min(at)..at];
            let len = before
                .iter()
                .rev()
                .take(DOTTED)
                .take_while(|&&byte| belongs(byte))
                .count();
            // A number may also be behind other separators.
            if len == DOTTED {
                at - DIGITS..at + 1
            } else {
                at - len..at + 1
            }
        }
        b':' => address(block, at, seen),
        _ => at.saturating_sub(DIGITS)..at + 1,
    };
    seen.here(range)
}

/// Where the run of hexadecimal digits, colons and dots before `at` begins.
fn address(block: &[u8], at: usize, seen: &Seen) -> Range<usize> {
    /// The longest address, with a key before it.
    const LONGEST: usize = 48;
    let belongs = |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    let len = block[seen.until.min(at)..at]
        .iter()
        .rev()
        .take(LONGEST)
        .take_while(|&&byte| belongs(byte))
        .count();
    at - len..at + 1
}

/// What is at `at`. `seen` is what was at the places before.
#[inline]
pub(super) fn look(block: &[u8], at: usize, needles: &Needles, seen: &mut Seen) -> Look {
    match &block[..=at] {
        [.., b'@'] => Look::Here(at..at + 1),
        [.., b':', b':'] if is_gap(block, at) => {
            let range = address(block, at, seen);
            seen.here(range)
        }
        [.., a, b, b'0'..=b'9', b'0'..=b'9']
            if a.is_ascii_uppercase() && b.is_ascii_uppercase() =>
        {
            Look::Here(at - 3..at + 1)
        }
        [.., b'\\'] => Look::Mark(matches!(
            block.get(at + 1),
            Some(b'u' | b'U' | b'x' | b'e' | b'0'..=b'3')
        )),
        [.., b'%'] => Look::Mark(block.get(at + 1).is_some_and(u8::is_ascii_hexdigit)),
        [.., b'#'] => Look::Mark(block[at + 1..].starts_with(b"033[")),
        [.., b'&'] => Look::Mark(is_entity(&block[at + 1..])),
        [.., 0xc2] if block.get(at + 1) == Some(&0xa0) => Look::Here(at.saturating_sub(8)..at + 1),
        [.., a, b, c] if needles.may_be([*a, *b, *c]) => {
            needle(block, at, [*a, *b, *c], needles, seen)
        }
        _ => Look::Nothing,
    }
}

/// What the needle `text` belongs to, which ends at `at`.
fn needle(block: &[u8], at: usize, text: [u8; LEN], needles: &Needles, seen: &mut Seen) -> Look {
    if text == *b"://" {
        return Look::Url(at + 1 - LEN..at + 1);
    }
    if needles.is_part(text) {
        // Other parts of a word that is no key are not looked at.
        return if at < seen.no_key {
            Look::Nothing
        } else {
            key(block, at, seen).map_or(Look::Nothing, Look::Here)
        };
    }
    if needles.is_scheme(text) {
        let follows = matches!(block.get(at + 1), Some(b' ' | b'\t' | b'+' | b'\\' | 0x1b));
        return if follows {
            Look::Here(at.saturating_sub(5)..at + 1)
        } else {
            Look::Nothing
        };
    }
    match needles.exact_start(text, block, at + 1) {
        Some(start) => Look::Here(start..start + 1),
        None => Look::Nothing,
    }
}

/// Whether two colons may be in an address: a hexadecimal digit follows, or precedes while no word follows.
fn is_gap(block: &[u8], at: usize) -> bool {
    match block.get(at + 1) {
        Some(byte) if byte.is_ascii_hexdigit() => true,
        Some(byte) if byte.is_ascii_alphanumeric() => false,
        _ => at >= 2 && block[at - 2].is_ascii_hexdigit(),
    }
}

/// Whether the name of an entity follows `&`.
fn is_entity(text: &[u8]) -> bool {
    const NAMES: [&[u8]; 7] = [b"#", b"quot;", b"apos;", b"amp;", b"lt;", b"gt;", b"nbsp;"];
    NAMES.iter().any(|name| text.starts_with(name))
}

/// Where the separator, flag or element of the key is that has a part which ends at `end`. Says in `seen` if
/// there is no separator.
fn key(block: &[u8], end: usize, seen: &mut Seen) -> Option<Range<usize>> {
    let belongs =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'$');
    let rest = &block[end + 1..];
    let behind = rest
        .iter()
        .take(BEHIND)
        .take_while(|&&byte| belongs(byte))
        .count();
    let is_mark = |byte: u8| matches!(byte, b' ' | b'\t' | b'"' | b'\'' | b'`' | b'\\' | b']');
    let marks = rest[behind..]
        .iter()
        .take(NEAR)
        .take_while(|&&byte| is_mark(byte))
        .count();
    let separator = end + 1 + behind + marks;
    match block.get(separator) {
        Some(b'=' | b':') => return Some(separator..separator + 1),
        // A control sequence, behind which there may be a separator.
        Some(&ESC) => return Some(end..end + 1),
        _ => {}
    }
    let start = end + 1 - LEN;
    let before = block[..start]
        .iter()
        .rev()
        .take(NEAR)
        .take_while(|&&byte| belongs(byte) || byte == b':')
        .count();
    let word = start - before;
    if word > 0 && block[word - 1] == b'<' {
        return Some(word - 1..word);
    }
    // The name of a secret in an attribute or element.
    if marks > 0
        && let [before @ .., b'"' | b'\''] = &block[..word]
    {
        // The quote may be escaped.
        let escapes = before.iter().rev().take(NEAR);
        let slashes = escapes.take_while(|&&byte| byte == b'\\').count();
        let mark = before.len() - slashes;
        if mark > 0 && before[mark - 1] == b'=' {
            return Some(mark - 1..mark);
        }
    }
    if let [.., b'>'] = block[..word]
        && block.get(separator) == Some(&b'<')
    {
        let name = block[..word].iter().rev().take(NEAR);
        let open = name.skip(1).position(|&byte| byte == b'<')?;
        return Some(word - 2 - open..word - 1 - open);
    }
    if block[word..start].starts_with(b"--") {
        return Some(word..word + 1);
    }
    // The value of a name.
    if marks > 0 && matches!(block.get(separator), Some(b',' | b'}')) {
        return Some(end..end + 1);
    }
    // All parts of the word have the same flag, or none. A key is not longer than what is looked at.
    seen.no_key = end
        + 1
        + if behind < BEHIND {
            behind
        } else {
            BEHIND - NEAR
        };
    None
}
