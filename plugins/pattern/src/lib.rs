//! Regular expressions as a filter's settings give them → searches in lines.
//!
//! All expressions are searched for at once, in one pass over the line, in time linear in its
//! length whatever the expressions are. They work on bytes: `.` is any byte, `\w`, `\d`, `\b` and
//! case are ASCII's, and text outside ASCII stands for its UTF-8. This crate is linked into the
//! filters that search; it is no filter.

use linemill_sdk::Error;
use regex_automata::hybrid::regex::{Cache, Regex};
use regex_automata::util::syntax;
use regex_automata::Match;

pub use regex_automata::Input;

/// Expressions that are searched for together.
pub struct Patterns {
    regex: Regex,
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

impl Patterns {
    /// Reads `expressions`. Each has the key that its author knows it by, such as `keep[0]`.
    pub fn new<K: AsRef<str>, E: AsRef<str>>(
        expressions: &[(K, E)],
        options: Options,
    ) -> Result<Self, Error> {
        let texts: Vec<String> = expressions
            .iter()
            .map(|(_, text)| match options.literal {
                true => regex_syntax::escape(text.as_ref()),
                false => text.as_ref().to_owned(),
            })
            .collect();
        let regex = Regex::builder()
            .syntax(syntax::Config::new().unicode(false).utf8(false).case_insensitive(options.ignore_case))
            .thompson(regex_automata::nfa::thompson::Config::new().utf8(false))
            .dfa(regex_automata::hybrid::dfa::Config::new().cache_capacity(1<<20))
            .build_many(&texts).map_err(|e| Error::new(e.to_string()))?;
        let cache = regex.create_cache();
        Ok(Self { regex, cache })
    }

    /// The leftmost match in `input`. Where two start at one place, the earlier expression wins.
    #[inline]
    pub fn find(&mut self, input: &Input<'_>) -> Option<Match> {
        self.regex.try_search(&mut self.cache, input).unwrap()
    }

    /// Whether any expression matches somewhere in `line`.
    #[inline]
    pub fn matches(&mut self, line: &[u8]) -> bool {
        let input = Input::new(line).earliest(true);
        self.regex.forward().try_search_fwd(self.cache.as_parts_mut().0,&input).unwrap().is_some()
    }
}

