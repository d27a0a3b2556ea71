//! The key of a line, by which filters treat lines alike.
//!
//! In: the settings `key` and `field`, and lines. Out: the bytes of a line's key. Not here: what a filter
//! does with lines that have the same key.
//!
//! A key that consists of one part is that part itself, so that a pattern and a field which find the same
//! text yield the same key. Several parts have their lengths before them, so that no two lists of parts yield
//! the same bytes.

mod fields;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub use fields::Fields;
use fields::{Values, text};
use linemill_sdk::Error;
use pattern::{Budget, Captures, Options};

/// How much memory a [`Key`] may take, in bytes, besides the parts of the line that it consists of.
pub const MEMORY: u64 = pattern::SMALL_CAPTURES_MEMORY;

/// Finds keys.
pub struct Key {
    source: Source,
    /// The key of the latest line, if it is not a part of the line as it is.
    made: Vec<u8>,
}

enum Source {
    Pattern(Box<Captures>),
    Fields(Values),
}

impl Key {
    /// A key by the settings `key`, a pattern, or `field`; `None` without both.
    ///
    /// # Errors
    /// There are both, or one of them is not valid.
    pub fn new(key: Option<&str>, field: Option<&Fields>) -> Result<Option<Self>, Error> {
        let source = match (key, field) {
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => {
                return Err(Error::setting(
                    "field",
                    "it does not go with `key`; both say what the key of a line is, so remove one of them",
                ));
            }
            (Some(expression), None) => {
                let mut budget = Budget::small();
                let options = Options::default();
                let pattern = Captures::new("key", expression, options, &mut budget)?;
                Source::Pattern(Box::new(pattern))
            }
            (None, Some(field)) => Source::Fields(Values::new(field)?),
        };
        Ok(Some(Self {
            source,
            made: Vec::new(),
        }))
    }

    /// The key of a line; `None` if the pattern does not match, or the line is not JSON with one of the
    /// fields.
    pub fn of<'a>(&'a mut self, line: &'a [u8]) -> Option<&'a [u8]> {
        self.made.clear();
        match &mut self.source {
            Source::Pattern(pattern) => of_groups(pattern, line, &mut self.made),
            Source::Fields(values) => of_values(values, line, &mut self.made),
        }
    }
}

fn of_groups<'a>(
    pattern: &mut Captures,
    line: &'a [u8],
    made: &'a mut Vec<u8>,
) -> Option<&'a [u8]> {
    let groups = pattern.names().len() - 1;
    if groups == 0 {
        return pattern.find(line, 0).map(|found| &line[found]);
    }
    if !pattern.find_with_groups(line) {
        return None;
    }
    if groups == 1 {
        return pattern.group(1).map(|found| &line[found]);
    }
    let mut any = false;
    for (number, group) in (1..=groups).enumerate() {
        if let Some(found) = pattern.group(group) {
            add(made, number, &line[found]);
            any = true;
        }
    }
    any.then_some(made)
}

fn of_values<'a>(values: &mut Values, line: &'a [u8], made: &'a mut Vec<u8>) -> Option<&'a [u8]> {
    if !values.find(line) {
        return None;
    }
    if let Some(value) = values.only() {
        return Some(match text(&line[value]) {
            Cow::Borrowed(text) => text,
            Cow::Owned(text) => {
                *made = text;
                made
            }
        });
    }
    for (path, value) in values.all() {
        add(made, path, &text(&line[value]));
    }
    Some(made)
}

/// Adds a part: its number, which tells a missing part from an empty one, its length and itself.
fn add(key: &mut Vec<u8>, number: usize, part: &[u8]) {
    key.extend((number as u32).to_le_bytes());
    key.extend((part.len() as u32).to_le_bytes());
    key.extend(part);
}
