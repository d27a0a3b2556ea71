//! How tables share the height of the overview.
//!
//! In: how many rows each table has, and the lines that there are. Out: how many rows of each are drawn.

use crate::control::admin::status::TrialStatus;
use crate::top::Subject;
use crate::top::model::Model;

/// Rows that each table keeps, whichever has the selected row.
const KEPT: usize = 3;

/// A table of the overview.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Listeners,
    Filters,
    Trials,
    Outputs,
}

/// What is drawn of a table.
#[derive(Debug)]
pub(super) struct Share {
    pub(super) part: Part,
    /// The rows that it has.
    pub(super) all: usize,
    /// How many of them are drawn.
    pub(super) rows: usize,
}

/// How many rows of each table are drawn.
pub(super) fn shares(model: &Model, room: usize) -> Vec<Share> {
    let order = &model.order;
    let trials = model.status.trials.iter();
    let mut shares: Vec<_> = [
        (Part::Listeners, order.listeners.len()),
        (Part::Filters, order.filters.len()),
        (Part::Trials, trials.map(trial_rows).sum()),
        (Part::Outputs, order.outputs.len()),
    ]
    .into_iter()
    .filter(|(_, all)| *all > 0)
    .map(|(part, all)| Share { part, all, rows: 0 })
    .collect();
    let selected = match &model.selected {
        Subject::Host | Subject::Listener(_) => Part::Listeners,
        Subject::Filter(_) => Part::Filters,
        Subject::Output(_) => Part::Outputs,
    };
    // Each has a title and a row, or is left out; the one with the selected row never is.
    while shares.len() > 1 && shares.len() * 2 > room {
        let last = shares.iter().rposition(|share| share.part != selected);
        shares.remove(last.unwrap_or(0));
    }
    let mut left = room.saturating_sub(shares.len());
    for most in [KEPT, usize::MAX] {
        if most > KEPT
            && let Some(share) = shares.iter_mut().find(|share| share.part == selected)
        {
            let more = (share.all - share.rows).min(left);
            (share.rows, left) = (share.rows + more, left - more);
        }
        // A row for each in turn.
        while left > 0 {
            let before = left;
            for share in shares
                .iter_mut()
                .filter(|share| share.rows < share.all.min(most))
            {
                let more = left.min(1);
                (share.rows, left) = (share.rows + more, left - more);
            }
            if left == before {
                break;
            }
        }
    }
    shares
}

fn trial_rows(trial: &TrialStatus) -> usize {
    if trial.kind == "shadow" { 3 } else { 2 }
}
