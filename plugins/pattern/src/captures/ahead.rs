//! Finds all matches in a line in linear time, whatever the expression.
//!
//! In: an automaton and a line. Out: the leftmost match from a given byte on. Not here: captures. This is for
//! lines on which an ordinary search is too slow ([`Cursor`](super::Cursor)).
//!
//! An ordinary search reads on behind a match for as long as a preferred alternative may still match, as with
//! `a.*b|a` on `aaaa`. If each of many matches makes it read to the end of the line, its time is quadratic. So
//! this search first finds out, backwards from the end of the line, from which states of the automaton a match
//! can be reached at each byte. Then it needs no second thought: it takes the first way that leads to a match.
//!
//! The line is divided into blocks. States are kept for the start of each block, and for each byte of only the
//! block at hand. So memory grows with the square root of the line's length.

mod sets;

use std::mem;
use std::ops::Range;

use regex_automata::nfa::thompson::{NFA, State};
use regex_automata::util::primitives::StateID;

use sets::{Sets, has};

/// What is known of a line, from `from` on.
pub(super) struct Ahead {
    nfa: NFA,
    sets: Sets,
    from: usize,
    /// The number of bytes in a block.
    block: usize,
    /// The number of words in a set of states.
    words: usize,
    /// A set of states for the start of each block.
    starts: Vec<u64>,
    /// The block at hand, and a set of states for each of its bytes and for the start of the next block.
    current: usize,
    rows: Vec<u64>,
    /// Empty between calls, as is `seen`.
    work: Vec<StateID>,
    seen: Vec<StateID>,
    /// Whether each state was visited. All are false between calls.
    visited: Vec<bool>,
}

/// The most memory for sets of states, in bytes.
const MAX_SETS: usize = 1 << 20;

/// What a state leads to.
enum Leaf {
    Match,
    Next(StateID),
}

impl Ahead {
    /// Reads `line` backwards, down to `from`. `None` if that would take too much memory.
    pub(super) fn new(nfa: &NFA, line: &[u8], from: usize) -> Option<Self> {
        let length = line.len() - from;
        let block = length.isqrt() + 1;
        let blocks = length / block + 1;
        let sets = Sets::new(nfa);
        let words = sets.words();
        if (block + 1 + blocks).checked_mul(8 * words)? > MAX_SETS {
            return None;
        }
        let mut ahead = Self {
            nfa: nfa.clone(),
            sets,
            from,
            block,
            words,
            starts: vec![0; blocks * words],
            current: blocks - 1,
            rows: vec![0; (block + 1) * words],
            work: Vec::new(),
            seen: Vec::new(),
            visited: vec![false; nfa.states().len()],
        };
        for block in (0..blocks).rev() {
            ahead.enter(line, block);
            let start = &mut ahead.starts[block * words..][..words];
            start.copy_from_slice(&ahead.rows[..words]);
        }
        Some(ahead)
    }

    /// The leftmost match that does not start before `start`. Calls must be in the order of the line.
    pub(super) fn find(&mut self, line: &[u8], start: usize) -> Option<Range<usize>> {
        let first = self.nfa.start_anchored();
        let mut at = start;
        while !self.reaches(line, at, first) {
            at += 1;
            if at > line.len() {
                return None;
            }
        }
        let start = at;
        let mut state = first;
        while let Leaf::Next(next) = self.preferred(line, at, state)? {
            state = next;
            at += 1;
        }
        Some(start..at)
    }

    /// Whether a match can be reached from `state` at the byte `at`.
    fn reaches(&mut self, line: &[u8], at: usize, state: StateID) -> bool {
        let block = (at - self.from) / self.block;
        if block != self.current {
            self.enter(line, block);
        }
        let row = &self.rows[(at - self.from) % self.block * self.words..];
        has(row, state)
    }

    /// Where the most preferred way from `state` to a match reads a byte or ends.
    fn preferred(&mut self, line: &[u8], at: usize, state: StateID) -> Option<Leaf> {
        let mut seen = mem::take(&mut self.seen);
        let mut work = mem::take(&mut self.work);
        work.clear();
        work.push(state);
        let mut leaf = None;
        while let Some(state) = work.pop() {
            let visited = &mut self.visited[state.as_usize()];
            if mem::replace(visited, true) {
                continue;
            }
            seen.push(state);
            match self.nfa.state(state) {
                State::Match { .. } => leaf = Some(Leaf::Match),
                State::Look { look, next } => {
                    if self.nfa.look_matcher().matches(*look, line, at) {
                        work.push(*next);
                    }
                }
                State::Union { alternates } => work.extend(alternates.iter().rev()),
                State::BinaryUnion { alt1, alt2 } => work.extend([*alt2, *alt1]),
                State::Capture { next, .. } => work.push(*next),
                _ => {
                    if let Some(next) = self.sets.read(line, at, state)
                        && self.reaches(line, at + 1, next)
                    {
                        leaf = Some(Leaf::Next(next));
                    }
                }
            }
            if leaf.is_some() {
                break;
            }
        }
        for state in seen.drain(..) {
            self.visited[state.as_usize()] = false;
        }
        (self.seen, self.work) = (seen, work);
        leaf
    }

    /// Computes the sets of a block from that at the start of the next one.
    fn enter(&mut self, line: &[u8], block: usize) {
        let start = self.from + block * self.block;
        let end = line.len().min(start + self.block);
        let mut rows = mem::take(&mut self.rows);
        let last = (end - start) * self.words;
        let next = (block + 1) * self.words;
        if end < line.len() && next < self.starts.len() {
            rows[last..last + self.words].copy_from_slice(&self.starts[next..next + self.words]);
        } else {
            self.sets.at_end(line, &mut rows[last..last + self.words]);
        }
        let mut id = self.sets.id(&rows[last..last + self.words]);
        for at in (start..end).rev() {
            let (row, after) = rows[(at - start) * self.words..].split_at_mut(self.words);
            id = self.sets.before(line, at, (&after[..self.words], id), row);
        }
        self.rows = rows;
        self.current = block;
    }
}
