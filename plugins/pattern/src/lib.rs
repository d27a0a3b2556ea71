//! Regular expressions as a filter's settings give them → searches in lines.
//!
//! All expressions are searched for at once, in one pass over the line, in time linear in its
//! length whatever the expressions are. They work on bytes: `.` is any byte, `\w`, `\d`, `\b` and
//! case are ASCII's, and text outside ASCII stands for its UTF-8. This crate is linked into the
//! filters that search; it is no filter.
//!
//! The engine is the lazy DFA of `regex-automata` by itself. The `regex` crate chooses among five
//! engines; measured in a component, that was no faster on log lines, twice the size, and took
//! twice as long to compile.

use linemill_sdk::Error;
use regex_automata::hybrid::dfa;
use regex_automata::hybrid::regex::{Cache, Regex};
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;
use regex_automata::{Match, MatchError};

pub use regex_automata::Input;

/// Expressions that are searched for together.
pub struct Patterns {
    regex: Regex,
    /// States of the automaton met so far.
    cache: Cache,
}

/// How expressions are to be read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// `a` matches `A` too.
    pub ignore_case: bool,
    /// Each is a plain text, in which no character means anything but itself.
    pub literal: bool,
}

/// What compiled expressions and the states met may take, each: far below the memory of an
/// instance. When the states take more, they are forgotten and met again.
const LIMIT: usize = 1 << 20;

impl Patterns {
    /// Reads `expressions`. Each comes with the key that its author knows it by, such as `keep[0]`.
    pub fn new<K: AsRef<str>, E: AsRef<str>>(
        expressions: &[(K, E)],
        options: Options,
    ) -> Result<Self, Error> {
        let syntax = syntax::Config::new()
            .unicode(false)
            .utf8(false)
            .case_insensitive(options.ignore_case);
        let mut texts = Vec::with_capacity(expressions.len());
        for (key, text) in expressions {
            let text = match options.literal {
                true => regex_syntax::escape(text.as_ref()),
                false => text.as_ref().to_owned(),
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
                Error::new("the patterns are too large; make repetitions such as {1000} smaller")
            })?;
        let cache = regex.create_cache();
        Ok(Self { regex, cache })
    }

    /// The leftmost match in `input`. Where two start at one place, the earlier expression wins.
    #[inline]
    pub fn find(&mut self, input: &Input<'_>) -> Option<Match> {
        self.regex
            .try_search(&mut self.cache, input)
            .unwrap_or_else(never)
    }

    /// Whether any expression matches somewhere in `line`.
    #[inline]
    pub fn matches(&mut self, line: &[u8]) -> bool {
        let input = Input::new(line).earliest(true);
        let forward = self.cache.as_parts_mut().0;
        self.regex
            .forward()
            .try_search_fwd(forward, &input)
            .unwrap_or_else(never)
            .is_some()
    }
}

/// A lazy DFA gives up only on bytes, or after a number of states, that it was told to.
#[cold]
fn never<T>(error: MatchError) -> T {
    unreachable!("told to give up on nothing: {error}")
}

/// What is wrong, in one line.
fn refusal(key: &str, text: &str, error: &regex_syntax::Error) -> Error {
    let problem = match error {
        regex_syntax::Error::Parse(error) => error.kind().to_string(),
        regex_syntax::Error::Translate(error) => error.kind().to_string(),
        other => other.to_string(),
    };
    Error::setting(key, format!("`{text}` is no regular expression: {problem}"))
}

#[cfg(test)]
mod tests {
    use super::{Input, Options, Patterns};

    fn patterns(texts: &[&str], options: Options) -> Patterns {
        let keyed: Vec<_> = texts.iter().map(|text| ("key", text)).collect();
        Patterns::new(&keyed, options).unwrap()
    }

    #[test]
    fn the_leftmost_wins_then_the_first() {
        let mut patterns = patterns(&["bcd", "b", "abcx"], Options::default());
        let found = patterns.find(&Input::new("abcd")).unwrap();
        assert_eq!((found.pattern().as_usize(), found.range()), (0, 1..4));
        let found = patterns.find(&Input::new("abc")).unwrap();
        assert_eq!((found.pattern().as_usize(), found.range()), (1, 1..2));
        assert!(patterns.find(&Input::new("acd")).is_none());
    }

    #[test]
    fn a_search_sees_what_is_before_its_start() {
        let mut patterns = patterns(&[r"\bb"], Options::default());
        assert!(patterns.find(&Input::new("ab").range(1..)).is_none());
        assert!(patterns.find(&Input::new(" b").range(1..)).is_some());
    }

    #[test]
    fn classes_are_those_of_ascii() {
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
    fn more_states_than_there_is_room_for_are_no_obstacle() {
        // One state for each set of places an `a` was at, among the last 18 bytes.
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
