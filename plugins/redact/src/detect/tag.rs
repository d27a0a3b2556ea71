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
    let mut end = at + 2 + len;
    // In a list, the flag and its value are in quotes: `'--password', 'hunter2'`.
    let in_list = at > 0
        && matches!(text[at - 1], b'"' | b'\'')
        && text.get(end) == Some(&text[at - 1])
        && text.get(end + 1) == Some(&b',');
    end += if in_list { 2 } else { 0 };
    let blanks = blanks_at(text, end);
    let value = end + blanks;
    let class = key::class(&name[..len], context.keys)?;
    if blanks == 0 && !in_list
        || in_list && opening(text, value.min(text.len())).is_none()
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

/// The detector for values of keys of this class.
fn rule(class: Class) -> Detector {
    match class {
        Class::Secret | Class::Text => Detector::Password,
        Class::Authorization => Detector::Bearer,
        Class::Cookie => Detector::Cookie,
    }
}

/// The longest tag or name that is looked at.
const NEAR: usize = 256;

/// Finds the secret in the elements within the element `name` that begin at `at`:
/// `<Password><Value>x</Value></Password>`.
fn nested(
    text: &[u8],
    mut at: usize,
    name: &[u8],
    context: &Context<'_>,
    rule: Detector,
    found: &mut impl FnMut(Found),
) -> Option<usize> {
    const MOST: usize = 16;
    let mut any = None;
    for _ in 0..MOST {
        let tag = text[at..].strip_prefix(b"<")?;
        if tag
            .strip_prefix(b"/")
            .is_some_and(|tag| tag.starts_with(name))
        {
            break;
        }
        let start = at + 1 + memchr::memchr(b'>', &tag[..tag.len().min(NEAR)])? + 1;
        let rest = &text[start..text.len().min(start + 16 * NEAR)];
        let end = start + memchr::memchr(b'<', rest)?;
        let content = text[start..end].trim_ascii_start();
        let first = end - content.len();
        let content = content.trim_ascii_end();
        if !content.is_empty() {
            if context.masked(content) != Some(content.len()) {
                found(Found::new(first..first + content.len(), rule as usize));
            }
            any = Some(end);
        }
        at = end;
    }
    any
}

/// Finds the secret whose name is in the element at `at`: `<key>password</key><string>x</string>`.
fn name_element(
    text: &[u8],
    at: usize,
    element: &[u8],
    context: &Context<'_>,
    found: &mut impl FnMut(Found),
) -> Option<usize> {
    let is_name = element.eq_ignore_ascii_case(b"key") || element.eq_ignore_ascii_case(b"name");
    let content = text[at + 1 + element.len()..]
        .strip_prefix(b">")
        .filter(|_| is_name)?;
    let len = memchr::memchr(b'<', &content[..content.len().min(key::MAX)])?;
    let class = key::class(content[..len].trim_ascii(), context.keys)?;
    let close = content[len..]
        .strip_prefix(b"</")?
        .strip_prefix(element)?
        .strip_prefix(b">")?;
    let next = close.trim_ascii_start();
    let start = text.len() - next.len();
    let end = start + memchr::memchr(b'>', &next[..next.len().min(NEAR)])? + 1;
    let value = &text[end..text.len().min(end + 16 * NEAR)];
    let value = &value[..memchr::memchr(b'<', value)?];
    if !next.starts_with(b"<") || next.starts_with(b"</") || !context.has(rule(class)) {
        return None;
    }
    if !value.is_empty() && context.masked(value) != Some(value.len()) {
        found(Found::new(end..end + value.len(), rule(class) as usize));
    }
    Some(end + value.len())
}

/// Finds the secret whose name is in the attribute with the `=` at `at`: `key="ApiKey" value="x"`, also in the content
/// of the element: `<property name="password">x</property>`.
pub(super) fn attribute(
    text: &[u8],
    at: usize,
    context: &Context<'_>,
    found: &mut impl FnMut(Found),
) -> Option<usize> {
    const NAMES: [&[u8]; 2] = [b"name", b"key"];
    const VALUES: [&[u8]; 2] = [b"value", b"val"];
    if !super::ends_with_word(&text[..at], &NAMES) {
        return None;
    }
    let open = value::quote(text, at + 1)?;
    let near = &text[..text.len().min(at + 2 + NEAR)];
    let end = value::string(near, at + 2, open);
    let class = key::class(&text[at + 2..end], context.keys)?;
    let behind = value::skip_quote(near, end, open);
    let tag = memchr::memchr(b'>', &near[behind..]).map(|len| behind + len);
    let attributes = &near[behind..tag.unwrap_or(near.len())];
    let mut marks = memchr::memchr_iter(b'=', attributes);
    let value = marks.find(|&mark| super::ends_with_word(&attributes[..mark], &VALUES));
    let range = match (value, tag) {
        (Some(mark), _) => {
            let (start, open) = opening(text, behind + mark + 1)?;
            start..value::string(text, start, open)
        }
        (None, Some(tag)) if !attributes.ends_with(b"/") => {
            let content = &text[tag + 1..text.len().min(tag + 1 + 16 * NEAR)];
            let len = memchr::memmem::find(content, b"</")?;
            tag + 1..tag + 1 + len
        }
        _ => return None,
    };
    let value = &text[range.clone()];
    if value.trim_ascii().is_empty() || value.contains(&b'<') || !context.has(rule(class)) {
        return None;
    }
    if context.masked(value) != Some(value.len()) {
        found(Found::new(range.clone(), rule(class) as usize));
    }
    Some(range.end)
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
    let Some(class) = key::class(&name[local..len], context.keys) else {
        return name_element(text, at, &name[local..len], context, found);
    };
    let rule = rule(class);
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
    if content.is_empty() && end < text.len() {
        return nested(text, end, &name[..len], context, rule, found);
    }
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
