//! Bounds the memory of expressions with groups.
//!
//! In: how many expressions there are. Out: how much memory each of them may take.

/// The memory that several [`Captures`](super::Captures) share, so that many expressions take no more than one
/// may.
pub struct Budget {
    /// How many expressions share it.
    expressions: usize,
    /// What there was for compiled expressions, and what is left, in bytes.
    all_automata: usize,
    automata: usize,
    /// What is left for the groups of long matches, in bytes.
    threads: usize,
}

/// The most expressions that may share a [`Budget`].
pub const MAX_EXPRESSIONS: usize = 100;

/// How much memory all [`Captures`](super::Captures) of a [`Budget`] may take, in bytes.
pub const CAPTURES_MEMORY: u64 = 6 << 20;

/// How much memory the [`Captures`](super::Captures) of a [small](Budget::small) budget may take, in bytes.
pub const SMALL_CAPTURES_MEMORY: u64 = 5 << 19;

/// The maximum size of all compiled expressions. They exist three times: with groups, forward and backward.
const MAX_AUTOMATA: usize = 512 << 10;

/// The maximum memory of what the PikeVM notes for all expressions.
const MAX_THREADS: usize = 1 << 20;

/// The maximum size of all states that lazy DFAs built, in each direction, and of all one-pass DFAs.
const MAX_STATES: usize = 512 << 10;

/// The memory of all backtrackers' notes on what they visited, in bytes. Matches that need more are left to the
/// PikeVM. The places to return to may take a hundred times as much, in the worst case.
const MAX_VISITED: usize = 4 << 10;

impl Budget {
    /// For so many expressions, at most [`MAX_EXPRESSIONS`].
    pub fn new(expressions: usize) -> Self {
        Self {
            expressions: expressions.max(1),
            all_automata: MAX_AUTOMATA,
            automata: MAX_AUTOMATA,
            threads: MAX_THREADS,
        }
    }

    /// A quarter of the usual memory. For one expression.
    pub fn small() -> Self {
        Self {
            expressions: 4,
            all_automata: MAX_AUTOMATA / 4,
            automata: MAX_AUTOMATA / 4,
            threads: MAX_THREADS / 4,
        }
    }

    /// Whether an expression has taken a part of it.
    pub(super) fn is_used(&self) -> bool {
        self.automata < self.all_automata
    }

    /// What is left for a compiled expression.
    pub(super) fn automata(&self) -> usize {
        self.automata
    }

    /// Takes the memory of an expression. Returns false if not as much is left.
    #[must_use]
    pub(super) fn take(&mut self, automaton: usize, threads: usize) -> bool {
        self.automata = self.automata.saturating_sub(automaton);
        let left = self.threads.checked_sub(threads);
        self.threads = left.unwrap_or(0);
        left.is_some()
    }

    /// The size of the states of an expression.
    pub(super) fn states(&self) -> usize {
        MAX_STATES / self.expressions
    }

    /// The memory of an expression's backtracker.
    pub(super) fn visited(&self) -> usize {
        (MAX_VISITED / self.expressions).max(512)
    }
}
