//! Regular expressions on the bytes of a line. A library for filters, not a filter.
//!
//! In: expressions from a filter's settings, and lines. Out: matches, or an error that names the
//! setting. Not here: what a filter does with a match.
//!
//! All expressions are searched for in one pass over the line, in time linear in its length. They
//! match bytes: `.` is any byte, `\w`, `\d`, `\b` and case know only ASCII, and text outside ASCII
//! stands for its UTF-8 bytes.
//!
//! The engine is the lazy DFA of `regex-automata`, used directly. The `regex` crate chooses among
//! five engines. Measured in a component, it was no faster on log lines, was twice the size, and
//! took twice as long to compile.

mod groups;

use linemill_sdk::Error;
use regex_automata::hybrid::dfa;
use regex_automata::hybrid::regex::{Cache, Regex};
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;
use regex_automata::{Match, MatchError};

pub use groups::Groups;
pub use regex_automata::Input;

/// Expressions that are searched for together.
pub struct Patterns {
    regex: Regex,
    /// The states of the automaton that have been built so far.
    cache: Cache,
}

/// How expressions are interpreted.
#[derive(Clone, Copy, Debug, Default)]
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

impl Patterns {
    /// Compiles `expressions`. Each comes with its key in the settings, such as `keep[0]`, for
    /// errors.
    ///
    /// # Errors
    /// If one of them is not valid, or if they are too large together.
    pub fn new<K: AsRef<str>, E: AsRef<str>>(
        expressions: &[(K, E)],
        options: Options,
    ) -> Result<Self, Error> {
        let syntax = syntax_of(options);
        let mut texts = Vec::with_capacity(expressions.len());
        for (key, expression) in expressions {
            let text = if options.literal {
                regex_syntax::escape(expression.as_ref())
            } else {
                expression.as_ref().to_owned()
            };
            if let Err(error) = syntax::parse_with(&text, &syntax) {
                return Err(refusal(key.as_ref(), &text, &error));
            }
            texts.push(text);
        }
        let regex = Regex::builder()
            .syntax(syntax)
            .thompson(
                thompson::Config::new()
                    .utf8(false)
                    .nfa_size_limit(Some(LIMIT)),
            )
            .dfa(
                dfa::Config::new()
                    .cache_capacity(LIMIT)
                    .skip_cache_capacity_check(true),
            )
            .build_many(&texts)
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

/// How expressions are parsed.
fn syntax_of(options: Options) -> syntax::Config {
    syntax::Config::new()
        .unicode(false)
        .utf8(false)
        .case_insensitive(options.ignore_case)
}

/// Handles an error of a search. None can occur: a lazy DFA gives up only at bytes or after a
/// number of states that it was configured to, and here it is configured for neither.
#[cold]
fn impossible<T>(error: MatchError) -> T {
    unreachable!("a search gave up, though it was not configured to: {error}")
}

/// An error about an invalid expression, in one line.
fn refusal(key: &str, text: &str, error: &regex_syntax::Error) -> Error {
    let problem = match error {
        regex_syntax::Error::Parse(error) => error.kind().to_string(),
        regex_syntax::Error::Translate(error) => error.kind().to_string(),
        other => other.to_string(),
    };
    Error::setting(
        key,
        format!("`{text}` is not a valid regular expression: {problem}"),
    )
}

#[cfg(test)]
mod tests {
    use super::{Input, Options, Patterns};

    fn patterns(texts: &[&str], options: Options) -> Patterns {
        let keyed: Vec<_> = texts.iter().map(|text| ("key", text)).collect();
        Patterns::new(&keyed, options).unwrap()
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
}
