//! Places in a configuration file.
//!
//! In: a file as it was read, and the position of a value in it. Out: [`Place`], which a
//! [`Problem`] points at, and [`Places`], one for each key of a table.
//! Not here: how a place is shown (see `problem`).

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Problem;
use super::excerpt::Excerpt;

/// A range of a configuration file, or nothing if a value came from the command line or a default.
/// Equality ignores it: two settings are equal wherever they are written.
#[derive(Debug, Clone, Default)]
pub struct Place {
    source: Option<Arc<Source>>,
    span: Range<usize>,
}

/// A configuration file as read.
pub struct Source {
    /// Its path as the user wrote it.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

/// The places of the keys of one table. Equality ignores them, as for [`Place`].
#[derive(Debug, Clone, Default)]
pub struct Places {
    table: Place,
    keys: BTreeMap<&'static str, Place>,
}

/// The places of everything inside a filter's settings, by JSON Pointers such as `/patterns/0`. Equality
/// ignores them, as for [`Place`].
#[derive(Debug, Clone, Default)]
pub struct InnerPlaces(BTreeMap<String, InnerPlace>);

/// The place of one value inside a filter's settings.
#[derive(Debug, Clone)]
struct InnerPlace {
    /// The key; the value itself in a list.
    key: Place,
    value: Place,
}

// === impl Source ===

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The text would be too long for debug output.
        f.debug_struct("Source")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

// === impl Place ===

impl PartialEq for Place {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Place {}

impl Place {
    /// A range of `source`, in bytes.
    pub fn new(source: &Arc<Source>, span: Range<usize>) -> Self {
        Self {
            source: Some(Arc::clone(source)),
            span,
        }
    }

    /// A file that was read, as a whole.
    pub fn file_of(source: &Arc<Source>) -> Self {
        Self::new(source, 0..0)
    }

    /// A file as a whole, for an error that has no place in it.
    pub fn file(path: &Path) -> Self {
        let source = Source {
            path: path.to_owned(),
            text: String::new(),
        };
        Self {
            source: Some(Arc::new(source)),
            span: 0..0,
        }
    }

    /// The file, if any.
    pub fn path(&self) -> Option<&Path> {
        self.source.as_deref().map(|source| source.path.as_path())
    }

    /// File and line, as `FILE:LINE`.
    pub fn spot(&self) -> Option<String> {
        let path = self.path()?.display();
        Some(match self.excerpt() {
            Some(excerpt) => format!("{path}:{}", excerpt.number),
            None => path.to_string(),
        })
    }

    /// The text at this place.
    pub fn text(&self) -> Option<&str> {
        let source = self.source.as_deref()?;
        source.text.get(self.span.clone())
    }

    /// The key whose value is at this place, or that is itself there, as far as its line shows it.
    pub fn key(&self) -> Option<&str> {
        let text = self.source.as_deref()?.text.as_str();
        let is_name = |c: char| c.is_alphanumeric() || "_-.\"".contains(c);
        let here = text.get(self.span.clone())?;
        let after = text.get(self.span.end..)?.trim_start_matches([' ', '\t']);
        if after.starts_with('=') && !here.is_empty() && here.chars().all(is_name) {
            return Some(here);
        }
        let before = text.get(..self.span.start)?.trim_end_matches([' ', '\t']);
        let before = before.strip_suffix('=')?.trim_end_matches([' ', '\t']);
        let start = before.rfind(|c| !is_name(c));
        let name = &before[start.map_or(0, |at| at + 1)..];
        (!name.is_empty()).then_some(name)
    }

    /// The file as it was read, if any.
    pub fn source(&self) -> Option<&Arc<Source>> {
        self.source.as_ref()
    }

    /// A part of the text `written`, in bytes, which is in quotes at this place. All of this place
    /// if the file contains the text in another form, with escapes or over several lines.
    pub(crate) fn part(&self, written: &str, part: Range<usize>) -> Self {
        let start = self.span.start + 1;
        let source = self.source.as_deref();
        let found = source.and_then(|source| source.text.get(start..self.span.end.checked_sub(1)?));
        let mut place = self.clone();
        if found == Some(written) {
            place.span = start + part.start..start + part.end;
        }
        place
    }

    /// A problem at this place; see [`Problem::new`].
    pub fn problem(&self, what: impl Into<String>, hint: impl Into<String>) -> Problem {
        Problem::new(what, hint).at(self)
    }

    /// Where the place starts in the file, in bytes.
    pub(crate) fn start(&self) -> usize {
        self.span.start
    }

    /// What to show of the file; `None` without a text to show.
    pub(super) fn excerpt(&self) -> Option<Excerpt<'_>> {
        let text = self.source.as_deref().map(|source| source.text.as_str())?;
        (!text.is_empty()).then(|| Excerpt::new(text, self.span.clone()))
    }
}

// === impl Places ===

impl PartialEq for Places {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Places {}

impl Places {
    /// Places in a table that is itself at `table`.
    pub fn new(table: Place) -> Self {
        Self {
            table,
            keys: BTreeMap::new(),
        }
    }

    /// Records the place of a key's value.
    pub fn set(&mut self, key: &'static str, place: Place) {
        self.keys.insert(key, place);
    }

    /// The place of a key's value, if the table has the key.
    pub fn get(&self, key: &str) -> Option<&Place> {
        self.keys.get(key)
    }

    /// The place of a key's value, or that of the table if it does not have the key.
    pub fn of(&self, key: &str) -> &Place {
        self.keys.get(key).unwrap_or(&self.table)
    }
}

// === impl InnerPlaces ===

impl PartialEq for InnerPlaces {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for InnerPlaces {}

impl InnerPlaces {
    /// Records the places of the value that `pointer` leads to, and of its key.
    pub(crate) fn set(&mut self, pointer: String, key: Place, value: Place) {
        self.0.insert(pointer, InnerPlace { key, value });
    }

    /// The place of the value that `pointer` leads to, or of the nearest one around it.
    pub fn value(&self, pointer: &str) -> Option<&Place> {
        self.around(pointer).map(|found| &found.value)
    }

    /// The place of the key whose value `pointer` leads to, or of the nearest value around it.
    pub fn key(&self, pointer: &str) -> Option<&Place> {
        match self.0.get(pointer) {
            Some(found) => Some(&found.key),
            None => self.value(pointer),
        }
    }

    fn around(&self, pointer: &str) -> Option<&InnerPlace> {
        let mut pointer = pointer;
        loop {
            if let Some(found) = self.0.get(pointer) {
                return Some(found);
            }
            pointer = pointer.rsplit_once('/')?.0;
        }
    }
}
