//! One expression with capture groups.
//!
//! In: an expression from a filter's settings, and lines. Out: the leftmost match in a line, and where each of
//! its groups matched. Not here: what a filter makes of the groups ([`Template`](crate::Template)).
//!
//! A lazy DFA finds the match, in time linear in the line's length. It does not know groups. Only if they are
//! asked for, they are found inside the match: by a one-pass DFA if at each byte there is only one way on, as
//! in `(\w+)=(\d+)`; else by backtracking that visits no state twice at the same byte, as long as its memory
//! suffices; else by the PikeVM. All of them are linear.

use std::ops::Range;

use linemill_sdk::Error;
use regex_automata::dfa::onepass;
use regex_automata::hybrid::dfa::{self, DFA};
use regex_automata::hybrid::regex::{Cache, Regex};
use regex_automata::nfa::thompson::backtrack::{self, BoundedBacktracker};
use regex_automata::nfa::thompson::pikevm::{self, PikeVM};
use regex_automata::nfa::thompson::{self, NFA, WhichCaptures};
use regex_automata::util::prefilter::Prefilter;
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::{Anchored, Input, MatchKind, PatternID};
use regex_syntax::hir::Hir;

use crate::{LIMIT, Options, impossible, parse};

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
}

/// Whether an expression is plain text: whether no character has a special meaning.
pub fn is_plain(expression: &str) -> bool {
    !expression.contains([
        '\\', '.', '+', '*', '?', '(', ')', '|', '[', ']', '{', '}', '^', '$',
    ])
}

/// What finds groups inside a match. The caches are created when they are first needed.
struct Groups {
    one_pass: Option<(onepass::DFA, onepass::Cache)>,
    backtracker: BoundedBacktracker,
    backtracker_cache: Option<backtrack::Cache>,
    vm: PikeVM,
    vm_cache: Option<pikevm::Cache>,
}

/// The memory that several [`Captures`] share, so that many expressions take no more than one may.
pub struct Budget {
    /// How many expressions share it.
    expressions: usize,
    /// What is left for compiled expressions, in bytes.
    automata: usize,
    /// What is left for the groups of long matches, in bytes.
    threads: usize,
}

/// The most expressions that may share a [`Budget`].
pub const MAX_EXPRESSIONS: usize = 100;

/// How much memory all [`Captures`] of a [`Budget`] may take, in bytes.
pub const CAPTURES_MEMORY: u64 = 10 << 20;

/// How much memory the [`Captures`] of a [small](Budget::small) budget may take, in bytes.
pub const SMALL_CAPTURES_MEMORY: u64 = CAPTURES_MEMORY / 4;

/// The memory of a backtracker's notes on what it visited, in bytes. Matches that need more are left to the
/// PikeVM. The places to return to may take a hundred times as much, in the worst case.
const VISITED: usize = 8 << 10;

// === impl Budget ===

impl Budget {
    /// For so many expressions, at most [`MAX_EXPRESSIONS`].
    pub fn new(expressions: usize) -> Self {
        Self {
            expressions: expressions.max(1),
            automata: LIMIT,
            threads: 2 * LIMIT,
        }
    }

    /// A quarter of the usual memory. For one expression.
    pub fn small() -> Self {
        Self {
            expressions: 4,
            automata: LIMIT / 4,
            threads: LIMIT / 2,
        }
    }

    fn share(&self, of: usize) -> usize {
        of / self.expressions
    }
}

// === impl Captures ===

impl Captures {
    /// Compiles `expression`. `key` is its key in the settings, for errors.
    ///
    /// # Errors
    /// If it is not valid, or is too large for what is left of `budget`.
    pub fn new(
        key: &str,
        expression: &str,
        options: Options,
        budget: &mut Budget,
    ) -> Result<Self, Error> {
        let hir = parse(key, expression, options)?;
        let too_large = || {
            let advice = "is too large; reduce repetitions such as {1000}";
            Error::setting(key, format!("`{expression}` {advice}"))
        };
        let nfa = |captures, reverse| {
            let config = thompson::Config::new()
                .utf8(false)
                .which_captures(captures)
                .reverse(reverse)
                .nfa_size_limit(Some(budget.automata));
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
        budget.automata = budget.automata.saturating_sub(with_groups.memory_usage());
        budget.threads = budget.threads.checked_sub(threads).ok_or_else(too_large)?;
        let names = with_groups.group_info().pattern_names(PatternID::ZERO);
        let names = names.map(|name| name.map(str::to_owned)).collect();
        let anchored = with_groups.is_always_start_anchored();
        let regex = searcher(forward, backward, &hir, budget.share(LIMIT))?;
        Ok(Self {
            cache: regex.create_cache(),
            regex,
            names,
            groups: Groups::new(with_groups, budget)?,
            slots: vec![None; slots],
            anchored,
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
        let input = Input::new(line).range(start..);
        self.regex
            .try_search(&mut self.cache, &input)
            .unwrap_or_else(impossible)
            .map(|found| found.range())
    }

    /// Finds the groups of a match that [`find`](Self::find) returned.
    pub fn find_groups(&mut self, line: &[u8], found: Range<usize>) {
        let input = Input::new(line).range(found).anchored(Anchored::Yes);
        self.groups.search(&input, &mut self.slots);
    }

    /// The leftmost match in `line`, and its groups.
    #[inline]
    pub fn find_with_groups(&mut self, line: &[u8]) -> bool {
        if self.anchored && self.groups.one_pass.is_some() {
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
fn searcher(forward: NFA, backward: NFA, hir: &Hir, capacity: usize) -> Result<Regex, Error> {
    let config = DFA::config()
        .cache_capacity(capacity)
        .skip_cache_capacity_check(true);
    let build = |config: dfa::Config, nfa| -> Result<DFA, Error> {
        Ok(DFA::builder().configure(config).build_from_nfa(nfa)?)
    };
    // A literal that every match begins with is searched for with vector instructions.
    let literal = Prefilter::from_hir_prefix(MatchKind::LeftmostFirst, hir);
    Ok(Regex::builder().build_from_dfas(
        build(config.clone().prefilter(literal), forward)?,
        build(config.match_kind(MatchKind::All), backward)?,
    ))
}

// === impl Groups ===

impl Groups {
    fn new(nfa: NFA, budget: &Budget) -> Result<Self, Error> {
        let one_pass = onepass::DFA::builder()
            .configure(onepass::Config::new().size_limit(Some(budget.share(LIMIT))))
            .build_from_nfa(nfa.clone())
            .ok();
        Ok(Self {
            one_pass: one_pass.map(|dfa| {
                let cache = dfa.create_cache();
                (dfa, cache)
            }),
            backtracker: BoundedBacktracker::builder()
                .configure(
                    backtrack::Config::new().visited_capacity(budget.share(VISITED).max(512)),
                )
                .build_from_nfa(nfa.clone())?,
            backtracker_cache: None,
            vm: PikeVM::new_from_nfa(nfa)?,
            vm_cache: None,
        })
    }

    /// Whether a match starts where `input` does, and its groups. `input` is anchored.
    #[inline]
    fn search(&mut self, input: &Input<'_>, slots: &mut [Option<NonMaxUsize>]) -> bool {
        if let Some((dfa, cache)) = &mut self.one_pass {
            return dfa
                .try_search_slots(cache, input, slots)
                .unwrap_or_else(impossible)
                .is_some();
        }
        if input.get_span().len() <= self.backtracker.max_haystack_len() {
            let cache = self
                .backtracker_cache
                .get_or_insert_with(|| self.backtracker.create_cache());
            return self
                .backtracker
                .try_search_slots(cache, input, slots)
                .unwrap_or_else(impossible)
                .is_some();
        }
        let cache = self.vm_cache.get_or_insert_with(|| self.vm.create_cache());
        self.vm.search_slots(cache, input, slots).is_some()
    }
}

#[cfg(test)]
mod tests;
