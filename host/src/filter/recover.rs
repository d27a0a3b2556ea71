//! After a fault: finds the lines that caused it, so that the others are unaffected.
//!
//! In: the lines of a call that trapped, ran out of time, or answered nonsense. Out: the same
//! lines judged in smaller calls, each after a fault by a fresh instance; `on_error` applied to
//! lines that fail alone. Bounded: after [`BUDGET`], what is left counts as failed.

use super::instance::Fault;
use super::stage::{Filter, Own, give_up};
use super::verdict::{Judged, Rules};
use crate::blocks;
use crate::lines::Lines;

/// What faults may cost before the rest of a batch is given up. Finding one line among a thousand
/// takes eleven; a fault and the instance after it take some 50 microseconds.
const BUDGET: u32 = 4096;
/// Cost of a fault that used up the filter's deadline, 50 milliseconds by default; any other
/// costs 1.
const LATE: u32 = 64;

/// Runs a stage over lines. Never fails: faults have been dealt with.
pub(super) async fn run(
    filter: &Filter,
    own: &mut Own,
    input: Lines,
    rules: Rules,
    ways: &[Option<u32>],
) -> Judged {
    match filter.call(own, &input, rules, ways).await {
        Ok(judged) => {
            filter.account(input.len() as u64, &judged);
            blocks::give_back(input.into_bytes());
            judged
        }
        Err(fault) => Box::pin(bisect(filter, own, input, rules, ways, fault)).await,
    }
}

/// Halves what failed until single lines are left.
async fn bisect(
    filter: &Filter,
    own: &mut Own,
    input: Lines,
    rules: Rules,
    ways: &[Option<u32>],
    first: Fault,
) -> Judged {
    let mut all = Judged::default();
    let mut budget = BUDGET;
    // Lines still to be judged, last first; the next of them failed as `known`, if any.
    let mut todo = vec![(0, input.len())];
    let mut known = Some(first);
    while let Some((from, to)) = todo.pop() {
        let part = input.slice(from, to);
        let judged = match known.take() {
            Some(fault) => Err(fault),
            None => filter.call(own, &part, rules, ways).await,
        };
        let lines = to - from;
        match judged {
            Ok(judged) => {
                filter.account(lines as u64, &judged);
                all.append(judged, from, lines);
            }
            Err(fault) => {
                // Other streams of this thread come first.
                tokio::task::yield_now().await;
                budget = budget.saturating_sub(if fault.kind == "deadline" { LATE } else { 1 });
                // A filter that cannot even start will not with fewer lines.
                if lines > 1 && budget > 0 && fault.kind != "refused" {
                    let middle = from + lines / 2;
                    todo.push((middle, to));
                    todo.push((from, middle));
                    continue;
                }
                filter.account(lines as u64, &Judged::default());
                filter.failed(fault.kind, lines as u64, &fault.reason);
                all.append(give_up(part, filter.on_error()), from, lines);
            }
        }
        if all.close.is_some() {
            break;
        }
    }
    all
}
