//! The one type for errors that users read.
//!
//! In: a message, a hint, and the [`Place`] of the error. Out: [`Problem`], which displays in the
//! style of a compiler: file, line, column, message, the line itself, and the hint. Messages quote
//! names and texts of others, so what displays is escaped here ([`shown`]). Not here: deciding what is
//! wrong. Code that must distinguish failures has an enum of its own, and converts it to a `Problem`
//! where it is reported to a user.

pub(crate) mod excerpt;
pub(crate) mod place;
pub(crate) mod report;

use std::fmt;

use crate::printable::shown;
use crate::settings::OutsideValues;
use place::Place;

/// One thing that is wrong: what, where, and what would be right.
///
/// ```
/// use linemill_config::Problem;
///
/// let problem = Problem::new("it is not there", "check the path");
/// assert_eq!(problem.to_string(), "error: it is not there\n  = hint: check the path");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    what: String,
    place: Place,
    hint: String,
    /// It does not keep the configuration from being used.
    is_warning: bool,
    /// The system lacks something at the moment, so the same configuration may be usable later.
    is_passing: bool,
}

/// All problems of one configuration, in the order of the file; never empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Problems(Vec<Problem>);

// === impl Problem ===

impl Problem {
    /// A problem without a place in a file. `hint` says how to fix it; an empty hint is not shown.
    pub fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            place: Place::default(),
            hint: hint.into(),
            is_warning: false,
            is_passing: false,
        }
    }

    /// The same problem, pointing at `place`.
    #[must_use]
    pub fn at(self, place: &Place) -> Self {
        Self {
            place: place.clone(),
            ..self
        }
    }

    /// The same problem with `subject: ` before the message, to say what it concerns.
    #[must_use]
    pub fn of(self, subject: impl fmt::Display) -> Self {
        Self {
            what: format!("{subject}: {}", self.what),
            ..self
        }
    }

    /// The same problem with one more hint.
    #[must_use]
    pub fn and_hint(mut self, hint: &str) -> Self {
        if !self.hint.is_empty() {
            self.hint.push_str("; ");
        }
        self.hint.push_str(hint);
        self
    }

    /// The same problem without these values, which it must not show.
    #[must_use]
    pub fn hiding(self, values: &OutsideValues) -> Self {
        Self {
            what: values.hide(&self.what),
            hint: values.hide(&self.hint),
            ..self
        }
    }

    /// The same problem, as a warning: the configuration can be used as it is.
    #[must_use]
    pub fn warning(self) -> Self {
        Self {
            is_warning: true,
            ..self
        }
    }

    /// The same problem; if `passing`, nothing is wrong with the configuration: the system lacks something
    /// at the moment, such as memory or descriptors.
    #[must_use]
    pub fn passing_if(self, passing: bool) -> Self {
        Self {
            is_passing: passing,
            ..self
        }
    }

    /// `error`, or `warning` if the configuration can be used as it is.
    pub fn severity(&self) -> &'static str {
        if self.is_warning { "warning" } else { "error" }
    }

    /// Where it is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The message, without place and hint.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// The hint; may be empty.
    pub fn hint(&self) -> &str {
        &self.hint
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.severity())?;
        let excerpt = self.place.excerpt();
        if let Some(path) = self.place.path() {
            write!(f, "{}:", shown(path.display()))?;
            if let Some(excerpt) = &excerpt {
                write!(f, "{}:{}:", excerpt.number, excerpt.before + 1)?;
            }
            write!(f, " ")?;
        }
        write!(f, "{}", shown(&self.what))?;
        let mut margin = 0;
        if let Some(excerpt) = excerpt {
            let (line, pad, marks) = excerpt.window();
            margin = excerpt.number.to_string().len();
            write!(f, "\n {:margin$} |", "")?;
            write!(f, "\n {} | {line}", excerpt.number)?;
            write!(f, "\n {:margin$} | {pad}{marks}", "")?;
        }
        if !self.hint.is_empty() {
            write!(f, "\n {:margin$} = hint: {}", "", shown(&self.hint))?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

// === impl Problems ===

impl Problems {
    /// Sorts `problems` by place, file by file; `None` if there are none.
    pub fn new(mut problems: Vec<Problem>) -> Option<Self> {
        problems.sort_by_cached_key(|problem| {
            let file = problem.place.source().map(|source| source.path.clone());
            (file, problem.place.start())
        });
        (!problems.is_empty()).then_some(Self(problems))
    }

    /// Whether the configuration may be usable later as it is: nothing is wrong but that the system lacks
    /// something at the moment.
    pub fn are_passing(&self) -> bool {
        let mut errors = self.0.iter().filter(|problem| !problem.is_warning);
        errors.all(|problem| problem.is_passing)
    }

    /// The same problems, and one more at the end.
    #[must_use]
    pub fn and(mut self, problem: Problem) -> Self {
        self.0.push(problem);
        self
    }

    /// Each problem, in the order of the file.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let gap = if index == 0 { "" } else { "\n\n" };
            write!(f, "{gap}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

#[cfg(test)]
mod tests {
    use std::ops::Range;
    use std::path::Path;
    use std::sync::Arc;

    use super::place::Source;
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
        let problem = place("a = 1\n\tbé = 22\n", 13..15).problem("no", "yes");
        let shown = "error: a.toml:2:7: no\n   |\n 2 | \tbé = 22\n   | \t     ^^\n   = hint: yes";
        assert_eq!(problem.to_string(), shown);
    }

    #[test]
    fn a_warning_says_that_it_is_one() {
        let problem = place("a = 1", 4..5).problem("odd", "").warning();
        assert!(
            problem
                .to_string()
                .starts_with("warning: a.toml:1:5: odd\n")
        );
    }

    #[test]
    fn points_at_a_part_of_a_text() {
        let shown = |text: &str, written: &str| {
            let place = place(text, 4..text.len()).part(written, 2..3);
            place.problem("no", "").to_string()
        };
        let part = shown("a = 'xyz'", "xyz");
        assert!(part.starts_with("error: a.toml:1:8: "), "{part}");
        for (text, written) in [(r#"a = "\\yz""#, r"\yz"), ("a = '''xyz'''", "xyz")] {
            let whole = shown(text, written);
            assert!(whole.starts_with("error: a.toml:1:5: "), "{whole}");
        }
        let nowhere = Place::default().part("xyz", 0..1);
        assert_eq!(nowhere.problem("no", "").to_string(), "error: no");
    }

    #[test]
    fn nowhere_has_no_excerpt() {
        assert_eq!(Place::default().problem("no", "").to_string(), "error: no");
        assert_eq!(
            Place::file(Path::new("b")).problem("no", "yes").to_string(),
            "error: b: no\n  = hint: yes"
        );
    }

    #[test]
    fn a_span_outside_the_text_points_at_its_end() {
        assert_eq!(
            place("ab", 7..9).problem("no", "").to_string(),
            "error: a.toml:1:3: no\n   |\n 1 | ab\n   |   ^"
        );
    }

    #[test]
    fn a_long_line_is_cut_around_the_value() {
        let text = format!("a = [{}9]", "1, ".repeat(200));
        let shown = place(&text, 605..606).problem("no", "").to_string();
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
    fn a_line_of_the_file_cannot_drive_a_terminal() {
        let shown = place("\u{1b}[2J", 0..1).problem("no", "").to_string();
        assert!(!shown.contains('\u{1b}'), "{shown}");
    }

    #[test]
    fn a_message_cannot_forge_a_line() {
        let problem = Problem::new("no \u{202e}x\nerror: y", "do\r\u{9b}2J").of("\u{1b}]0;z");
        let shown = "error: \\u{1b}]0;z: no \\u{202e}x\\nerror: y\n  = hint: do\\r\\u{9b}2J";
        assert_eq!(problem.to_string(), shown);
        let file = Place::file(Path::new("a\nb")).problem("no", "");
        assert_eq!(file.to_string(), "error: a\\nb: no");
    }

    #[test]
    fn says_whose_it_is_and_hints_more_than_once() {
        let problem = Problem::new("no", "").of("listener `a`").and_hint("one");
        let shown = "error: listener `a`: no\n  = hint: one; two";
        assert_eq!(problem.and_hint("two").to_string(), shown);
    }
}
