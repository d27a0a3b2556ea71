//! One expression with capture groups.
//!
//! In: an expression from a filter's settings, and lines. Out: the leftmost match in a line, and where each of
//! its groups matched. Not here: what a filter makes of the groups ([`Template`](crate::Template)).
//!
//! A lazy DFA finds the match, in time linear in the line's length. It does not know groups. Only if they are
//! asked for, they are found inside the match: by a one-pass DFA if at each byte there is only one way on, as
//! in `(\w+)=(\d+)`; else by backtracking that visits no state twice at the same byte, as long as its memory
//! suffices; else by the PikeVM. All of them are linear.

mod ahead;
mod budget;
mod groups;
mod prefer;

use std::ops::Range;

use linemill_sdk::Error;
use memchr::memmem::Finder;
use regex_automata::hybrid::dfa::{self, DFA};
use regex_automata::hybrid::regex::{Cache, Regex};
use regex_automata::nfa::thompson::{self, NFA, WhichCaptures};
use regex_automata::util::prefilter::Prefilter;
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::{Anchored, Input, MatchKind, PatternID};
use regex_syntax::hir::Hir;

pub use self::budget::{Budget, CAPTURES_MEMORY, MAX_EXPRESSIONS, SMALL_CAPTURES_MEMORY};

use self::ahead::Ahead;
use self::groups::Groups;
use crate::automaton::{can_match, in_block};
use crate::required::{Texts, required};
use crate::{Options, impossible, never, parse};

/// An expression that reports where its groups match.
pub struct Captures {
    regex: Regex,
    /// The states of the automaton that have been built so far.
    cache: Cache,
    /// The names of the groups. Group 0 is the whole match.
    names: Vec<Option<String>>,
    groups: Groups,
    /// Two offsets for each group of the last match, if the group took part in it.
    slots: Vec<Option<NonMaxUsize>>,
    /// Every match starts where the line does.
    anchored: bool,
    /// The length of every match, if all have the same.
    length: Option<usize>,
    /// A text that every match contains. It is `None` if the search looks for one by itself.
    required: Option<Finder<'static>>,
}

/// A search for all matches in a line, one after the other: see [`Captures::find_next`].
///
/// Behind many a match, a search reads on in vain, and finding all of them could take a time that grows with
/// the square of the line's length. The cursor notices this and continues in another way.
#[derive(Default)]
pub struct Cursor {
    matches: usize,
    /// How many bytes were read behind matches.
    in_vain: usize,
    /// The other way.
    ahead: Option<Box<Ahead>>,
}

/// After this number of matches in a line, what searches read in vain is counted.
const FREE_MATCHES: usize = 32;

// === impl Captures ===

impl Captures {
    /// Compiles `expression`. `key` is its key in the settings, for errors.
    ///
    /// # Errors
    /// If it is not valid, can never match a line, or is too large for what is left of `budget`.
    pub fn new(
        key: &str,
        expression: &str,
        options: Options,
        budget: &mut Budget,
    ) -> Result<Self, Error> {
        let hir = parse(&options.text(expression), options).map_err(|error| error.of(key))?;
        Self::compile(key, expression, hir, budget)
    }

    /// Compiles `expression` as [`new`](Self::new) does. Where one of its alternatives matches nothing and another
    /// one a text, such as `^|,` before a comma, the text is the match: as in sed.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn preferring_text(
        key: &str,
        expression: &str,
        options: Options,
        budget: &mut Budget,
    ) -> Result<Self, Error> {
        let hir = parse(&options.text(expression), options).map_err(|error| error.of(key))?;
        Self::compile(key, expression, prefer::text(hir), budget)
    }

    fn compile(key: &str, expression: &str, hir: Hir, budget: &mut Budget) -> Result<Self, Error> {
        if in_block(&hir).is_some_and(|lines| !can_match(&lines)) {
            return Err(never(key, expression));
        }
        let others = if budget.is_used() {
            " together with the patterns before it"
        } else {
            ""
        };
        let too_large = || {
            let advice = "reduce repetitions such as {1000}";
            Error::setting(
                key,
                format!("`{expression}` is too large{others}; {advice}"),
            )
        };
        let nfa = |captures, reverse| {
            let config = thompson::Config::new()
                .utf8(false)
                .which_captures(captures)
                .reverse(reverse)
                .nfa_size_limit(Some(budget.automata()));
            thompson::Compiler::new()
                .configure(config)
                .build_from_hir(&hir)
                .map_err(|_| too_large())
        };
        let with_groups = nfa(WhichCaptures::All, false)?;
        let (forward, backward) = (
            nfa(WhichCaptures::None, false)?,
            nfa(WhichCaptures::None, true)?,
        );
        let slots = with_groups.group_info().slot_len();
        let threads = 2 * with_groups.states().len() * (slots + 2) * size_of::<NonMaxUsize>();
        if !budget.take(with_groups.memory_usage(), threads) {
            return Err(too_large());
        }
        let names = with_groups.group_info().pattern_names(PatternID::ZERO);
        let names = names.map(|name| name.map(str::to_owned)).collect();
        let anchored = with_groups.is_always_start_anchored();
        let properties = hir.properties();
        let length = properties
            .minimum_len()
            .filter(|_| properties.minimum_len() == properties.maximum_len());
        // A text that every match begins with is searched for with vector instructions.
        let prefix = Prefilter::from_hir_prefix(MatchKind::LeftmostFirst, &hir);
        let required = match prefix {
            Some(_) => None,
            None => required_text(&hir),
        };
        let regex = searcher(forward, backward, prefix, budget.states())?;
        Ok(Self {
            cache: regex.create_cache(),
            regex,
            names,
            groups: Groups::new(with_groups, budget)?,
            slots: vec![None; slots],
            anchored,
            length,
            required,
        })
    }

    /// The names of the groups, in the order in which they begin in the expression. The first one is the whole
    /// match, which has no name.
    pub fn names(&self) -> &[Option<String>] {
        &self.names
    }

    /// The leftmost match in `line` that does not start before `start`.
    #[inline]
    pub fn find(&mut self, line: &[u8], start: usize) -> Option<Range<usize>> {
        if start == 0
            && let Some(required) = &self.required
            && required.find(line).is_none()
        {
            return None;
        }
        let input = Input::new(line).range(start..);
        if let Some(length) = self.length {
            let (forward, _) = self.cache.as_parts_mut();
            let end = self.regex.forward().try_search_fwd(forward, &input);
            let end = end.unwrap_or_else(impossible)?.offset();
            return Some(end - length..end);
        }
        self.regex
            .try_search(&mut self.cache, &input)
            .unwrap_or_else(impossible)
            .map(|found| found.range())
    }

    /// The leftmost match in `line` that does not start before `start`, as part of a search for all matches.
    /// For a new line, use a new cursor, and do not go back in a line.
    #[inline]
    pub fn find_next(
        &mut self,
        line: &[u8],
        start: usize,
        cursor: &mut Cursor,
    ) -> Option<Range<usize>> {
        cursor.matches += 1;
        if cursor.matches <= FREE_MATCHES {
            return self.find(line, start);
        }
        if let Some(ahead) = &mut cursor.ahead {
            return ahead.find(line, start);
        }
        let (found, read) = self.find_counting(line, start)?;
        cursor.in_vain += read - found.end;
        // Ordinary lines never get here.
        if cursor.in_vain > 4 * line.len() {
            cursor.ahead =
                Ahead::new(self.regex.forward().get_nfa(), line, found.end).map(Box::new);
            cursor.in_vain = 0;
        }
        Some(found)
    }

    /// Like [`find`](Self::find). Also returns up to where the line was read.
    fn find_counting(&mut self, line: &[u8], start: usize) -> Option<(Range<usize>, usize)> {
        let input = Input::new(line).range(start..);
        let (forward, backward) = self.cache.as_parts_mut();
        let dfa = self.regex.forward();
        let mut state = dfa
            .start_state_forward(forward, &input)
            .unwrap_or_else(impossible);
        let (mut end, mut at) = (None, start);
        while let Some(&byte) = line.get(at) {
            state = dfa
                .next_state(forward, state, byte)
                .unwrap_or_else(impossible);
            if state.is_match() {
                end = Some(at);
            } else if state.is_dead() {
                break;
            }
            at += 1;
        }
        if at == line.len() {
            state = dfa
                .next_eoi_state(forward, state)
                .unwrap_or_else(impossible);
            if state.is_match() {
                end = Some(at);
            }
        }
        let end = end?;
        let input = Input::new(line).range(start..end).anchored(Anchored::Yes);
        let found = self
            .regex
            .reverse()
            .try_search_rev(backward, &input)
            .unwrap_or_else(impossible);
        // The start is found, as the end was.
        Some((found.map_or(end, |found| found.offset())..end, at))
    }

    /// Finds the groups of a match that [`find`](Self::find) returned.
    pub fn find_groups(&mut self, line: &[u8], found: Range<usize>) {
        let input = Input::new(line).range(found).anchored(Anchored::Yes);
        self.groups.search(&input, &mut self.slots);
    }

    /// The leftmost match in `line`, and its groups.
    #[inline]
    pub fn find_with_groups(&mut self, line: &[u8]) -> bool {
        if self.anchored && self.groups.are_one_pass() {
            let input = Input::new(line).anchored(Anchored::Yes);
            return self.groups.search(&input, &mut self.slots);
        }
        match self.find(line, 0) {
            Some(found) => {
                self.find_groups(line, found);
                true
            }
            None => false,
        }
    }

    /// Where the group with this index is in the last match; `None` if it took no part in it.
    #[inline]
    pub fn group(&self, index: usize) -> Option<Range<usize>> {
        let start = (*self.slots.get(2 * index)?)?;
        let end = (*self.slots.get(2 * index + 1)?)?;
        Some(start.get()..end.get())
    }
}

/// The automata that find a match: one its end, the other its start.
fn searcher(
    forward: NFA,
    backward: NFA,
    prefix: Option<Prefilter>,
    capacity: usize,
) -> Result<Regex, Error> {
    let config = DFA::config()
        .cache_capacity(capacity)
        .skip_cache_capacity_check(true);
    let build = |config: dfa::Config, nfa| -> Result<DFA, Error> {
        Ok(DFA::builder().configure(config).build_from_nfa(nfa)?)
    };
    Ok(Regex::builder().build_from_dfas(
        build(config.clone().prefilter(prefix), forward)?,
        build(config.match_kind(MatchKind::All), backward)?,
    ))
}

/// A text that every match contains, if it has at least two bytes. A single byte is often in lines that do not
/// match.
fn required_text(hir: &Hir) -> Option<Finder<'static>> {
    let Texts { texts, fold: false } = required(hir)? else {
        return None;
    };
    match &texts[..] {
        [text] if text.len() > 1 => Some(Finder::new(text).into_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
