//! Looks at a place more closely.
//!
//! In: a block, and the last byte of what may be something. Out: whether a secret may be there.

use super::needles::{LEN, Needles, SCHEMES, is_one_of};
use crate::detect::PARTS;

/// How many bytes are looked at on either side of a part of a key.
const NEAR: usize = 72;

/// Whether there may be a secret at `at`.
#[inline]
pub(super) fn is_likely(block: &[u8], at: usize, needles: &Needles) -> bool {
    match &block[..=at] {
        [.., b'@'] => true,
        [.., b':', b':'] => is_gap(block, at),
        [.., a, b, b'0'..=b'9', b'0'..=b'9'] => a.is_ascii_uppercase() && b.is_ascii_uppercase(),
        [.., b'\\', next] if matches!(next, b'u' | b'U' | b'x' | b'0'..=b'3') => true,
        [.., b'%', next] if next.is_ascii_hexdigit() => true,
        [.., b'&', _] if is_entity(&block[at..]) => true,
        [.., 0xc2, 0xa0] => true,
        [.., a, b, c] if needles.may_be([*a, *b, *c]) => {
            let needle = [*a, *b, *c];
            is_one_of(&needle, &PARTS) && is_key(block, at)
                || is_one_of(&needle, &SCHEMES) && is_scheme(block, at)
                || needles.is_exact(block, at + 1)
        }
        _ => false,
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
    [
        &b"#"[..],
        b"quot;",
        b"apos;",
        b"amp;",
        b"lt;",
        b"gt;",
        b"nbsp;",
    ]
    .iter()
    .any(|name| text.starts_with(name))
}

/// Whether the word that the part of a key ending at `end` is in may be a key: a separator follows, or it is a flag,
/// an element, or a string.
fn is_key(block: &[u8], end: usize) -> bool {
    let belongs =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'$');
    let behind = block[end + 1..]
        .iter()
        .take(NEAR)
        .take_while(|&&byte| belongs(byte))
        .count();
    let rest = &block[end + 1 + behind..];
    let is_mark = |byte: u8| matches!(byte, b' ' | b'\t' | b'"' | b'\'' | b'`' | b'\\' | b']');
    let marks = rest
        .iter()
        .take(NEAR)
        .take_while(|&&byte| is_mark(byte))
        .count();
    match rest.get(marks) {
        Some(b'=' | b':') => return true,
        // A blank in a key in quotes, or the value of a name.
        Some(b',' | b'}') if marks > 0 => return true,
        _ if behind == NEAR || marks == NEAR => return true,
        _ => {}
    }
    let start = (end + 1).saturating_sub(LEN);
    let before = block[..start]
        .iter()
        .rev()
        .take(NEAR)
        .take_while(|&&byte| belongs(byte) || byte == b':')
        .count();
    let word = &block[start - before..start];
    word.windows(2).any(|pair| pair == b"--")
        || start > before && block[start - before - 1] == b'<'
        || before == NEAR
}

/// Whether a blank or what may stand for one follows.
fn is_scheme(block: &[u8], end: usize) -> bool {
    matches!(block.get(end + 1), Some(b' ' | b'\t' | b'+' | b'\\'))
}
