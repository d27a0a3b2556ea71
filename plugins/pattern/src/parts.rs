//! All matches in a line, in linear time.
//!
//! In: patterns and a line. Out: where they match, from left to right without overlap. Not here: which groups
//! matched ([`Captures`](crate::Captures)).
//!
//! To know where a match ends, a search may have to look far beyond it: `<(.*>)?` looks for the last `>` of
//! the line, and if there is none, it does so again after each `<`. The bytes that are looked at in vain
//! are counted, and beyond [`IN_VAIN`] times the length of the line there are no more matches. Patterns for
//! times, numbers and the like never come near.

use std::ops::Range;

use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::{Anchored, Input, MatchError};

use crate::{Patterns, impossible};

/// How often each byte may be looked at without being a part of a match, on average.
const IN_VAIN: usize = 8;

impl Patterns {
    /// Calls `found` with each match in `line` that is not empty, the leftmost first. A match begins where
    /// the one before ends, or later. If several expressions match at the same place, the earliest of them
    /// counts.
    pub fn for_each_match(&mut self, line: &[u8], mut found: impl FnMut(Range<usize>)) {
        let (forward, backward) = self.cache.as_parts_mut();
        let mut in_vain = line.len().saturating_mul(IN_VAIN);
        let mut at = 0;
        while at < line.len() {
            let Some((end, looked)) = end_of_match(self.regex.forward(), forward, line, at) else {
                return;
            };
            let Some(left) = in_vain.checked_sub(looked - end) else {
                return;
            };
            in_vain = left;
            let input = Input::new(line).range(at..end).anchored(Anchored::Yes);
            let start = self.regex.reverse().try_search_rev(backward, &input);
            let start = start.unwrap_or_else(impossible);
            let start = start.map_or(end, |start| start.offset());
            if start < end {
                found(start..end);
                at = end;
            } else {
                // Empty. The next one begins at a later byte.
                at = end + 1;
            }
        }
    }
}

/// Where the leftmost match that does not begin before `at` ends, and how far the search had to look.
fn end_of_match(dfa: &DFA, cache: &mut Cache, line: &[u8], at: usize) -> Option<(usize, usize)> {
    let input = Input::new(line).range(at..);
    let start = dfa.start_state_forward(cache, &input);
    let mut state = start.unwrap_or_else(impossible);
    let mut end = None;
    for (index, &byte) in line.iter().enumerate().skip(at) {
        let next = dfa.next_state(cache, state, byte);
        state = next.unwrap_or_else(|_| impossible(MatchError::gave_up(index)));
        if !state.is_tagged() {
            continue;
        }
        if state.is_match() {
            // The state after a byte says whether there is a match before it.
            end = Some(index);
        } else if state.is_dead() {
            return end.map(|end| (end, index + 1));
        }
    }
    let last = dfa.next_eoi_state(cache, state);
    let last = last.unwrap_or_else(|_| impossible(MatchError::gave_up(line.len())));
    if last.is_match() {
        end = Some(line.len());
    }
    end.map(|end| (end, line.len()))
}

#[cfg(test)]
mod tests {
    use crate::{Input, Options, Patterns};

    fn patterns(texts: &[&str]) -> Patterns {
        let keyed: Vec<_> = texts.iter().map(|text| ("key", text)).collect();
        Patterns::small(&keyed, Options::default()).unwrap()
    }

    fn matches(patterns: &mut Patterns, line: &[u8]) -> Vec<(usize, usize)> {
        let mut all = Vec::new();
        patterns.for_each_match(line, |found| all.push((found.start, found.end)));
        all
    }

    /// The same by searches that are not linear together.
    fn one_by_one(patterns: &mut Patterns, line: &[u8]) -> Vec<(usize, usize)> {
        let (mut all, mut at) = (Vec::new(), 0);
        while at < line.len()
            && let Some(found) = patterns.find(&Input::new(line).range(at..))
        {
            if found.is_empty() {
                at = found.end() + 1;
            } else {
                all.push((found.start(), found.end()));
                at = found.end();
            }
        }
        all
    }

    #[test]
    fn agrees_with_searches_one_by_one() {
        let mut random = 1u64;
        for texts in [
            &["a"][..],
            &["ab|a", "b+"],
            &["^a", "b$", r"\bb"],
            &["", "a"],
            &["a*"],
            &["(?:ab)*c?", "bc"],
            &["a.{3}b|a"],
            &["b(?:a*c)?"],
            &["$|^"],
        ] {
            let mut patterns = patterns(texts);
            for _ in 0..2000 {
                let mut line = Vec::new();
                for _ in 0..(random >> 40) % 40 {
                    random = random
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    line.push(b"aabbc "[(random >> 33) as usize % 6]);
                }
                random = random.wrapping_add(1 << 40);
                assert_eq!(
                    matches(&mut patterns, &line),
                    one_by_one(&mut patterns, &line),
                    "{texts:?} in {:?}",
                    String::from_utf8_lossy(&line)
                );
            }
        }
    }

    #[test]
    fn a_search_in_vain_ends() {
        let mut patterns = patterns(&["<(?:.*>)?"]);
        let line = vec![b'<'; 100_000];
        let found = matches(&mut patterns, &line).len();
        assert!((1..100).contains(&found), "{found}");
        let mut with_end = line.clone();
        with_end.push(b'>');
        assert_eq!(matches(&mut patterns, &with_end), [(0, 100_001)]);
        let numbers = "12:34 ".repeat(20_000);
        let mut digits = self::patterns(&["[0-9]+"]);
        assert_eq!(matches(&mut digits, numbers.as_bytes()).len(), 40_000);
    }
}
