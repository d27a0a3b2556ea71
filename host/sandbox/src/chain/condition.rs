//! Conditions: lines that go round a filter, and back among those that went through it.
//!
//! In: lines, and which of them a stage is for; then its verdicts on those. Out: the verdicts on
//! all lines, in order, those that went round unchanged. Pure.

use crate::verdict::Verdicts;
use linemill_framing::Lines;
use linemill_framing::blocks;

/// Which lines of a batch a stage is for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Picked {
    All,
    Nothing,
    Some {
        /// Copies of the lines, in order.
        lines: Lines,
        /// Where they are: `from..to` each, ascending, none empty, none next to another.
        runs: Vec<(usize, usize)>,
    },
}

/// Picks the lines whose content `matches`.
pub(crate) fn pick(all: &Lines, matches: impl Fn(&[u8]) -> bool) -> Picked {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for index in (0..all.len()).filter(|index| matches(all.content(*index))) {
        match runs.last_mut() {
            Some((_, to)) if *to == index => *to += 1,
            _ => runs.push((index, index + 1)),
        }
    }
    match runs[..] {
        [] => Picked::Nothing,
        [(0, to)] if to == all.len() => Picked::All,
        _ => {
            let mut lines = Lines::from_parts(blocks::take(0), Vec::with_capacity(2 * all.len()));
            for (from, to) in &runs {
                lines.append_of(all, *from, *to);
            }
            Picked::Some { lines, runs }
        }
    }
}

/// Puts the verdicts on lines that were picked as `runs` back among `all`.
pub(crate) fn put_back(all: &Lines, runs: &[(usize, usize)], mut verdicts: Verdicts) -> Verdicts {
    let mut lines = Lines::from_parts(blocks::take(0), Vec::with_capacity(2 * all.len()));
    let mut counts = Vec::new();
    // How far the lines of `all`, the verdicts and the lines they let through have been used.
    let (mut next, mut used, mut taken) = (0, 0, 0);
    for (from, to) in runs {
        lines.append_of(all, next, *from);
        counts.resize(counts.len() + (from - next), 1);
        // As far as the filter came: it may have closed within the run.
        let known = match verdicts.counts.get(used..) {
            Some(counts) if !verdicts.counts.is_empty() => &counts[..counts.len().min(to - from)],
            _ => &[],
        };
        let made = match known {
            [] => {
                counts.resize(counts.len() + (to - from), 1);
                to - from
            }
            known => {
                counts.extend(known);
                known.iter().map(|count| *count as usize).sum()
            }
        };
        lines.append_of(&verdicts.lines, taken, taken + made);
        taken += made;
        used += to - from;
        next = *to;
        if verdicts.close.is_some() && used >= verdicts.counts.len() {
            break;
        }
    }
    if verdicts.close.is_none() {
        lines.append_of(all, next, all.len());
        counts.resize(all.len(), 1);
    }
    if verdicts.counts.is_empty() {
        counts.clear();
    }
    verdicts.routed.put_back(runs);
    blocks::give_back(verdicts.lines.into_bytes());
    Verdicts {
        lines,
        counts,
        ..verdicts
    }
}
