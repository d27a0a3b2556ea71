//! Keys from the fields of lines that are JSON.
//!
//! In: paths from the setting `field`, and lines. Out: the values at these paths. Not here: how several
//! values become one key (`key`).

use std::borrow::Cow;
use std::fmt::{self, Formatter};
use std::ops::Range;

use jsonline::{Finder, Found, Path, Step, decode};
use linemill_sdk::Error;
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};

/// The setting `field`: a path or a list of paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(pub Vec<String>);

/// Finds the values.
pub(super) struct Values {
    finder: Finder,
    /// How many paths there are.
    paths: usize,
    /// What was found in the latest line, by path.
    found: Found,
}

/// The most paths.
const MAX_PATHS: usize = 16;

impl Values {
    pub(super) fn new(fields: &Fields) -> Result<Self, Error> {
        let refused = |problem: String| Error::setting("field", problem);
        if !(1..=MAX_PATHS).contains(&fields.0.len()) {
            return Err(refused(format!(
                "it has {} paths; 1 to {MAX_PATHS} are allowed",
                fields.0.len()
            )));
        }
        let mut finder = Finder::default();
        for text in &fields.0 {
            let path = Path::parse(text).map_err(refused)?;
            if path.steps().contains(&Step::Each) {
                return Err(refused(format!(
                    "`{text}` stands for any number of values; name one element, such as [0], or the array itself"
                )));
            }
            finder.add(&path).map_err(refused)?;
        }
        Ok(Self {
            finder,
            paths: fields.0.len(),
            found: Found::new(),
        })
    }

    /// Finds the values in a line. Returns whether there are any.
    pub(super) fn find(&mut self, line: &[u8]) -> bool {
        if self.finder.find(line, &mut self.found).is_err() {
            self.found.clear();
        }
        // Members of an object come in any order.
        self.found.sort_by_key(|(path, _)| *path);
        !self.found.is_empty()
    }

    /// The only value, if there is only one path.
    pub(super) fn only(&self) -> Option<Range<usize>> {
        match &*self.found {
            [(_, value)] if self.paths == 1 => Some(value.clone()),
            _ => None,
        }
    }

    /// All values with their paths' numbers, by path.
    pub(super) fn all(&self) -> impl Iterator<Item = (usize, Range<usize>)> {
        self.found
            .iter()
            .map(|(path, value)| (*path, value.clone()))
    }
}

/// The text of a value: that of a string without quotes and escapes, and any other value as it is.
pub(super) fn text(value: &[u8]) -> Cow<'_, [u8]> {
    if value.first() == Some(&b'"') {
        decode(value)
    } else {
        value.into()
    }
}

// === impl Fields ===

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Fields;

            fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
                f.write_str("a path such as \"user.id\", or a list of paths")
            }

            fn visit_str<E: serde::de::Error>(self, path: &str) -> Result<Fields, E> {
                Ok(Fields(vec![path.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut paths: A) -> Result<Fields, A::Error> {
                let mut fields = Fields::default();
                while let Some(path) = paths.next_element()? {
                    fields.0.push(path);
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_any(Reader)
    }
}
