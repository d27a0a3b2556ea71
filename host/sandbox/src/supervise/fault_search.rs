//! In which parts the lines of a call that failed are called again, until those at fault are known.
//!
//! In: how many lines there are, and what became of each part. Out: the next part, in order. Pure.
//! Not here: calls, and what they may cost (`recover`).
//!
//! A call that is good costs a microsecond and a fault, with the instance after it, some fifty. So
//! a part that failed is not halved but cut into [`PARTS`]: among a thousand lines, one is found by
//! three faults and some thirty calls, where halving takes eleven faults. Behind a line that was
//! found, most often nothing else is wrong: there parts grow as long as they are good. Where faults
//! were found a moment ago, one begins with small parts: one in a thousand then takes two faults, and
//! no more than some lines are judged twice.

use std::ops::Range;

/// Parts of a part that failed.
const PARTS: usize = 32;
/// Lines of the first part where another fault is to be expected.
const SMALL: usize = 32;

/// A search under way.
#[derive(Debug)]
pub(crate) struct FaultSearch {
    /// Each is inside a part of the one before, which failed.
    levels: Vec<Level>,
}

#[derive(Debug)]
struct Level {
    /// Lines before this one have been tried.
    next: usize,
    end: usize,
    /// Lines of the next part.
    step: usize,
    /// Lines of the first.
    first: usize,
    /// A part of it failed, so that nothing is known of the rest.
    found: bool,
}

impl FaultSearch {
    /// Of so many lines, whose first part is all of them.
    pub(crate) fn of(lines: usize) -> Self {
        Self::by(lines, lines)
    }

    /// Of so many lines, of which some may well be at fault: its parts are small from the first.
    pub(crate) fn in_small_parts(lines: usize) -> Self {
        Self::by(lines, SMALL)
    }

    fn by(lines: usize, step: usize) -> Self {
        Self {
            levels: vec![Level::of(0..lines, step)],
        }
    }

    /// The next part; `None` when there is none.
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

    /// Whether there is no next part.
    pub(crate) fn is_done(&self) -> bool {
        self.levels.iter().all(|level| level.next == level.end)
    }

    /// The last part was good.
    pub(crate) fn good(&mut self) {
        if let Some(level) = self.levels.last_mut()
            && level.found
        {
            level.step = level.step.saturating_mul(2);
        }
    }

    /// The last part failed, and that is all there is to know of it.
    pub(crate) fn failed(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            level.found = true;
            level.step = level.first;
        }
    }

    /// The last part failed: smaller ones of it are next.
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

    /// Calls that were good, and faults, until each of `bad` was found alone.
    fn search(lines: usize, bad: &[usize]) -> (usize, usize) {
        run(FaultSearch::of(lines), lines, bad)
    }

    fn run(mut search: FaultSearch, lines: usize, bad: &[usize]) -> (usize, usize) {
        let (mut tried, mut found) = (0, Vec::new());
        let (mut good, mut faults) = (0, 0);
        while let Some(part) = search.next() {
            assert!(!part.is_empty() && part.end <= lines, "{part:?}");
            assert!(part.start >= tried, "{part:?}, {tried} are done");
            if !bad.iter().any(|line| part.contains(line)) {
                (tried, good) = (part.end, good + 1);
                search.good();
                continue;
            }
            faults += 1;
            if part.len() == 1 {
                tried = part.end;
                found.push(part.start);
                search.failed();
            } else {
                search.split(part);
            }
        }
        assert!(tried == lines && search.is_done(), "{tried} of {lines}");
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
    fn one_among_a_thousand_takes_three_faults() {
        for bad in 0..1000 {
            let (good, faults) = search(1000, &[bad]);
            assert!(faults == 3 && good <= 75, "{bad}: {good} and {faults}");
        }
    }

    #[test]
    fn where_one_is_expected_it_takes_two() {
        for bad in 0..1000 {
            let (good, faults) = run(FaultSearch::in_small_parts(1000), 1000, &[bad]);
            assert!(faults == 2 && good <= 65, "{bad}: {good} and {faults}");
        }
        assert_eq!(run(FaultSearch::in_small_parts(1000), 1000, &[]), (32, 0));
    }

    #[test]
    fn of_many_each_takes_little_more_than_itself() {
        let every = |step| (0..1000).step_by(step).collect::<Vec<_>>();
        for (step, most) in [(1, 1050), (2, 1100), (10, 400)] {
            let (good, faults) = search(1000, &every(step));
            assert!(
                faults <= most && good <= 1000,
                "{step}: {good} and {faults}"
            );
        }
    }
}
