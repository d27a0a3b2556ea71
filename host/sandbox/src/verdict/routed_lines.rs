//! Lines that leave a chain before its end, by a route.
//!
//! In: lines as stages send them off. Out: the lines of each route, in the order in which they
//! came into the chain, whichever stage sent them. Pure.
//! Not here: which lines take a route (`verdict`), where a route leads (the listener).

use std::sync::Arc;

use linemill_framing::Lines;

/// Lines that have left, in order among those still under way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoutedLines {
    lines: Lines,
    /// Where each of `lines` goes: an index into the routes of the chain.
    route_indices: Vec<u32>,
    /// Before which of the lines under way each of `lines` stands: an index, or their number if it
    /// is after all of them. Ascending.
    before: Vec<u32>,
}

/// Lines that a filter held back until its stream ended.
#[derive(Debug, Default)]
pub(crate) struct HeldLines {
    pub(crate) lines: Lines,
    /// The lines that take a route, each with its position among `lines`.
    pub(crate) routed: RoutedLines,
}

impl RoutedLines {
    /// Whether no line has left.
    pub fn is_empty(&self) -> bool {
        self.route_indices.is_empty()
    }

    /// How many lines have left.
    pub fn len(&self) -> usize {
        self.route_indices.len()
    }

    /// The lines that left at index `at` of the lines under way, each with its way.
    pub(crate) fn of_input(&self, at: usize) -> impl Iterator<Item = (&[u8], u32)> {
        let from = self
            .before
            .partition_point(|before| (*before as usize) < at);
        let stands = move |index: &usize| self.before[*index] as usize == at;
        let all = (from..self.before.len()).take_while(stands);
        all.map(|index| (self.lines.content(index), self.route_indices[index]))
    }

    /// Adds a line that stood at index `at` of the lines under way, no earlier than the last one.
    pub(crate) fn push(&mut self, content: &[u8], terminator: &[u8], route: u32, at: usize) {
        self.lines.push(content, terminator);
        self.route_indices.push(route);
        self.before.push(at as u32);
    }

    /// Adds lines that left out of a later part, which begins at line `base`.
    pub(crate) fn append(&mut self, later: Self, base: usize) {
        if later.is_empty() {
            return;
        }
        self.lines.append(later.lines);
        self.route_indices.extend(later.route_indices);
        self.before
            .extend(later.before.iter().map(|at| at + base as u32));
    }

    /// Adds lines that a stage has just sent off, each at its place. Where both have one at a
    /// place, these stood there first.
    pub(crate) fn merge(&mut self, new: Self) {
        if new.is_empty() {
            return;
        }
        if self.is_empty() {
            *self = new;
            return;
        }
        let old = std::mem::take(self);
        let (mut left, mut right) = (0, 0);
        while left < old.len() || right < new.len() {
            let from_old =
                right == new.len() || (left < old.len() && old.before[left] <= new.before[right]);
            let (from, at) = if from_old {
                (&old, &mut left)
            } else {
                (&new, &mut right)
            };
            self.lines.append_of(&from.lines, *at, *at + 1);
            self.route_indices.push(from.route_indices[*at]);
            self.before.push(from.before[*at]);
            *at += 1;
        }
    }

    /// Forgets lines that stood after line `last`, at which the stream ends.
    pub(crate) fn end_at(&mut self, last: usize) {
        let kept = self.before.partition_point(|at| *at as usize <= last);
        self.lines.truncate(kept);
        self.route_indices.truncate(kept);
        self.before.truncate(kept);
    }

    /// Follows the lines under way through a stage which made `counts` of each; none means one.
    pub(crate) fn follow(&mut self, counts: &[u32]) {
        if counts.is_empty() {
            return;
        }
        let (mut counts, mut seen, mut sum) = (counts.iter(), 0, 0);
        for at in &mut self.before {
            while seen < *at {
                sum += counts.next().copied().unwrap_or(0);
                seen += 1;
            }
            *at = sum;
        }
    }

    /// Follows lines that were picked, as runs `from..to`, back among those that were not.
    pub(crate) fn put_back(&mut self, runs: &[(usize, usize)]) {
        let (mut runs, mut current, mut picked) = (runs.iter(), (0, 0), 0);
        for at in &mut self.before {
            while *at as usize >= picked + (current.1 - current.0) {
                picked += current.1 - current.0;
                let Some(next) = runs.next() else { return };
                current = *next;
            }
            *at = (current.0 + (*at as usize - picked)) as u32;
        }
    }

    /// The lines of each route that has any.
    pub(crate) fn by_route(self, routes: &[Arc<str>]) -> Vec<(Arc<str>, Lines)> {
        let Some(first) = self.route_indices.first().copied() else {
            return Vec::new();
        };
        let name = |route: u32| Arc::clone(&routes[route as usize]);
        if self.route_indices.iter().all(|route| *route == first) {
            return vec![(name(first), self.lines)];
        }
        let mut all: Vec<(u32, Lines)> = Vec::new();
        let mut from = 0;
        for run in self.route_indices.chunk_by(|one, next| one == next) {
            let at = all.iter().position(|(route, _)| *route == run[0]);
            let at = at.unwrap_or_else(|| {
                all.push((run[0], Lines::default()));
                all.len() - 1
            });
            all[at].1.append_of(&self.lines, from, from + run.len());
            from += run.len();
        }
        all.into_iter()
            .map(|(route, lines)| (name(route), lines))
            .collect()
    }
}
