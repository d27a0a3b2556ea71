//! Regular expressions on the bytes of a line. A library for filters, not a filter.
//!
//! In: expressions from a filter's settings, and lines. Out: matches, or an error that names the
//! setting. Not here: what a filter does with a match.
//!
//! [`Patterns`] says where a match is, [`Matcher`] whether a line has one, which is faster.
//!
//! All expressions are searched for in one pass over the line, in time linear in its length. They
//! match bytes: `.` is any byte except LF, `\w`, `\d`, `\b` and case know only ASCII, and text outside ASCII
//! stands for its UTF-8 bytes.
//!
//! The engine is the lazy DFA of `regex-automata`, used directly. The `regex` crate chooses among
//! five engines. Measured in a component, it was no faster on log lines, was twice the size, and
//! took twice as long to compile.

mod automaton;
mod captures;
mod literals;
mod matcher;
mod required;
mod sequence;
mod set;
mod template;

use std::fmt::Display;

use linemill_sdk::Error;
use regex_automata::Match;
use regex_automata::hybrid::dfa;
use regex_automata::hybrid::regex::{Cache, Regex};
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;
use regex_syntax::hir::{ErrorKind, Hir};

use automaton::{can_match, in_block};
pub use captures::{
    Budget, CAPTURES_MEMORY, Captures, Cursor, MAX_EXPRESSIONS, SMALL_CAPTURES_MEMORY,
};
pub use matcher::{Found, Matcher, is_plain, never};
pub use regex_automata::Input;
pub use set::Set;
pub use template::Template;

/// Expressions that are searched for together.
pub struct Patterns {
    regex: Regex,
    /// The states of the automaton that have been built so far.
    cache: Cache,
}

/// How expressions are interpreted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// ASCII letters match in either case.
    pub ignore_case: bool,
    /// Expressions are plain text: no character has a special meaning.
    pub literal: bool,
}

/// The maximum size of the compiled expressions, and that of the built states, in bytes. Both are
/// far below the memory of an instance. If the states would exceed it, they are discarded and built
/// again as needed.
const LIMIT: usize = 1 << 20;

/// How much memory [`Patterns`] may take, in bytes. The automaton takes up to four times its limit while it
/// is compiled.
pub const MEMORY: u64 = 6 << 20;
/// How much memory [small](Patterns::small) patterns may take, in bytes.
pub const SMALL_MEMORY: u64 = MEMORY / 4;

impl Patterns {
    /// Compiles `expressions`. Each comes with its key in the settings, such as `keep[0]`, for
    /// errors.
    ///
    /// # Errors
    /// If one of them is not valid or can never match a line, or if they are too large together.
    pub fn new<K: AsRef<str>, E: AsRef<str>>(
        expressions: &[(K, E)],
        options: Options,
    ) -> Result<Self, Error> {
        Self::within(expressions, options, LIMIT)
    }

    /// Compiles `expressions` that may take a quarter of the usual memory: see [`new`](Self::new).
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn small<K: AsRef<str>, E: AsRef<str>>(
        expressions: &[(K, E)],
        options: Options,
    ) -> Result<Self, Error> {
        Self::within(expressions, options, LIMIT / 4)
    }

    /// Compiles an expression for texts that may contain line feeds, such as decoded strings of JSON. `.` is any
    /// byte; `^` and `$` are the ends of the whole text. `key` is its key in the settings, for errors.
    ///
    /// # Errors
    /// If it is not valid, or is too large.
    pub fn of_text(key: &str, expression: &str) -> Result<Self, Error> {
        let options = Options::default();
        parse(expression, options).map_err(|error| error.of(key))?;
        let syntax = options.syntax().dot_matches_new_line(true);
        Self::compile(&[expression], syntax, LIMIT)
    }

    fn within<K: AsRef<str>, E: AsRef<str>>(
        expressions: &[(K, E)],
        options: Options,
        limit: usize,
    ) -> Result<Self, Error> {
        let mut texts = Vec::with_capacity(expressions.len());
        for (key, expression) in expressions {
            let text = options.text(expression.as_ref());
            let hir = parse(&text, options).map_err(|error| error.of(key.as_ref()))?;
            if in_block(&hir).is_some_and(|lines| !can_match(&lines)) {
                return Err(never(key.as_ref(), expression.as_ref()));
            }
            texts.push(text);
        }
        Self::compile(&texts, options.syntax(), limit)
    }

    fn compile<E: AsRef<str>>(
        texts: &[E],
        syntax: syntax::Config,
        limit: usize,
    ) -> Result<Self, Error> {
        let regex = Regex::builder()
            .syntax(syntax)
            .thompson(
                thompson::Config::new()
                    .utf8(false)
                    .nfa_size_limit(Some(limit)),
            )
            .dfa(
                dfa::Config::new()
                    .cache_capacity(limit)
                    .skip_cache_capacity_check(true),
            )
            .build_many(texts)
            .map_err(|_| {
                Error::new("the patterns are too large; reduce repetitions such as {1000}")
            })?;
        let cache = regex.create_cache();
        Ok(Self { regex, cache })
    }

    /// The leftmost match in `input`. If several expressions match there, the earliest of them
    /// wins.
    #[inline]
    pub fn find(&mut self, input: &Input<'_>) -> Option<Match> {
        self.regex
            .try_search(&mut self.cache, input)
            .unwrap_or_else(impossible)
    }

    /// Whether any expression matches somewhere in `line`.
    #[inline]
    pub fn matches(&mut self, line: &[u8]) -> bool {
        let input = Input::new(line).earliest(true);
        let forward = self.cache.as_parts_mut().0;
        self.regex
            .forward()
            .try_search_fwd(forward, &input)
            .unwrap_or_else(impossible)
            .is_some()
    }
}

/// Handles an error of a search. None can occur: a lazy DFA gives up only at bytes or after a
/// number of states that it was configured to, and here it is configured for neither.
#[cold]
fn impossible<T>(error: impl Display) -> T {
    unreachable!("a search gave up, though it was not configured to: {error}")
}

impl Options {
    fn syntax(self) -> syntax::Config {
        syntax::Config::new()
            .unicode(false)
            .utf8(false)
            .case_insensitive(self.ignore_case)
    }

    /// The expression that stands for what was given, whatever the options.
    pub fn expression(self, given: &str) -> String {
        let flag = if self.ignore_case { "i" } else { "" };
        format!("(?{flag}:{})", self.text(given))
    }

    /// The expression that stands for what was given.
    fn text(self, given: &str) -> String {
        if self.literal {
            regex_syntax::escape(given)
        } else {
            given.to_owned()
        }
    }
}

/// Parses an expression. `literal` is ignored.
fn parse(expression: &str, options: Options) -> Result<Hir, Invalid> {
    let problem = match syntax::parse_with(expression, &options.syntax()) {
        Ok(hir) if hir.properties().look_set().contains_word_unicode() => {
            r"\b and \B know only ASCII; within (?u), write (?-u:\b)".to_owned()
        }
        Ok(hir) => return Ok(hir),
        Err(regex_syntax::Error::Parse(error)) => error.kind().to_string(),
        Err(regex_syntax::Error::Translate(error)) => {
            let span = error.span();
            let part = expression.get(span.start.offset..span.end.offset);
            // Within (?u), it would not be supported either.
            match part.is_some_and(|part| part.starts_with(r"\p") || part.starts_with(r"\P")) {
                true => unsupported(&ErrorKind::UnicodePropertyNotFound),
                false => unsupported(error.kind()),
            }
        }
        Err(other) => other.to_string(),
    };
    Err(Invalid(format!(
        "`{expression}` is not a valid regular expression: {problem}"
    )))
}

/// What is not supported in an expression, since there are no tables of Unicode.
fn unsupported(kind: &ErrorKind) -> String {
    let text = match kind {
        ErrorKind::UnicodeNotAllowed => {
            "a class has characters outside ASCII, so it needs (?u) before it"
        }
        ErrorKind::UnicodePropertyNotFound | ErrorKind::UnicodePropertyValueNotFound => {
            r"Unicode classes such as \p{L} are not supported; write [A-Za-z] for ASCII letters, or [A-Za-z\x80-\xFF] to include the bytes of all other characters"
        }
        ErrorKind::UnicodePerlClassNotFound => {
            r"\w, \d and \s know only ASCII; within (?u), write [[:word:]], [[:digit:]] or [[:space:]]"
        }
        ErrorKind::UnicodeCaseUnavailable => {
            "only ASCII letters can match in either case, and not within (?u)"
        }
        other => return other.to_string(),
    };
    text.to_owned()
}

/// What is wrong with an expression, in one line.
#[derive(Debug)]
struct Invalid(String);

impl Invalid {
    /// The error about the setting `key`.
    fn of(self, key: &str) -> Error {
        Error::setting(key, self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{ErrorKind, Input, Options, Patterns, unsupported};

    fn patterns(texts: &[&str], options: Options) -> Patterns {
        let keyed: Vec<_> = texts.iter().map(|text| ("key", text)).collect();
        Patterns::new(&keyed, options).unwrap()
    }

    #[test]
    fn a_class_of_unicode_is_refused_with_what_to_write_instead() {
        for class in [r"\p{L}", r"a\PN+", r"[\p{Greek}]", r"(?u)\p{Nope}"] {
            let error = Patterns::new(&[("key", class)], Options::default())
                .err()
                .unwrap();
            let problem = unsupported(&ErrorKind::UnicodePropertyNotFound);
            let expected = format!("`key`: `{class}` is not a valid regular expression: {problem}");
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn the_leftmost_match_wins_then_the_first_expression() {
        let mut patterns = patterns(&["bcd", "b", "abcx"], Options::default());
        let mut find = |line| {
            let found = patterns.find(&Input::new(line))?;
            Some((found.pattern().as_usize(), found.range()))
        };
        assert_eq!(find("abcd"), Some((0, 1..4)));
        assert_eq!(find("abc"), Some((1, 1..2)));
        assert_eq!(find("acd"), None);
    }

    #[test]
    fn a_search_considers_the_bytes_before_its_start() {
        let mut patterns = patterns(&[r"\bb"], Options::default());
        assert!(patterns.find(&Input::new("ab").range(1..)).is_none());
        assert!(patterns.find(&Input::new(" b").range(1..)).is_some());
    }

    #[test]
    fn classes_know_only_ascii() {
        let mut words = patterns(&[r"^\w+$"], Options::default());
        assert!(words.matches(b"a_1"));
        assert!(!words.matches("ä".as_bytes()));
        let mut text = patterns(
            &["Ä"],
            Options {
                ignore_case: true,
                literal: false,
            },
        );
        assert!(text.matches("Ä".as_bytes()));
        assert!(!text.matches("ä".as_bytes()));
    }

    #[test]
    fn a_search_succeeds_with_more_states_than_fit() {
        // One state for each set of positions of an `a` among the last 18 bytes.
        let mut patterns = patterns(&["a[ab]{17}$"], Options::default());
        let mut line = Vec::new();
        let mut random = 1u32;
        for _ in 0..60_000 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            line.push(b"ab"[(random >> 31) as usize]);
        }
        let tail = line.len() - 18;
        for byte in [b'a', b'b'] {
            line[tail] = byte;
            assert_eq!(patterns.matches(&line), byte == b'a');
        }
        assert!(patterns.cache.memory_usage() < 3 * super::LIMIT);
    }

    /// Whether an expression has these errors depends on the tables that other crates of the build need.
    #[test]
    fn what_needs_tables_of_unicode_is_refused_in_plain_words() {
        for (kind, problem) in [
            (
                ErrorKind::UnicodePerlClassNotFound,
                r"\w, \d and \s know only ASCII; within (?u), write [[:word:]], [[:digit:]] or [[:space:]]",
            ),
            (
                ErrorKind::UnicodePropertyNotFound,
                r"Unicode classes such as \p{L} are not supported; write [A-Za-z] for ASCII letters, or [A-Za-z\x80-\xFF] to include the bytes of all other characters",
            ),
            (
                ErrorKind::UnicodeCaseUnavailable,
                "only ASCII letters can match in either case, and not within (?u)",
            ),
            (ErrorKind::InvalidUtf8, "pattern can match invalid UTF-8"),
        ] {
            assert_eq!(unsupported(&kind), problem);
        }
    }
}
