//! One rule: what it searches for, and what it writes instead.
//!
//! In: the settings of a rule, then lines. Out: the changed line, or an error that names the setting. Not here:
//! the order of rules.

use std::ops::Range;

use linemill_sdk::Error;
use memchr::memmem::Finder;
use pattern::{Budget, Captures, Cursor, Options, Template, is_plain, never};

/// Replaces the matches of one pattern.
pub(crate) struct Rule {
    search: Search,
    with: Template,
    /// Replaces all matches, not only the first one.
    all: bool,
}

enum Search {
    /// A text without special characters, searched for with vector instructions.
    Text(Box<Finder<'static>>),
    Expression {
        captures: Box<Captures>,
        /// The replacement refers to groups.
        with_groups: bool,
    },
}

/// The changed line would be too long.
pub(crate) struct TooLong;

impl Rule {
    /// `keys` are the keys of the pattern and of the replacement in the settings, for errors.
    pub(crate) fn new(
        keys: [&str; 2],
        pattern: &str,
        with: &str,
        all: bool,
        options: Options,
        budget: &mut Budget,
    ) -> Result<Self, Error> {
        let [pattern_key, with_key] = keys;
        let is_plain = is_plain(pattern, options) && !options.ignore_case && !pattern.is_empty();
        let (search, names) = if is_plain {
            if pattern.contains('\n') {
                return Err(never(pattern_key, pattern));
            }
            let text = Finder::new(pattern).into_owned();
            (Search::Text(Box::new(text)), vec![None])
        } else {
            let captures = Captures::preferring_text(pattern_key, pattern, options, budget)?;
            let names = captures.names().to_vec();
            let expression = Search::Expression {
                captures: Box::new(captures),
                with_groups: false,
            };
            (expression, names)
        };
        let with = if options.literal {
            Template::plain(with)
        } else {
            Template::new(with_key, with, &names)?
        };
        let mut rule = Self { search, with, all };
        if let Search::Expression { with_groups, .. } = &mut rule.search {
            *with_groups = rule.with.needs_groups();
        }
        Ok(rule)
    }

    /// Writes the changed `line` to `to`, which is empty. Returns false if nothing matches.
    pub(crate) fn apply(
        &mut self,
        line: &[u8],
        to: &mut Vec<u8>,
        limit: usize,
    ) -> Result<bool, TooLong> {
        // What is before `copied` is in `to`, or was replaced. `copied` is also the end of the last match.
        let (mut copied, mut any) = (0, false);
        let mut start = 0;
        let mut cursor = Cursor::default();
        while start <= line.len()
            && let Some(found) = self.search.find(line, start, &mut cursor)
        {
            if found.is_empty() && (any && found.start == copied || is_inside(line, found.start)) {
                start = found.start + 1;
                continue;
            }
            any = true;
            to.extend_from_slice(&line[copied..found.start]);
            copied = found.end;
            start = found.end + usize::from(found.is_empty());
            if !self.expand(line, found, to, limit) {
                return Err(TooLong);
            }
            if !self.all {
                break;
            }
        }
        if any {
            to.extend_from_slice(&line[copied..]);
            if to.len() > limit {
                return Err(TooLong);
            }
        }
        Ok(any)
    }

    fn expand(&mut self, line: &[u8], found: Range<usize>, to: &mut Vec<u8>, limit: usize) -> bool {
        match &mut self.search {
            Search::Text(_) => self.with.expand(line, found, |_| None, to, limit),
            Search::Expression {
                captures,
                with_groups,
            } => {
                if *with_groups {
                    captures.find_groups(line, found.clone());
                }
                let group = |index| captures.group(index);
                self.with.expand(line, found, group, to, limit)
            }
        }
    }
}

// === impl Search ===

impl Search {
    #[inline]
    fn find(&mut self, line: &[u8], start: usize, cursor: &mut Cursor) -> Option<Range<usize>> {
        match self {
            Self::Text(text) => {
                let at = start + text.find(&line[start..])?;
                Some(at..at + text.needle().len())
            }
            Self::Expression { captures, .. } => captures.find_next(line, start, cursor),
        }
    }
}

/// Whether `at` is inside a character of several bytes: an empty match there would tear it apart.
fn is_inside(line: &[u8], at: usize) -> bool {
    matches!(line.get(at), Some(0x80..=0xBF))
}
