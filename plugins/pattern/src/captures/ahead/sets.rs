//! From which states of an automaton a match can be reached.
//!
//! In: a line, and the set of these states after a byte. Out: the set before it. Not here: where sets are kept.
//!
//! A set depends on few things: the set after it, the byte, and the byte before, which an assertion such as `\b`
//! may look at. So sets are remembered by these, which makes it ten times as fast. Few lines have many sets.

use std::collections::HashMap;
use std::mem;

use regex_automata::nfa::thompson::{NFA, State};
use regex_automata::util::look::Look;
use regex_automata::util::primitives::StateID;

/// Computes sets of states. A set has one bit for each state.
pub(super) struct Sets {
    nfa: NFA,
    /// The states that read a byte or match.
    leaves: Vec<StateID>,
    /// What leads to each state without reading a byte: the states, and what must be true of the place.
    sources: Vec<Vec<(StateID, Option<Look>)>>,
    /// The sets that are remembered.
    known: Vec<u64>,
    ids: HashMap<Box<[u64]>, u32>,
    /// For each remembered set, the sets before it, by what they depend on.
    before: Vec<u32>,
    /// How many entries of `before` a set has.
    stride: usize,
    work: Vec<StateID>,
}

/// The most memory for sets that are remembered, in bytes.
const MAX_KNOWN: usize = 512 << 10;

/// A set that is not computed yet.
const UNKNOWN: u32 = u32::MAX;

/// How many kinds of bytes before a byte there are, for assertions.
const KINDS: usize = 5;

impl Sets {
    pub(super) fn new(nfa: &NFA) -> Self {
        let kinds = if nfa.look_set_any().is_empty() {
            1
        } else {
            KINDS
        };
        let mut sets = Self {
            nfa: nfa.clone(),
            leaves: Vec::new(),
            sources: vec![Vec::new(); nfa.states().len()],
            known: Vec::new(),
            ids: HashMap::new(),
            before: Vec::new(),
            stride: kinds * nfa.byte_classes().alphabet_len(),
            work: Vec::new(),
        };
        for (index, state) in nfa.states().iter().enumerate() {
            let id = StateID::new_unchecked(index);
            let mut note = |to: StateID, look| sets.sources[to.as_usize()].push((id, look));
            match state {
                State::Look { look, next } => note(*next, Some(*look)),
                State::Union { alternates } => alternates.iter().for_each(|to| note(*to, None)),
                State::BinaryUnion { alt1, alt2 } => {
                    [*alt1, *alt2].into_iter().for_each(|to| note(to, None));
                }
                State::Capture { next, .. } => note(*next, None),
                State::Fail => {}
                _ => sets.leaves.push(id),
            }
        }
        sets
    }

    /// The number of words in a set.
    pub(super) fn words(&self) -> usize {
        self.nfa.states().len().div_ceil(64)
    }

    /// The set at the end of the line.
    pub(super) fn at_end(&mut self, line: &[u8], set: &mut [u64]) {
        self.compute(line, line.len(), &[], set);
    }

    /// The number by which a set is remembered, if it is.
    pub(super) fn id(&self, set: &[u64]) -> Option<u32> {
        self.ids.get(set).copied()
    }

    /// The set before the byte at `at`, from the set after it, whose number is `id`. Returns the number of the
    /// new set.
    pub(super) fn before(
        &mut self,
        line: &[u8],
        at: usize,
        (after, id): (&[u64], Option<u32>),
        set: &mut [u64],
    ) -> Option<u32> {
        let entry = id.map(|id| id as usize * self.stride + self.key(line, at));
        let known = entry.map_or(UNKNOWN, |entry| self.before[entry]);
        if known != UNKNOWN {
            let words = set.len();
            set.copy_from_slice(&self.known[known as usize * words..][..words]);
            return Some(known);
        }
        self.compute(line, at, after, set);
        let new = self.id(set).or_else(|| self.remember(set));
        if let (Some(entry), Some(new)) = (entry, new) {
            self.before[entry] = new;
        }
        new
    }

    /// The state after reading the byte at `at`.
    pub(super) fn read(&self, line: &[u8], at: usize, state: StateID) -> Option<StateID> {
        let byte = *line.get(at)?;
        match self.nfa.state(state) {
            State::ByteRange { trans } => trans.matches_byte(byte).then_some(trans.next),
            State::Sparse(transitions) => transitions.matches_byte(byte),
            State::Dense(transitions) => transitions.matches_byte(byte),
            _ => None,
        }
    }

    /// What a set depends on, apart from the one after it.
    fn key(&self, line: &[u8], at: usize) -> usize {
        let classes = self.nfa.byte_classes();
        let kind = match at.checked_sub(1).map(|before| line[before]) {
            _ if self.stride == classes.alphabet_len() => 0,
            None => 0,
            Some(b'\n') => 1,
            Some(b'\r') => 2,
            Some(byte) if byte.is_ascii_alphanumeric() || byte == b'_' => 3,
            Some(_) => 4,
        };
        kind * classes.alphabet_len() + usize::from(classes.get(line[at]))
    }

    /// Remembers a set, if there is memory left.
    fn remember(&mut self, set: &[u64]) -> Option<u32> {
        let each = 4 * self.stride + 2 * size_of_val(set);
        if (self.ids.len() + 1) * each > MAX_KNOWN {
            return None;
        }
        let id = u32::try_from(self.ids.len()).ok()?;
        self.ids.insert(set.into(), id);
        self.known.extend_from_slice(set);
        self.before.resize(self.before.len() + self.stride, UNKNOWN);
        Some(id)
    }

    fn compute(&mut self, line: &[u8], at: usize, after: &[u64], set: &mut [u64]) {
        set.fill(0);
        let mut work = mem::take(&mut self.work);
        for &leaf in &self.leaves {
            let leads = matches!(self.nfa.state(leaf), State::Match { .. })
                || self
                    .read(line, at, leaf)
                    .is_some_and(|next| has(after, next));
            if leads {
                insert(set, leaf);
                work.push(leaf);
            }
        }
        while let Some(state) = work.pop() {
            for &(source, look) in &self.sources[state.as_usize()] {
                let holds = look.is_none_or(|look| self.nfa.look_matcher().matches(look, line, at));
                if holds && insert(set, source) {
                    work.push(source);
                }
            }
        }
        self.work = work;
    }
}

/// Whether a set contains a state.
pub(super) fn has(set: &[u64], state: StateID) -> bool {
    set[state.as_usize() / 64] >> (state.as_usize() % 64) & 1 == 1
}

/// Returns whether the state is new.
fn insert(set: &mut [u64], state: StateID) -> bool {
    let is_new = !has(set, state);
    set[state.as_usize() / 64] |= 1 << (state.as_usize() % 64);
    is_new
}
