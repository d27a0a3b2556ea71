//! Routed lines: lines that leave a chain before its end, by a route.
//!
//! In: lines that stages send to routes. Out: the lines of each route, in the order in which they
//! entered the chain, no matter which stage routed them. Pure.
//! Not here: which lines take a route (`verdict`), the destinations of routes (the host's egress).

use std::sync::Arc;

use super::Failed;
use linemill_framing::Lines;

/// Lines that left by a route, with their positions among the lines that remain in the chain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoutedLines {
    lines: Lines,
    /// The route of each of `lines`: an index into the routes of the chain.
    route_indices: Vec<u32>,
    /// The position of each of `lines`: the index of the remaining line that it comes before, or the
    /// number of remaining lines if it comes after all of them. Ascending.
    before: Vec<u32>,
}

/// Lines that a filter held back until its stream ended.
#[derive(Debug, Default)]
pub(crate) struct HeldLines {
    pub(crate) lines: Lines,
    /// The lines that take a route, each with its position among `lines`.
    pub(crate) routed: RoutedLines,
    /// Lines that are lost because the host could not run the filter.
    pub(crate) cut: u64,
    /// Lines that have failed, with their contents; they are counted. Only if the call was observed.
    pub(crate) failed: Vec<(Failed, Vec<u8>)>,
}

impl HeldLines {
    /// Adds lines that come after these.
    pub(crate) fn append(&mut self, later: Self) {
        self.routed.append(later.routed, self.lines.len());
        self.lines.append(later.lines);
        self.cut += later.cut;
        self.failed.extend(later.failed);
    }

    /// What a filter held back is lost, because the host could not run it. How many lines that were is not
    /// known.
    pub(crate) fn lost() -> Self {
        Self {
            cut: 1,
            ..Self::default()
        }
    }
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

    /// The contents of the routed lines at position `at`, each with its route.
    pub(crate) fn of_input(&self, at: usize) -> impl Iterator<Item = (&[u8], u32)> {
        let from = self
            .before
            .partition_point(|before| (*before as usize) < at);
        let is_at = move |index: &usize| self.before[*index] as usize == at;
        let all = (from..self.before.len()).take_while(is_at);
        all.map(|index| (self.lines.content(index), self.route_indices[index]))
    }

    /// Bytes of memory that they take, about.
    pub(crate) fn size(&self) -> usize {
        self.lines.bytes().len() + 16 * self.len()
    }

    /// Adds a line at position `at`, which must not be before the last routed line.
    pub(crate) fn push(&mut self, content: &[u8], terminator: &[u8], route: u32, at: usize) {
        self.lines.push(content, terminator);
        self.route_indices.push(route);
        self.before.push(at as u32);
    }

    /// Adds the routed lines of a later part of the batch, which begins at line `base`.
    pub(crate) fn append(&mut self, later: Self, base: usize) {
        if later.is_empty() {
            return;
        }
        self.lines.append(later.lines);
        self.route_indices.extend(later.route_indices);
        self.before
            .extend(later.before.iter().map(|at| at + base as u32));
    }

    /// Merges the lines that the current stage has routed, by position. At equal positions, lines
    /// routed by earlier stages come first.
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

    /// Removes routed lines after the line `last`, at which the stream ends.
    pub(crate) fn end_at(&mut self, last: usize) {
        let kept = self.before.partition_point(|at| *at as usize <= last);
        self.lines.truncate(kept);
        self.route_indices.truncate(kept);
        self.before.truncate(kept);
    }

    /// Updates positions after a stage that turned each remaining line into as many as `counts` says.
    /// Empty `counts` mean one each.
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

    /// Converts positions among the lines that were picked, as runs `from..to`, into positions among
    /// all lines.
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

    /// The lines of each route that has some. `routes` are the names of the chain's routes.
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
            let known = all.iter().position(|(route, _)| *route == run[0]);
            let at = known.unwrap_or_else(|| {
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
