//! Places in a configuration, and errors that point at them.
//!
//! In: a file's text and a stretch of it. Out: [`Report`], which displays the way a compiler
//! would: file, line, column, what is wrong, the line itself, and a hint that names the fix.
//! Not here: deciding what is wrong.

mod excerpt;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use excerpt::Excerpt;

/// Longest stretch of a user's value that a sentence repeats, in characters.
const QUOTE: usize = 60;

/// A stretch of a configuration file, or nowhere when a value came from the command line or a
/// default. Equality ignores it: two settings are the same wherever they stand.
#[derive(Debug, Clone, Default)]
pub struct Place {
    source: Option<Arc<Source>>,
    span: Range<usize>,
}

/// A configuration file as read.
pub struct Source {
    /// As the user named it.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

/// Where the keys of one table stand. Equality ignores it, as that of [`Place`] does.
#[derive(Debug, Clone, Default)]
pub struct Places {
    table: Place,
    keys: BTreeMap<&'static str, Place>,
}

/// One thing that is wrong, where, and what would be right.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    place: Place,
    text: String,
    hint: String,
}

/// All that is wrong with one configuration, in the order of the file; never empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Reports(Vec<Report>);

// === impl Source ===

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The text would drown whatever it is shown in.
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
    /// A stretch of `source`, in bytes.
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

    /// A file as a whole, when no stretch of it is to blame.
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

    /// What is written there.
    pub fn text(&self) -> Option<&str> {
        let source = self.source.as_deref()?;
        source.text.get(self.span.clone())
    }

    /// The file as it was read, if any.
    pub fn source(&self) -> Option<&Arc<Source>> {
        self.source.as_ref()
    }

    /// A part of the text `written` that stands here in quotes, in bytes. The whole of it when
    /// the file has the text in another way, with escapes or over several lines.
    pub(super) fn part(&self, written: &str, part: Range<usize>) -> Self {
        let start = self.span.start + 1;
        let source = self.source.as_deref();
        let found = source.and_then(|source| source.text.get(start..self.span.end.checked_sub(1)?));
        let mut place = self.clone();
        if found == Some(written) {
            place.span = start + part.start..start + part.end;
        }
        place
    }

    /// Says that something is wrong here. `hint` says what would be right; an empty one is left
    /// out.
    pub fn report(&self, text: impl Into<String>, hint: impl Into<String>) -> Report {
        Report {
            place: self.clone(),
            text: text.into(),
            hint: hint.into(),
        }
    }

    /// What to show of the file; `None` without a text to show.
    fn excerpt(&self) -> Option<Excerpt<'_>> {
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
    /// Places in a table that itself stands at `table`.
    pub fn new(table: Place) -> Self {
        Self {
            table,
            keys: BTreeMap::new(),
        }
    }

    /// Notes where a key's value stands.
    pub fn set(&mut self, key: &'static str, place: Place) {
        self.keys.insert(key, place);
    }

    /// Where a key's value stands, if the table has it.
    pub fn get(&self, key: &str) -> Option<&Place> {
        self.keys.get(key)
    }

    /// Where a key's value stands; where the table stands when it does not have that key.
    pub fn of(&self, key: &str) -> &Place {
        self.keys.get(key).unwrap_or(&self.table)
    }
}

// === impl Report ===

impl Report {
    /// What is wrong, without place and hint.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Points elsewhere.
    pub(super) fn move_to(&mut self, place: Place) {
        self.place = place;
    }

    /// What would be right; may be empty.
    pub fn hint(&self) -> &str {
        &self.hint
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: ")?;
        if let Some(path) = self.place.path() {
            write!(f, "{}:", path.display())?;
        }
        let excerpt = self.place.excerpt();
        if let Some(excerpt) = &excerpt {
            write!(f, "{}:{}:", excerpt.number, excerpt.before + 1)?;
        }
        if self.place.source.is_some() {
            write!(f, " ")?;
        }
        write!(f, "{}", self.text)?;
        let margin = excerpt
            .as_ref()
            .map_or(0, |excerpt| excerpt.number.to_string().len());
        if let Some(excerpt) = excerpt {
            let (line, pad, marks) = excerpt.window();
            write!(f, "\n {:margin$} |", "")?;
            write!(f, "\n {} | {line}", excerpt.number)?;
            write!(f, "\n {:margin$} | {pad}{marks}", "")?;
        }
        if !self.hint.is_empty() {
            write!(f, "\n {:margin$} = hint: {}", "", self.hint)?;
        }
        Ok(())
    }
}

impl std::error::Error for Report {}

impl Report {
    /// Says more of what would be right.
    pub fn and_hint(mut self, hint: &str) -> Self {
        if !self.hint.is_empty() {
            self.hint.push_str("; ");
        }
        self.hint.push_str(hint);
        self
    }
}

// === impl Reports ===

impl Reports {
    /// Sorts `reports` by place; `None` when there are none.
    pub fn new(mut reports: Vec<Report>) -> Option<Self> {
        reports.sort_by_key(|report| report.place.span.start);
        (!reports.is_empty()).then_some(Self(reports))
    }

    /// Each report, in the order of the file.
    pub fn iter(&self) -> std::slice::Iter<'_, Report> {
        self.0.iter()
    }
}

impl From<Report> for Reports {
    fn from(report: Report) -> Self {
        Self(vec![report])
    }
}

impl fmt::Display for Reports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, report) in self.0.iter().enumerate() {
            let gap = if index == 0 { "" } else { "\n\n" };
            write!(f, "{gap}{report}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Reports {}

/// A value of the user's inside a sentence: in backquotes, control characters escaped, cut when
/// long.
pub(crate) fn quote(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars().take(QUOTE) {
        if c.is_control() {
            shown.extend(c.escape_default())
        } else {
            shown.push(c)
        }
    }
    let more = if text.chars().count() > QUOTE {
        "…"
    } else {
        ""
    };
    format!("`{shown}{more}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, span: Range<usize>) -> Place {
        Place::new(
            &Arc::new(Source {
                path: "a.toml".into(),
                text: text.into(),
            }),
            span,
        )
    }

    #[test]
    fn points_at_the_value() {
        let report = place("a = 1\n\tbé = 22\n", 13..15).report("no", "yes");
        let shown = "error: a.toml:2:7: no\n   |\n 2 | \tbé = 22\n   | \t     ^^\n   = hint: yes";
        assert_eq!(report.to_string(), shown);
    }

    #[test]
    fn points_at_a_part_of_a_text() {
        let shown = |text: &str, written: &str| {
            let place = place(text, 4..text.len()).part(written, 2..3);
            place.report("no", "").to_string()
        };
        let part = shown("a = 'xyz'", "xyz");
        assert!(part.starts_with("error: a.toml:1:8: "), "{part}");
        for (text, written) in [(r#"a = "\\yz""#, r"\yz"), ("a = '''xyz'''", "xyz")] {
            let whole = shown(text, written);
            assert!(whole.starts_with("error: a.toml:1:5: "), "{whole}");
        }
        let nowhere = Place::default().part("xyz", 0..1);
        assert_eq!(nowhere.report("no", "").to_string(), "error: no");
    }

    #[test]
    fn nowhere_has_no_excerpt() {
        assert_eq!(Place::default().report("no", "").to_string(), "error: no");
        assert_eq!(
            Place::file(Path::new("b")).report("no", "yes").to_string(),
            "error: b: no\n  = hint: yes"
        );
    }

    #[test]
    fn a_span_outside_the_text_points_at_its_end() {
        assert_eq!(
            place("ab", 7..9).report("no", "").to_string(),
            "error: a.toml:1:3: no\n   |\n 1 | ab\n   |   ^"
        );
    }

    #[test]
    fn a_long_line_is_cut_around_the_value() {
        let text = format!("a = [{}9]", "1, ".repeat(200));
        let shown = place(&text, 605..606).report("no", "").to_string();
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines[2].chars().count() < 140, "{shown}");
        let mark = lines[3].chars().position(|c| c == '^');
        assert_eq!(
            mark.and_then(|at| lines[2].chars().nth(at)),
            Some('9'),
            "{shown}"
        );
    }

    #[test]
    fn values_cannot_drive_a_terminal() {
        assert_eq!(quote("a\u{1b}[2Jb"), "`a\\u{1b}[2Jb`");
        assert!(
            !place("\u{1b}[2J", 0..1)
                .report("no", "")
                .to_string()
                .contains('\u{1b}')
        );
    }
}
