//! Text with references to the groups of a match.
//!
//! In: a template from a filter's settings and the expression whose groups it names, then matches. Out: the
//! text that replaces a match, or an error that names the setting. Not here: finding matches
//! ([`Captures`](crate::Captures)).

use std::iter;
use std::ops::Range;

use linemill_sdk::Error;

/// A text in which `$1`, `${1}`, `$name` and `${name}` stand for what a group matched, `$0` for the whole
/// match, and `$$` for a dollar sign. A dollar sign that no name and no brace follows stands for itself.
pub struct Template {
    /// The plain text of all parts.
    text: Vec<u8>,
    parts: Vec<Part>,
}

enum Part {
    /// A part of `text`.
    Text(Range<usize>),
    /// A group, by its index.
    Group(usize),
}

/// The whole match.
const WHOLE: usize = 0;

impl Template {
    /// Reads a template for matches of an expression whose groups have these names: see
    /// [`Captures::names`](crate::Captures::names). `key` is its key in the settings, for errors.
    ///
    /// # Errors
    /// If it names a group that the expression lacks, or has `\1` instead of `$1`.
    pub fn new(key: &str, template: &str, names: &[Option<String>]) -> Result<Self, Error> {
        let mut read = Self::plain("");
        let mut rest = template;
        while let Some(at) = rest.find(['$', '\\']) {
            let (before, from) = rest.split_at(at);
            read.push_text(before);
            if let Some(after) = from.strip_prefix('\\') {
                if let Some(digit) = after.chars().next().filter(char::is_ascii_digit) {
                    return Err(Error::setting(
                        key,
                        format!("`\\{digit}` does not stand for a group; write ${digit}"),
                    ));
                }
                read.push_text("\\");
                rest = after;
                continue;
            }
            let (reference, after) = reference(&from[1..]).ok_or_else(|| {
                Error::setting(key, "`${` has no `}`; write $$ for a dollar sign")
            })?;
            match reference {
                Some(name) => {
                    let group =
                        group(name, names).map_err(|problem| Error::setting(key, problem))?;
                    read.parts.push(Part::Group(group));
                }
                None => read.push_text("$"),
            }
            rest = after;
        }
        read.push_text(rest);
        Ok(read)
    }

    /// A text without references.
    pub fn plain(text: &str) -> Self {
        let mut plain = Self {
            text: Vec::new(),
            parts: Vec::new(),
        };
        plain.push_text(text);
        plain
    }

    /// Whether it refers to a group, other than the whole match. If not, groups need not be found.
    pub fn needs_groups(&self) -> bool {
        self.parts
            .iter()
            .any(|part| matches!(part, Part::Group(group) if *group != WHOLE))
    }

    /// Appends the text for the match `found` in `line`. `group` says where a group matched; one that took no
    /// part in the match is empty. Returns false if `to` would become longer than `limit`.
    #[inline]
    #[must_use]
    pub fn expand(
        &self,
        line: &[u8],
        found: Range<usize>,
        group: impl Fn(usize) -> Option<Range<usize>>,
        to: &mut Vec<u8>,
        limit: usize,
    ) -> bool {
        self.parts.iter().all(|part| {
            let text = match part {
                Part::Text(range) => &self.text[range.clone()],
                Part::Group(WHOLE) => &line[found.clone()],
                Part::Group(index) => group(*index).map_or(&[][..], |range| &line[range]),
            };
            let fits = to.len() + text.len() <= limit;
            if fits {
                to.extend_from_slice(text);
            }
            fits
        })
    }

    fn push_text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let start = self.text.len();
        self.text.extend_from_slice(text.as_bytes());
        match self.parts.last_mut() {
            Some(Part::Text(last)) => last.end = self.text.len(),
            _ => self.parts.push(Part::Text(start..self.text.len())),
        }
    }
}

/// Splits what follows a dollar sign into the name of a group, if there is one, and the rest. `None` if a
/// brace is not closed.
fn reference(from: &str) -> Option<(Option<&str>, &str)> {
    if let Some(braced) = from.strip_prefix('{') {
        let (name, rest) = braced.split_once('}')?;
        return Some((Some(name), rest));
    }
    if let Some(rest) = from.strip_prefix('$') {
        return Some((None, rest));
    }
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let end = from.bytes().take_while(is_name).count();
    let (name, rest) = from.split_at(end);
    Some(((!name.is_empty()).then_some(name), rest))
}

/// The index of the group with this name or number.
fn group(name: &str, names: &[Option<String>]) -> Result<usize, String> {
    let is_number = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    let found = if is_number {
        name.parse().ok().filter(|index| *index < names.len())
    } else {
        names
            .iter()
            .position(|other| other.as_deref() == Some(name))
    };
    found.ok_or_else(|| problem(name, names))
}

/// Why a reference is refused.
fn problem(name: &str, names: &[Option<String>]) -> String {
    let digits = name.bytes().take_while(u8::is_ascii_digit).count();
    let advice = if digits > 0 && digits < name.len() {
        let (number, text) = name.split_at(digits);
        format!("for group {number} and then `{text}`, write ${{{number}}}{text}")
    } else {
        let numbers = (1..names.len()).map(|index| format!("${index}"));
        let named = names.iter().flatten().map(|name| format!("${name}"));
        let all: Vec<String> = iter::once("$0".to_owned())
            .chain(numbers)
            .chain(named)
            .collect();
        format!("it has {}; a dollar sign is $$", all.join(", "))
    };
    format!("the pattern has no group `{name}`; {advice}")
}

#[cfg(test)]
mod tests {
    use super::Template;
    use crate::{Budget, Captures, Options};

    fn captures(expression: &str) -> Captures {
        Captures::new(
            "pattern",
            expression,
            Options::default(),
            &mut Budget::new(1),
        )
        .unwrap()
    }

    fn expanded(expression: &str, template: &str, line: &str) -> String {
        let mut captures = captures(expression);
        let template = Template::new("with", template, captures.names()).unwrap();
        let found = captures.find(line.as_bytes(), 0).unwrap();
        if template.needs_groups() {
            captures.find_groups(line.as_bytes(), found.clone());
        }
        let mut to = Vec::new();
        let line = line.as_bytes();
        assert!(template.expand(line, found, |index| captures.group(index), &mut to, 100));
        String::from_utf8(to).unwrap()
    }

    #[test]
    fn references_stand_for_groups() {
        let date = r"(?<y>\d+)-(?<m>\d+)(-\d+)?";
        for (template, text) in [
            ("$2/$1", "05/2024"),
            ("${m}.${y}", "05.2024"),
            ("$m.$y$3", "05.2024"),
            ("[$0]", "[2024-05]"),
            ("${1}0", "20240"),
            ("$$1 $$", "$1 $"),
            ("US$ $", "US$ $"),
            (r"\d\", r"\d\"),
            ("", ""),
        ] {
            assert_eq!(expanded(date, template, "on 2024-05"), text, "{template}");
        }
    }

    #[test]
    fn groups_are_found_only_if_needed() {
        let template = |text| Template::new("with", text, &[None, None]).unwrap();
        assert!(!template("a $0 $$1").needs_groups());
        assert!(template("$1").needs_groups());
        assert!(!Template::plain("$1").needs_groups());
    }

    #[test]
    fn a_text_that_is_too_long_is_not_written() {
        let template = Template::new("with", "-$0", &[None]).unwrap();
        let mut to = Vec::new();
        assert!(template.expand(b"abc", 0..3, |_| None, &mut to, 4));
        assert!(!template.expand(b"abc", 0..3, |_| None, &mut to, 7));
        assert_eq!(to, b"-abc-");
    }

    #[test]
    fn what_the_pattern_lacks_is_refused() {
        let captures = captures("(?<y>a)(b)");
        for (template, refusal) in [
            (
                "$3",
                "`with`: the pattern has no group `3`; it has $0, $1, $2, $y; a dollar sign is $$",
            ),
            (
                "$year",
                "`with`: the pattern has no group `year`; it has $0, $1, $2, $y; a dollar sign is $$",
            ),
            (
                "$1st",
                "`with`: the pattern has no group `1st`; for group 1 and then `st`, write ${1}st",
            ),
            (
                "${}",
                "`with`: the pattern has no group ``; it has $0, $1, $2, $y; a dollar sign is $$",
            ),
            (
                "$99999999999999999999",
                "`with`: the pattern has no group `99999999999999999999`; it has $0, $1, $2, $y; a dollar sign \
                 is $$",
            ),
            ("${y", "`with`: `${` has no `}`; write $$ for a dollar sign"),
            (r"\1", r"`with`: `\1` does not stand for a group; write $1"),
        ] {
            let error = Template::new("with", template, captures.names())
                .err()
                .unwrap();
            assert_eq!(error.to_string(), refusal);
        }
    }
}
