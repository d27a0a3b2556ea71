//! Regular expressions as a filter's settings give them → searches in lines.
//!
//! All expressions are searched for at once, in one pass over the line, in time linear in its
//! length whatever the expressions are. They work on bytes: `.` is any byte, `\w`, `\d`, `\b` and
//! case are ASCII's, and text outside ASCII stands for its UTF-8. This crate is linked into the
//! filters that search; it is no filter.

use linemill_sdk::Error;
use regex_automata::meta::{BuildError, Cache, Regex};
use regex_automata::util::syntax;
use regex_automata::{Input, Match};

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
            .syntax(
                syntax::Config::new()
                    .unicode(false)
                    .utf8(false)
                    .case_insensitive(options.ignore_case),
            )
            .configure(
                Regex::config()
                    .utf8_empty(false)
                    // What a filter may need at most, far below the memory of an instance.
                    .nfa_size_limit(Some(2 << 20))
                    .hybrid_cache_capacity(1 << 20),
            )
            .build_many(&texts)
            .map_err(|error| refusal(expressions, &texts, &error))?;
        let cache = regex.create_cache();
        Ok(Self { regex, cache })
    }

    /// The leftmost match in `input`. Where two start at one place, the earlier expression wins.
    #[inline]
    pub fn find(&mut self, input: &Input<'_>) -> Option<Match> {
        self.regex.search_with(&mut self.cache, input)
    }

    /// Whether any expression matches somewhere in `line`.
    #[inline]
    pub fn matches(&mut self, line: &[u8]) -> bool {
        let input = Input::new(line).earliest(true);
        self.regex.search_half_with(&mut self.cache, &input).is_some()
    }
}

/// Names the expression that is at fault, in one line.
fn refusal<K: AsRef<str>, E: AsRef<str>>(
    expressions: &[(K, E)],
    texts: &[String],
    error: &BuildError,
) -> Error {
    let culprit = error.pattern().map(|id| id.as_usize());
    let Some((key, text)) = culprit.and_then(|index| expressions.get(index)) else {
        return match error.size_limit() {
            Some(_) => Error::new("the patterns are too large; make repetitions such as {1000} smaller"),
            None => Error::new(error.to_string()),
        };
    };
    let problem = match error.syntax_error() {
        Some(regex_syntax::Error::Parse(error)) => error.kind().to_string(),
        Some(regex_syntax::Error::Translate(error)) => error.kind().to_string(),
        _ => error.to_string(),
    };
    debug_assert!(culprit.is_some_and(|index| index < texts.len()));
    Error::setting(key.as_ref(), format!("`{}` is no regular expression: {problem}", text.as_ref()))
}
