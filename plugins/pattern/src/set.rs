//! Finds out which of several expressions match somewhere in a line.
//!
//! In: expressions and a line. Out: the set of those that match, found in one pass over the line.
//! Not here: where they match.

use linemill_sdk::Error;
use regex_automata::hybrid::dfa::{Cache, Config, DFA};
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;
use regex_automata::{Input, MatchKind, PatternSet};

use crate::{Options, Patterns};

/// The maximum size of the compiled expressions, and that of the built states, in bytes, as for [`Patterns`].
const LIMIT: usize = 1 << 20;

/// Expressions, each of which matches a line or does not. Takes up to [`MEMORY`](crate::MEMORY) bytes.
pub struct Set {
    dfa: DFA,
    /// The states of the automaton that have been built so far.
    cache: Cache,
    /// The expressions that match the line that was searched last.
    found: PatternSet,
}

impl Set {
    /// Compiles `expressions`, each given with its key in the settings, for errors.
    ///
    /// # Errors
    /// If one of them is not valid, or if they are too large together.
    pub fn new<K: AsRef<str>, E: AsRef<str>>(
        expressions: &[(K, E)],
        options: Options,
    ) -> Result<Self, Error> {
        let mut texts = Vec::with_capacity(expressions.len());
        for (key, expression) in expressions {
            // This says what is wrong with a single one.
            Patterns::new(&[(key, expression)], options)?;
            texts.push(if options.literal {
                regex_syntax::escape(expression.as_ref())
            } else {
                expression.as_ref().to_owned()
            });
        }
        let syntax = syntax::Config::new()
            .unicode(false)
            .utf8(false)
            .case_insensitive(options.ignore_case);
        let dfa = DFA::builder()
            .syntax(syntax)
            .thompson(
                thompson::Config::new()
                    .utf8(false)
                    .nfa_size_limit(Some(LIMIT)),
            )
            .configure(
                Config::new()
                    .match_kind(MatchKind::All)
                    .cache_capacity(LIMIT)
                    .skip_cache_capacity_check(true),
            )
            .build_many(&texts)
            .map_err(|_| {
                Error::new("the patterns are too large; reduce repetitions such as {1000}")
            })?;
        Ok(Self {
            cache: dfa.create_cache(),
            found: PatternSet::new(dfa.pattern_len()),
            dfa,
        })
    }

    /// Finds out which expressions match somewhere in `line`.
    #[inline]
    pub fn search(&mut self, line: &[u8]) {
        self.found.clear();
        let input = Input::new(line);
        let searched =
            self.dfa
                .try_which_overlapping_matches(&mut self.cache, &input, &mut self.found);
        if let Err(error) = searched {
            // A lazy DFA gives up only at bytes or after a number of states that it was configured to.
            unreachable!("a search gave up, though it was not configured to: {error}");
        }
    }

    /// Whether the expression with this index matches the line that was searched last.
    #[inline]
    pub fn contains(&self, index: usize) -> bool {
        regex_automata::PatternID::new(index).is_ok_and(|id| self.found.contains(id))
    }
}

#[cfg(test)]
mod tests {
    use super::Set;
    use crate::Options;

    #[track_caller]
    fn found(texts: &[&str], lines: &[&[u8]]) -> Vec<Vec<usize>> {
        let keyed: Vec<_> = texts.iter().map(|text| ("key", text)).collect();
        let mut set = Set::new(&keyed, Options::default()).unwrap();
        let which = |line: &&[u8]| {
            set.search(line);
            (0..texts.len())
                .filter(|index| set.contains(*index))
                .collect()
        };
        lines.iter().map(which).collect()
    }

    #[test]
    fn all_expressions_that_match_are_found() {
        let texts = ["a", "ab", "b$", "^$", "(?i)B", "x"];
        assert_eq!(
            found(&texts, &[b"ab", b"", b"bc", b"\xffa\xfe", b"Bab"]),
            [
                vec![0, 1, 2, 4],
                vec![3],
                vec![4],
                vec![0],
                vec![0, 1, 2, 4]
            ],
        );
    }

    #[test]
    fn an_expression_that_is_not_valid_is_refused() {
        let refused = Set::new(&[("keep[0]", "a"), ("keep[1]", "(")], Options::default());
        assert_eq!(
            refused.err().unwrap().to_string(),
            "`keep[1]`: `(` is not a valid regular expression: unclosed group",
        );
    }

    #[test]
    fn a_search_succeeds_with_more_states_than_fit() {
        let mut set = Set::new(
            &[("key", "a[ab]{17}$"), ("key", "b[ab]{16}$")],
            Options::default(),
        )
        .unwrap();
        let mut line = Vec::new();
        let mut random = 1u32;
        for _ in 0..60_000 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            line.push(b"ab"[(random >> 31) as usize]);
        }
        let tail = line.len() - 18;
        for byte in [b'a', b'b'] {
            line[tail] = byte;
            set.search(&line);
            assert_eq!(set.contains(0), byte == b'a');
            assert_eq!(set.contains(1), line[tail + 1] == b'b');
        }
        assert!(set.cache.memory_usage() < 3 * super::LIMIT);
    }
}
