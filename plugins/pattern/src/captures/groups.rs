//! Finds the groups of a match.
//!
//! In: where a match is in a line. Out: where its groups are. Not here: finding matches.

use linemill_sdk::Error;
use regex_automata::Input;
use regex_automata::dfa::onepass;
use regex_automata::nfa::thompson::NFA;
use regex_automata::nfa::thompson::backtrack::{self, BoundedBacktracker};
use regex_automata::nfa::thompson::pikevm::{self, PikeVM};
use regex_automata::util::primitives::NonMaxUsize;

use super::Budget;
use crate::impossible;

/// What finds groups inside a match. The caches are created when they are first needed.
pub(super) struct Groups {
    one_pass: Option<(onepass::DFA, onepass::Cache)>,
    backtracker: BoundedBacktracker,
    backtracker_cache: Option<backtrack::Cache>,
    vm: PikeVM,
    vm_cache: Option<pikevm::Cache>,
}

impl Groups {
    pub(super) fn new(nfa: NFA, budget: &Budget) -> Result<Self, Error> {
        let one_pass = onepass::DFA::builder()
            .configure(onepass::Config::new().size_limit(Some(budget.states())))
            .build_from_nfa(nfa.clone())
            .ok();
        Ok(Self {
            one_pass: one_pass.map(|dfa| {
                let cache = dfa.create_cache();
                (dfa, cache)
            }),
            backtracker: BoundedBacktracker::builder()
                .configure(backtrack::Config::new().visited_capacity(budget.visited()))
                .build_from_nfa(nfa.clone())?,
            backtracker_cache: None,
            vm: PikeVM::new_from_nfa(nfa)?,
            vm_cache: None,
        })
    }

    /// Whether a match starts where `input` does, and its groups. `input` is anchored.
    #[inline]
    pub(super) fn search(&mut self, input: &Input<'_>, slots: &mut [Option<NonMaxUsize>]) -> bool {
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

    /// Whether a one-pass DFA does it, which need not know where the match ends.
    pub(super) fn are_one_pass(&self) -> bool {
        self.one_pass.is_some()
    }
}
