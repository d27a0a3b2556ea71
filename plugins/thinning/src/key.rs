//! The key of a line, by which filters treat lines alike. A library for filters, not a filter.
//!
//! In: the settings `key` or `field`, and lines. Out: the bytes of a line's key. Not here: what a filter does
//! with lines that have the same key.
//!
//! A key that consists of one part is that part itself, so that a pattern and a field which find the same text
//! yield the same key. Several parts have their lengths before them, so that no two lists of parts yield
//! the same bytes.

use linemill_sdk::Error;
use pattern::{Budget, Captures, Options};

/// How much memory a [`Key`] may take, in bytes, besides the parts of the line that it consists of.
pub const MEMORY: u64 = pattern::SMALL_CAPTURES_MEMORY;

/// Finds keys by a pattern.
pub struct Key {
    pattern: Captures,
    /// The key of the latest line, if it has several parts.
    parts: Vec<u8>,
}

impl Key {
    /// A key by the setting `key`; `None` without it.
    ///
    /// # Errors
    /// The pattern is not valid, or too large.
    pub fn new(key: Option<&str>) -> Result<Option<Self>, Error> {
        let Some(expression) = key else {
            return Ok(None);
        };
        let mut budget = Budget::small();
        let pattern = Captures::new("key", expression, Options::default(), &mut budget)?;
        Ok(Some(Self {
            pattern,
            parts: Vec::new(),
        }))
    }

    /// The key of a line; `None` if it has none.
    pub fn of<'a>(&'a mut self, line: &'a [u8]) -> Option<&'a [u8]> {
        let groups = self.pattern.names().len() - 1;
        if groups == 0 {
            return self.pattern.find(line, 0).map(|found| &line[found]);
        }
        if !self.pattern.find_with_groups(line) {
            return None;
        }
        if groups == 1 {
            return self.pattern.group(1).map(|found| &line[found]);
        }
        let found = (1..=groups).map(|group| self.pattern.group(group));
        join(
            &mut self.parts,
            found.map(|found| found.map(|found| &line[found])),
        )
    }
}

/// Sets `key` to several parts. Returns it unless all parts are missing.
fn join<'a, 'p>(
    key: &'a mut Vec<u8>,
    parts: impl Iterator<Item = Option<&'p [u8]>>,
) -> Option<&'a [u8]> {
    key.clear();
    let mut any = false;
    for part in parts {
        any |= part.is_some();
        // A part that is missing is not the same as an empty one.
        let length = part.map_or(u32::MAX, |part| part.len() as u32);
        key.extend(length.to_le_bytes());
        key.extend(part.unwrap_or_default());
    }
    any.then_some(key.as_slice())
}
