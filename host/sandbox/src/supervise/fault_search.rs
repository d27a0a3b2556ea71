//! The search for the lines at fault in a batch whose call failed: decides in which parts the lines
//! are called again.
//!
//! In: how many lines there are, and for each part whether its call succeeded. Out: the next part, in
//! order. Pure.
//! Not here: the calls, and what they may cost (`supervisor`).
//!
//! A successful call costs about 1 µs. A fault, with the instance that must start after it, costs
//! about 50 µs. A failed part is therefore not halved but cut into [`PARTS`]: finding one bad line
//! among a thousand takes 3 faults and at most 75 successful calls, where halving takes 11 faults.
//! The lines after a bad line are usually fine, so parts grow as long as they succeed. Where faults
//! are likely (suspect mode), the search begins with small parts: finding one bad line among a
//! thousand then takes 2 faults, and few lines are called twice.

use std::ops::Range;

/// Into how many parts a failed part is cut.
const PARTS: usize = 32;
/// Lines per part at the beginning of a search in small parts.
const SMALL: usize = 32;

/// A search in progress.
#[derive(Debug)]
pub(crate) struct FaultSearch {
    /// Each level covers one failed part of the level before it.
    levels: Vec<Level>,
}

/// A range of lines that is called part by part.
#[derive(Debug)]
struct Level {
    /// All lines before this index have been called; at most `end`.
    next: usize,
    /// The index after the last line.
    end: usize,
    /// Lines in the next part.
    step: usize,
    /// Lines in the first part, and in each part that follows a failed one.
    first: usize,
    /// A part of this level has failed, so the remaining lines may well be fine and parts may grow.
    found: bool,
}

impl FaultSearch {
    /// A search among `lines` lines whose first part is all of them.
    pub(crate) fn of(lines: usize) -> Self {
        Self::by(lines, lines)
    }

    /// A search among `lines` lines in parts of [`SMALL`] lines, for when a fault is likely.
    pub(crate) fn in_small_parts(lines: usize) -> Self {
        Self::by(lines, SMALL)
    }

    fn by(lines: usize, step: usize) -> Self {
        Self {
            levels: vec![Level::of(0..lines, step)],
        }
    }

    /// The next part, as a range of line indices; `None` at the end of the search.
    pub(crate) fn next(&mut self) -> Option<Range<usize>> {
        while self
            .levels
            .pop_if(|level| level.next == level.end)
            .is_some()
        {}
        let level = self.levels.last_mut()?;
        let from = level.next;
        level.next = level.end.min(from.saturating_add(level.step));
        Some(from..level.next)
    }

    /// Whether [`Self::next`] would return `None`.
    pub(crate) fn is_done(&self) -> bool {
        self.levels.iter().all(|level| level.next == level.end)
    }

    /// Records that the call of the last part succeeded.
    pub(crate) fn good(&mut self) {
        if let Some(level) = self.levels.last_mut()
            && level.found
        {
            level.step = level.step.saturating_mul(2);
        }
    }

    /// Records that the last part failed and will not be searched further.
    pub(crate) fn failed(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            level.found = true;
            level.step = level.first;
        }
    }

    /// Records that the last part failed. Smaller parts of it come next.
    pub(crate) fn split(&mut self, part: Range<usize>) {
        self.failed();
        let step = part.len().div_ceil(PARTS);
        self.levels.push(Level::of(part, step));
    }
}

impl Level {
    fn of(lines: Range<usize>, step: usize) -> Self {
        Self {
            next: lines.start,
            end: lines.end,
            step,
            first: step,
            found: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FaultSearch;

    /// Searches until each of the `bad` lines was called alone. Returns the number of successful calls
    /// and of faults.
    fn search(lines: usize, bad: &[usize]) -> (usize, usize) {
        run(FaultSearch::of(lines), lines, bad)
    }

    fn run(mut search: FaultSearch, lines: usize, bad: &[usize]) -> (usize, usize) {
        let (mut done, mut found) = (0, Vec::new());
        let (mut good, mut faults) = (0, 0);
        while let Some(part) = search.next() {
            assert!(!part.is_empty() && part.end <= lines, "{part:?}");
            assert!(part.start >= done, "{part:?}, {done} are done");
            if !bad.iter().any(|line| part.contains(line)) {
                (done, good) = (part.end, good + 1);
                search.good();
                continue;
            }
            faults += 1;
            if part.len() == 1 {
                done = part.end;
                found.push(part.start);
                search.failed();
            } else {
                search.split(part);
            }
        }
        assert!(done == lines && search.is_done(), "{done} of {lines}");
        assert_eq!(found, bad);
        (good, faults)
    }

    #[test]
    fn every_line_at_fault_is_found() {
        for lines in [1, 2, 3, 31, 32, 33, 100, 1000, 1025, 5000] {
            for bad in [0, lines / 3, lines / 2, lines - 1] {
                search(lines, &[bad]);
                run(FaultSearch::in_small_parts(lines), lines, &[bad]);
            }
            search(lines, &(0..lines).collect::<Vec<_>>());
            search(lines, &(0..lines).step_by(2).collect::<Vec<_>>());
            search(lines, &(lines / 2..lines).collect::<Vec<_>>());
            search(lines, &(0..lines).step_by(97).collect::<Vec<_>>());
        }
    }

    #[test]
    fn one_bad_line_in_a_thousand_takes_three_faults() {
        for bad in 0..1000 {
            let (good, faults) = search(1000, &[bad]);
            assert!(faults == 3 && good <= 75, "{bad}: {good} and {faults}");
        }
    }

    #[test]
    fn in_small_parts_one_bad_line_takes_two_faults() {
        for bad in 0..1000 {
            let (good, faults) = run(FaultSearch::in_small_parts(1000), 1000, &[bad]);
            assert!(faults == 2 && good <= 65, "{bad}: {good} and {faults}");
        }
        assert_eq!(run(FaultSearch::in_small_parts(1000), 1000, &[]), (32, 0));
    }

    #[test]
    fn many_bad_lines_take_few_faults_each() {
        let every = |step| (0..1000).step_by(step).collect::<Vec<_>>();
        for (step, limit) in [(1, 1050), (2, 1100), (10, 400)] {
            let (good, faults) = search(1000, &every(step));
            assert!(
                faults <= limit && good <= 1000,
                "{step}: {good} and {faults}"
            );
        }
    }
}
