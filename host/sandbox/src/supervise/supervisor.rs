//! After a fault: finds the lines that caused it, so that the others are unaffected.
//!
//! In: the lines of a call that trapped, ran out of time, or answered nonsense. Out: the same
//! lines judged in smaller calls, each after a fault by a fresh instance; `on_error` applied to
//! lines that fail alone. Bounded: after [`BUDGET`], what is left counts as failed. Lines that come
//! soon after a fault are called in small parts to begin with ([`SuspectMode`]). While the filter's breaker is
//! open it is not called, and all lines count as failed.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use crate::fault::{Fault, FaultKind};
use crate::filter::{Filter, OwnInstance, give_up};
use crate::supervise::breaker::{Admitted, After};
use crate::supervise::fault_search::FaultSearch;
use crate::supervise::quarantine::Origin;
use crate::verdict::{Rules, Verdicts};
use linemill_framing::Lines;
use linemill_framing::blocks;

/// What faults may cost before the rest of a batch is given up. Finding one line among a thousand
/// takes three; a fault and the instance after it take some 50 microseconds.
const BUDGET: u32 = 4096;
/// Cost of a fault that used up the filter's deadline, 50 milliseconds by default; any other
/// costs 1.
const LATE: u32 = 64;
/// What faults may cost in a probe: as many as it takes to find a line that works, if there is one.
const PROBE: u32 = 16;

/// Lines that are called in small parts after one that was at fault. A small part costs some 10
/// nanoseconds a line more than a whole batch.
const SUSPECT_LINES: usize = 8192;

/// What one thinks of a filter after its faults.
#[derive(Debug, Default)]
pub(crate) struct SuspectMode {
    /// How many lines it is still to be called for in small parts.
    left: AtomicUsize,
    begun: AtomicBool,
}

/// What a stream asks of a filter, and whose it is.
#[derive(Clone, Copy)]
pub(crate) struct CallContext<'a> {
    pub(crate) rules: Rules,
    /// Where the filter's routes lead.
    pub(crate) route_indices: &'a [Option<u32>],
    pub(crate) origin: &'a Origin,
}

/// Runs a stage over lines. Never fails: faults have been dealt with.
pub(crate) async fn run(
    filter: &Filter,
    own: &mut OwnInstance,
    mut input: Lines,
    context: CallContext<'_>,
) -> Verdicts {
    let admitted = filter.breaker().admit_now();
    if admitted == Admitted::No {
        filter.not_offered(&input, context.origin);
        return give_up(input, filter.on_error());
    }
    if admitted == Admitted::Yes && filter.suspect_mode().takes(input.len()) {
        let search = FaultSearch::in_small_parts(input.len());
        return Box::pin(find_faulty_lines(
            filter,
            own,
            input,
            context,
            (search, None, false),
        ))
        .await;
    }
    let lines = input.len();
    match filter.call(own, &mut input, context).await {
        Ok(verdicts) => {
            filter.works();
            filter.account(lines, &input, &verdicts, context.origin);
            blocks::give_back(input.into_bytes());
            verdicts
        }
        Err(fault) => {
            let (search, probe) = (FaultSearch::of(lines), admitted == Admitted::Probe);
            Box::pin(find_faulty_lines(
                filter,
                own,
                input,
                context,
                (search, Some(fault), probe),
            ))
            .await
        }
    }
}

/// Calls parts of the lines, and smaller ones of what failed until single lines are left. `known` is
/// how the first part failed, if that has happened already; `probe` is whether it was a probe.
async fn find_faulty_lines(
    filter: &Filter,
    own: &mut OwnInstance,
    input: Lines,
    context: CallContext<'_>,
    (mut search, mut known, mut probe): (FaultSearch, Option<Fault>, bool),
) -> Verdicts {
    let mut all = Verdicts::default();
    let mut budget = if probe { PROBE } else { BUDGET };
    while let Some(range) = search.next() {
        let (from, lines) = (range.start, range.len());
        let mut part = input.slice(from, range.end);
        let mut before = None;
        let verdicts = match known.take() {
            Some(fault) => Err(fault),
            None if probe || filter.breaker().admit_now() != Admitted::No => {
                if lines == 1 {
                    before = filter.known(own).await;
                }
                filter.call(own, &mut part, context).await
            }
            None => {
                filter.not_offered(&part, context.origin);
                all.append(give_up(part, filter.on_error()), from, lines);
                if all.close.is_some() {
                    break;
                }
                continue;
            }
        };
        match verdicts {
            Ok(verdicts) => {
                search.good();
                filter.works();
                if std::mem::take(&mut probe) {
                    budget = BUDGET;
                }
                filter.account(lines, &part, &verdicts, context.origin);
                all.append(verdicts, from, lines);
            }
            Err(fault) => {
                // Other streams of this thread come first.
                tokio::task::yield_now().await;
                let late = fault.kind == FaultKind::Deadline;
                // A probe has as many tries either way: it looks for one that works.
                let cost = if late && !probe { LATE } else { 1 };
                budget = budget.saturating_sub(cost);
                // A filter that cannot even start will not with fewer lines.
                if lines > 1 && budget > 0 && fault.kind != FaultKind::Refused {
                    search.split(range);
                    continue;
                }
                search.failed();
                filter.suspect_mode().begin();
                filter.lost(&part, &fault, context.origin);
                if lines == 1 {
                    filter.capture(part.content(0), &fault, before, context);
                }
                all.append(give_up(part, filter.on_error()), from, lines);
                if probe {
                    if budget == 0 || search.is_done() || all.close.is_some() {
                        probe = false;
                        filter.breaker().probe_failed(Instant::now());
                    }
                } else if let After::Wait(wait) = filter.broke(&fault)
                    && !wait.is_zero()
                {
                    // Who sends lines that fail waits, and others are heard meanwhile.
                    tokio::time::sleep(wait).await;
                }
            }
        }
        if all.close.is_some() {
            break;
        }
    }
    all
}

// === impl SuspectMode ===

impl SuspectMode {
    /// Whether a line was ever at fault.
    pub(crate) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }

    /// A line was at fault.
    fn begin(&self) {
        self.left.store(SUSPECT_LINES, Ordering::Relaxed);
        self.begun.store(true, Ordering::Relaxed);
    }

    /// Whether these lines are among those to be called in small parts.
    fn takes(&self, lines: usize) -> bool {
        let left = self.left.load(Ordering::Relaxed);
        if left > 0 {
            // What two threads do at a time may count once.
            self.left
                .store(left.saturating_sub(lines), Ordering::Relaxed);
        }
        left > 0
    }
}
