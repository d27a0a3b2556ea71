//! Conditions: separates the lines that bypass a filter, and merges them with its output.
//!
//! In: lines, and which of them match the condition of a stage; then the verdicts on those that do.
//! Out: verdicts on all lines, in order; lines that bypass the filter pass unchanged. Pure.
//! Not here: evaluating the condition (`stream_state`).

use crate::verdict::Verdicts;
use linemill_framing::Lines;
use linemill_framing::blocks;

/// The lines of a batch that match a stage's condition.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Picked {
    All,
    Nothing,
    Some {
        /// Copies of the lines, in order.
        lines: Lines,
        /// Their positions in the batch, as ranges `from..to`: ascending, not empty, not adjacent.
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

/// The position among all lines of the line at `picked` among those of `runs`.
fn position(runs: &[(usize, usize)], mut picked: usize) -> usize {
    for (from, to) in runs {
        if picked < to - from {
            return from + picked;
        }
        picked -= to - from;
    }
    picked
}

/// Merges the verdicts on the lines that were picked as `runs` with the other lines of `all`.
pub(crate) fn put_back(all: &Lines, runs: &[(usize, usize)], mut verdicts: Verdicts) -> Verdicts {
    let mut lines = Lines::from_parts(blocks::take(0), Vec::with_capacity(2 * all.len()));
    let mut counts = Vec::new();
    // How many lines of `all`, how many verdicts, and how many lines of the verdicts have been used.
    let (mut next, mut used, mut taken) = (0, 0, 0);
    for (from, to) in runs {
        lines.append_of(all, next, *from);
        counts.resize(counts.len() + (from - next), 1);
        // Fewer verdicts than lines mean that the filter closed the stream within the run.
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
    for failed in &mut verdicts.failed {
        failed.line = position(runs, failed.line);
    }
    blocks::give_back(verdicts.lines.into_bytes());
    Verdicts {
        lines,
        counts,
        ..verdicts
    }
}
