//! Syslog as in RFC 5424.
//!
//! In: a line without its priority. Out: its fields; structured data is an object of objects.

use std::ops::Range;

use super::{given, time};
use crate::Parsed;
use crate::logfmt::quoted;
use crate::object::Object;
use crate::pairs::{Pairs, Value};

/// The structured data of a line.
#[derive(Default)]
pub(crate) struct Elements {
    /// The names of the elements, for finding out whether one occurs twice.
    names: Pairs,
    elements: Vec<Element>,
    params: Pairs,
}

struct Element {
    name: Range<usize>,
    /// What follows the name, up to the closing bracket.
    params: Range<usize>,
}

const NO_DATA: &str = "not RFC 5424: the structured data is not `[id name=\"value\"]`";

/// Whether a line without its priority has the version and the time of RFC 5424.
pub(super) fn begins(line: &str) -> bool {
    version(line).is_some_and(|(_, rest)| {
        rest.starts_with("- ") || rest.get(..5).is_some_and(|year| year.ends_with('-'))
    })
}

/// The version, and what follows it.
fn version(line: &str) -> Option<(&str, &str)> {
    let (version, rest) = line.split_once(' ')?;
    let is_version = matches!(version.len(), 1..=3)
        && version.bytes().all(|byte| byte.is_ascii_digit())
        && !version.starts_with('0');
    is_version.then_some((version, rest))
}

/// Parses a line.
pub(super) fn parse(line: &str, elements: &mut Elements, object: &mut Object) -> Parsed {
    let (version, rest) =
        version(line).ok_or("not RFC 5424: there is no version after the priority")?;
    object.field("version", version);
    let (timestamp, mut rest) = rest.split_once(' ').unwrap_or((rest, ""));
    if timestamp != "-" && time::iso(timestamp, 6, true) != Some(timestamp.len()) {
        return Err(
            "not RFC 5424: the time is not like 2003-10-11T22:14:15.003Z, with at most six digits \
             of a second"
                .into(),
        );
    }
    object.present("timestamp", given(timestamp));
    for name in ["hostname", "appname", "procid", "msgid"] {
        let (value, after) = rest.split_once(' ').unwrap_or((rest, ""));
        if value.is_empty() {
            return Err(format!("not RFC 5424: the {name} is missing").into());
        }
        object.present(name, given(value));
        rest = after;
    }
    let message = elements.parse(rest, object)?;
    object.present(
        "message",
        Some(message).filter(|message| !message.is_empty()),
    );
    Ok(())
}

impl Elements {
    /// Parses structured data, and returns the message after it.
    fn parse<'a>(
        &mut self,
        text: &'a str,
        object: &mut Object,
    ) -> Result<&'a str, std::borrow::Cow<'static, str>> {
        if !text.starts_with('[') {
            // Without the hyphen too, since Heroku leaves it out.
            let message = match text.strip_prefix('-') {
                Some(rest) if rest.is_empty() || rest.starts_with(' ') => {
                    &rest[rest.len().min(1)..]
                }
                _ => text,
            };
            return Ok(message.strip_prefix('\u{FEFF}').unwrap_or(message));
        }
        let end = self.find(text).ok_or(NO_DATA)?;
        let message = match text[end..].strip_prefix(' ') {
            Some(message) => message,
            None if end == text.len() => "",
            None => return Err(NO_DATA.into()),
        };
        if self.names.find_repeated(text) {
            return Err("not RFC 5424: the structured data has an element twice".into());
        }
        object.name("structured_data");
        object.raw("{");
        for element in &self.elements {
            object.name(&text[element.name.clone()]);
            object.raw("{");
            self.params.clear();
            params(text, element.params.clone(), &mut self.params);
            self.params.find_repeated(text);
            self.params.write(text, None, unescape, object);
            object.raw("}");
        }
        object.raw("}");
        Ok(message.strip_prefix('\u{FEFF}').unwrap_or(message))
    }

    /// Finds the elements that `text` begins with, and where they end.
    fn find(&mut self, text: &str) -> Option<usize> {
        self.names.clear();
        self.elements.clear();
        let bytes = text.as_bytes();
        let mut at = 0;
        while bytes.get(at) == Some(&b'[') {
            let name = name(bytes, at + 1)?;
            let start = name.end;
            self.params.clear();
            let end = params(text, start..text.len(), &mut self.params)?;
            (bytes.get(end) == Some(&b']')).then_some(())?;
            self.names.push(name.clone(), Value::Missing);
            self.elements.push(Element {
                name,
                params: start..end,
            });
            at = end + 1;
        }
        Some(at)
    }
}

/// Reads parameters, each with a blank before it, and returns where they end.
fn params(text: &str, range: Range<usize>, params: &mut Pairs) -> Option<usize> {
    let bytes = &text.as_bytes()[..range.end];
    let mut at = range.start;
    while bytes.get(at) == Some(&b' ') {
        let name = name(bytes, at + 1)?;
        bytes[name.end..].starts_with(b"=\"").then_some(())?;
        let value = quoted(bytes, name.end + 2)?;
        at = value.end + 1;
        let escaped = bytes[value.clone()].contains(&b'\\');
        params.push(
            name,
            if escaped {
                Value::Escaped(value)
            } else {
                Value::Plain(value)
            },
        );
    }
    Some(at)
}

/// The name that begins at `start`.
fn name(bytes: &[u8], start: usize) -> Option<Range<usize>> {
    let is_name = |byte: &&u8| !matches!(byte, 0..=b' ' | b'=' | b']' | b'"' | 0x7F);
    let length = bytes.get(start..)?.iter().take_while(is_name).count();
    (length > 0).then_some(start..start + length)
}

/// Appends the text that `escaped` stands for. A backslash stands for itself unless a quote, a backslash or a
/// bracket follows.
fn unescape(escaped: &str, text: &mut String) {
    let mut rest = escaped;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if after.starts_with(['"', '\\', ']']) {
            text.push_str(&after[..1]);
            rest = &after[1..];
        } else {
            text.push('\\');
            rest = after;
        }
    }
    text.push_str(rest);
}
