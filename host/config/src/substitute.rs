//! Values from outside a configuration: `${NAME}` in a text, and `{ file = "PATH" }` instead of a text.
//!
//! In: the tree of a file as it is written. Out: the same tree with these values replaced by the
//! environment variable or by the content of the file. Positions in the tree stay as they are, so reports
//! show what is written, never the value. Not here: which values a key may have.

use std::borrow::Cow;
use std::ffi::OsString;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::collector::Collector;
use crate::files::{ReadError, patience::Files};
use crate::printable::quote;
use crate::problem::Problem;
use crate::problem::place::{Place, Source};
use crate::settings::OutsideValues;

/// Largest file whose content may be a value, in bytes.
const FILE_SIZE: u64 = 64 * 1024;
/// The same for a value in the settings of a filter, which may be a list of 100,000 patterns.
const SETTING_SIZE: u64 = 4 * 1024 * 1024;
/// What a reference to a variable begins with.
const OPEN: &str = "${";

/// Where values come from.
pub(crate) struct Outside<'a> {
    /// The value of an environment variable.
    pub(crate) variable: &'a dyn Fn(&str) -> Option<OsString>,
    /// Access to files.
    pub(crate) files: &'a Files,
}

/// A file while its values are replaced.
struct Substitution<'a> {
    outside: &'a Outside<'a>,
    source: &'a Arc<Source>,
    /// Folder that relative paths start from.
    folder: &'a Path,
    problems: &'a mut Collector,
    values: &'a mut OutsideValues,
}

/// What is wrong with a reference in a text.
struct Fault {
    /// The reference, in bytes of the text.
    at: Range<usize>,
    what: String,
    hint: String,
}

/// Replaces all values of `tree`, which is the text of `source` at `level`, and adds them to `values`. A value that
/// cannot be replaced becomes a problem.
pub(crate) fn substitute(
    tree: &mut DeTable<'_>,
    level: Level,
    source: &Arc<Source>,
    folder: &Path,
    outside: &Outside<'_>,
    problems: &mut Collector,
    values: &mut OutsideValues,
) {
    let mut substitution = Substitution {
        outside,
        source,
        folder,
        problems,
        values,
    };
    substitution.table(tree, level);
}

/// Whether the text at `place` is replaced, or would be.
pub(crate) fn is_substituted(place: &Place) -> bool {
    let written = place.text().unwrap_or_default();
    written.starts_with('{') || written.contains(OPEN)
}

/// Where a table is. A filter gets any table as its settings, so this one table is never a value.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Level {
    File,
    Filters,
    /// The keys of one filter.
    Filter,
    Settings,
    Other,
}

impl Level {
    fn of(self, key: &str) -> Self {
        match (self, key) {
            (Self::File, "filter") => Self::Filters,
            (Self::Filters, _) => Self::Filter,
            (Self::Settings, _) => Self::Settings,
            _ => Self::Other,
        }
    }
}

impl Substitution<'_> {
    fn table(&mut self, table: &mut DeTable<'_>, level: Level) {
        for (key, value) in table.iter_mut() {
            let key = key.get_ref().as_ref();
            if level == Level::Filter && key == "settings" {
                self.inside(value, Level::Settings);
            } else {
                self.value(value, level.of(key));
            }
        }
    }

    /// Replaces a value, or what is inside it.
    fn value(&mut self, value: &mut Spanned<DeValue<'_>>, level: Level) {
        let place = Place::new(self.source, value.span());
        let replaced = match value.get_ref() {
            DeValue::String(text) => self.text(text, &place),
            DeValue::Table(table) => match path_of_file(table, &place) {
                Some(path) => self.file(path, &place, level).map(Some),
                None => Ok(None),
            },
            _ => Ok(None),
        };
        match replaced {
            Ok(Some(text)) => *value.get_mut() = DeValue::String(Cow::Owned(text)),
            Ok(None) => self.inside(value, level),
            Err(problem) => self.problems.push(problem),
        }
    }

    fn inside(&mut self, value: &mut Spanned<DeValue<'_>>, level: Level) {
        match value.get_mut() {
            DeValue::Table(table) => self.table(table, level),
            DeValue::Array(items) => {
                let inner = if level == Level::Settings {
                    level
                } else {
                    Level::Other
                };
                for item in items.iter_mut() {
                    self.value(item, inner);
                }
            }
            _ => {}
        }
    }

    /// The text with its variables replaced; `None` if it has none.
    fn text(&mut self, text: &str, place: &Place) -> Result<Option<String>, Problem> {
        if !text.contains(OPEN) {
            return Ok(None);
        }
        let expanded = expand(text, self.outside.variable, self.values);
        expanded
            .map(Some)
            .map_err(|Fault { at, what, hint }| place.part(text, at).problem(what, hint))
    }

    /// The content of the file at `path`, without its last line end.
    fn file(&mut self, path: &str, place: &Place, level: Level) -> Result<String, Problem> {
        let most = if level == Level::Settings {
            SETTING_SIZE
        } else {
            FILE_SIZE
        };
        let subject = format!("the file {} of this value", quote(path));
        let file = self.folder.join(path);
        let bytes = self.outside.files.read(&file, most);
        let bytes = bytes.map_err(|error| unreadable(&subject, place, &error))?;
        let mut text = String::from_utf8(bytes).map_err(|_| {
            let hint = "name a file that contains the value as text";
            place.problem(format!("{subject} is not UTF-8"), hint)
        })?;
        if text.ends_with('\n') {
            text.pop();
            if text.ends_with('\r') {
                text.pop();
            }
        }
        self.values.add(&text, place.text().unwrap_or_default());
        Ok(text)
    }
}

fn unreadable(subject: &str, place: &Place, error: &ReadError) -> Problem {
    let hint = error.hint_about_descriptors();
    let hint = hint.unwrap_or("name a regular file that exists and that you may read");
    let problem = place.problem(format!("{subject} cannot be read: {error}"), hint);
    problem.passing_if(error.is_shortage())
}

/// The path in `{ file = "PATH" }`. Only an inline table is a value: `[host]` with a key `file` is not.
fn path_of_file<'t>(table: &'t DeTable<'_>, place: &Place) -> Option<&'t str> {
    let is_inline = place.text().is_some_and(|text| text.starts_with('{'));
    if !is_inline || table.len() != 1 {
        return None;
    }
    table.get("file")?.get_ref().as_str()
}

/// The text with `${NAME}` and `${NAME:-DEFAULT}` replaced, and `$${` by `${`. Numbers in braces stay as
/// they are: they are groups of regular expressions.
fn expand(
    text: &str,
    variable: &dyn Fn(&str) -> Option<OsString>,
    values: &mut OutsideValues,
) -> Result<String, Fault> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = 0;
    while let Some(found) = text[rest..].find(OPEN) {
        let open = rest + found;
        if text[rest..open].ends_with('$') {
            expanded.push_str(&text[rest..open]);
            expanded.push('{');
            rest = open + OPEN.len();
            continue;
        }
        expanded.push_str(&text[rest..open]);
        let inner = open + OPEN.len();
        let fault = |end: usize, what: String, hint: String| Fault {
            at: open..end,
            what,
            hint,
        };
        let Some(length) = text[inner..].find('}') else {
            let what = "a reference to an environment variable has no end".to_owned();
            return Err(fault(
                text.len(),
                what,
                "write ${NAME}; for the characters themselves, $${".to_owned(),
            ));
        };
        let end = inner + length + 1;
        let reference = &text[inner..end - 1];
        if !reference.is_empty() && reference.bytes().all(|byte| byte.is_ascii_digit()) {
            expanded.push_str(&text[open..end]);
        } else {
            let (name, default) = match reference.split_once(":-") {
                Some((name, default)) => (name, Some(default)),
                None => (reference, None),
            };
            let value = value_of(name, default, variable);
            let value = value.map_err(|(what, hint)| fault(end, what, hint))?;
            values.add(&value, &text[open..end]);
            expanded.push_str(&value);
        }
        rest = end;
    }
    expanded.push_str(&text[rest..]);
    Ok(expanded)
}

/// The value of a variable, or `default` if it is not set or empty. An error is a message and a hint.
fn value_of(
    name: &str,
    default: Option<&str>,
    variable: &dyn Fn(&str) -> Option<OsString>,
) -> Result<String, (String, String)> {
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    if !is_name(name) {
        let what = format!("{} is not the name of an environment variable", quote(name));
        let hint = "a name has letters, digits and _; for the characters ${ themselves, write $${";
        return Err((what, hint.to_owned()));
    }
    match (variable(name), default) {
        (Some(value), Some(default)) if value.is_empty() => Ok(default.to_owned()),
        (Some(value), _) => value.into_string().map_err(|_| {
            let what = format!("the environment variable {name} is not UTF-8");
            (what, format!("set {name} to a text"))
        }),
        (None, Some(default)) => Ok(default.to_owned()),
        (None, None) => {
            let what = format!("the environment variable {name} is not set");
            let hint = format!(
                "set it, or give a default: ${{{name}:-DEFAULT}}; for the characters ${{ themselves, write $${{"
            );
            Err((what, hint))
        }
    }
}

#[cfg(test)]
mod tests;
