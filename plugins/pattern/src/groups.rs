//! The groups of a match.
//!
//! In: an expression, and a match of it. Out: what its groups matched. Not here: finding the match, which
//! [`Patterns`](crate::Patterns) does many times faster.

use std::ops::Range;

use linemill_sdk::Error;
use regex_automata::nfa::thompson::pikevm::{Cache, PikeVM};
use regex_automata::util::captures::Captures;
use regex_automata::{Anchored, Input};

use crate::{LIMIT, Options, refusal, syntax_of};

/// An expression with groups.
pub struct Groups {
    vm: PikeVM,
    cache: Cache,
    captures: Captures,
}

impl Groups {
    /// Compiles an expression. Returns `None` if it has no group. `key` is its key in the settings, for errors.
    ///
    /// # Errors
    /// If it is not valid or too large.
    pub fn new(key: &str, expression: &str, options: Options) -> Result<Option<Self>, Error> {
        let syntax = syntax_of(options);
        let parsed = regex_syntax::ParserBuilder::new()
            .unicode(false)
            .utf8(false)
            .build()
            .parse(expression);
        match parsed {
            Err(error) => return Err(refusal(key, expression, &error)),
            Ok(parsed) if parsed.properties().explicit_captures_len() == 0 => return Ok(None),
            Ok(_) => {}
        }
        let vm = PikeVM::builder()
            .syntax(syntax)
            .thompson(
                regex_automata::nfa::thompson::Config::new()
                    .utf8(false)
                    .nfa_size_limit(Some(LIMIT)),
            )
            .build(expression)
            .map_err(|_| {
                Error::setting(
                    key,
                    "the pattern is too large; reduce repetitions such as {1000}",
                )
            })?;
        Ok(Some(Self {
            cache: vm.create_cache(),
            captures: vm.create_captures(),
            vm,
        }))
    }

    /// What the groups of the match at `range` matched, in order, without groups in groups. It is empty if none of
    /// them took part.
    pub fn of(&mut self, line: &[u8], range: Range<usize>) -> Vec<Range<usize>> {
        let input = Input::new(line).range(range).anchored(Anchored::Yes);
        self.vm.captures(&mut self.cache, input, &mut self.captures);
        let mut found: Vec<Range<usize>> = Vec::new();
        for span in self.captures.iter().skip(1).flatten() {
            if found.last().is_none_or(|last| last.end <= span.start) {
                found.push(span.range());
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::Groups;
    use crate::Options;

    #[test]
    fn the_outer_groups_that_took_part() {
        let mut groups = Groups::new("key", "a(b(c))|d(e)?f(g)", Options::default())
            .unwrap()
            .unwrap();
        assert_eq!(groups.of(b"xabcx", 1..4), vec![Range { start: 2, end: 4 }]);
        assert_eq!(groups.of(b"dfg", 0..3), vec![Range { start: 2, end: 3 }]);
        assert_eq!(groups.of(b"defg", 0..4), [1..2, 3..4]);
        assert!(
            Groups::new("key", "a(?:b)", Options::default())
                .unwrap()
                .is_none()
        );
        assert!(Groups::new("key", "a(b", Options::default()).is_err());
    }
}
