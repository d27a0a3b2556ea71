//! Secrets behind flags, and in elements of XML.
//!
//! In: a text, and the first dash of a flag or the `<` of an element. Out: the secret, and where to go on.

use super::key::{self, Class};
use super::keyed::{blanks_at, opening};
use super::{Context, value};
use crate::detector::Detector;
use crate::found::Found;

/// Finds the secret behind the flag at `at`: `--password hunter2`. Returns where to go on, if there is one.
pub(super) fn flag(
    text: &[u8],
    at: usize,
    context: &Context<'_>,
    found: &mut impl FnMut(Found),
) -> Option<usize> {
    let name = text[at..].strip_prefix(b"--")?;
    let len = name
        .iter()
        .take(key::MAX)
        .take_while(|&&byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        .count();
    let end = at + 2 + len;
    let blanks = blanks_at(text, end);
    let value = end + blanks;
    let class = key::class(&name[..len], context.keys)?;
    if blanks == 0
        || !matches!(class, Class::Secret | Class::Text)
        || matches!(text.get(value), None | Some(b'-' | b'=' | b':' | b'|'))
    {
        return None;
    }
    if let Some(len) = context.masked(&text[value..]) {
        return Some(value + len);
    }
    let (range, next) = match opening(text, value) {
        Some((start, open)) => {
            let end = value::string(text, start, open);
            (start..end, value::skip_quote(text, end, open))
        }
        None => {
            let end = value::bare(text, value);
            (value..end, end)
        }
    };
    if range.is_empty() {
        return None;
    }
    found(Found::new(range, Detector::Password as usize));
    Some(next)
}

/// Finds the secret in the element at `at`: `<password>hunter2</password>`. Returns where to go on, if there is one.
pub(super) fn element(
    text: &[u8],
    at: usize,
    context: &Context<'_>,
    found: &mut impl FnMut(Found),
) -> Option<usize> {
    let name = &text[at + 1..];
    let len = name
        .iter()
        .take(key::MAX)
        .take_while(|&&byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':')
        })
        .count();
    // Without the prefix of a namespace.
    let local = name[..len]
        .iter()
        .rposition(|&byte| byte == b':')
        .map_or(0, |colon| colon + 1);
    let class = key::class(&name[local..len], context.keys)?;
    let rule = match class {
        Class::Secret | Class::Text => Detector::Password,
        Class::Authorization => Detector::Bearer,
        Class::Cookie => Detector::Cookie,
    };
    if !matches!(name.get(len), Some(b'>' | b' ' | b'\t' | b'\n' | b'\r')) {
        return None;
    }
    // Attributes end with the tag.
    let tag = memchr::memchr2(b'>', b'<', &name[len..])?;
    if name[len + tag] != b'>' || name[..len + tag].ends_with(b"/") || !context.has(rule) {
        return None;
    }
    let mut start = at + 1 + len + tag + 1;
    let (behind, mark) = match text[start..].strip_prefix(b"<![CDATA[") {
        Some(_) => {
            start += 9;
            (memchr::memmem::find(&text[start..], b"]]>"), &b"]]>"[..])
        }
        None => (memchr::memchr(b'<', &text[start..]), &b""[..]),
    };
    let end = behind.map_or(text.len(), |len| start + len);
    let content = text[start..end].trim_ascii();
    // `login <user> <password> now` is no element.
    let is_closed = !mark.is_empty() || text[end..].starts_with(b"</");
    if !is_closed && (end < text.len() || content.iter().any(u8::is_ascii_whitespace)) {
        return None;
    }
    if content.is_empty() {
        return None;
    }
    if context.masked(content) == Some(content.len()) {
        return Some(end);
    }
    let skipped = text[start..end]
        .iter()
        .take_while(|byte| byte.is_ascii_whitespace())
        .count();
    found(Found::new(
        start + skipped..start + skipped + content.len(),
        rule as usize,
    ));
    Some((end + mark.len()).min(text.len()))
}
