//! The supervisor of a filter: decides what is called, and finds the lines at fault when a call
//! fails, so that the others are unaffected.
//!
//! In: a batch of lines, and something that can be called ([`Supervised`]) and may trap, run out of
//! time, or give an invalid answer. Out: verdicts on every line. After a fault the lines are called
//! again in smaller parts, with a new instance after each fault, until the lines at fault are known.
//! `on_error` applies to these. The cost is bounded: once [`BUDGET`] is spent, parts that fail are no
//! longer split, and all their lines count as failed. While the stream's breaker is open nothing is
//! called, and all lines count as failed. A line that the host itself cannot filter never passes: the stream
//! waits (`host_wait`), and then ends.
//! Not here: how instances are started and called (`filter`), which part is next (`fault_search`).

use std::pin::pin;
use std::time::{Duration, Instant};

use crate::chain::StageCounts;
use crate::fault::{Fault, FaultKind};
use crate::origin::Origin;
use crate::supervise::accounting::{Accounting, NOT_CALLED};
use crate::supervise::breaker::stream::StreamBreaker;
use crate::supervise::breaker::{Admitted, Breaker, Fell, Opened};
use crate::supervise::capsule::State;
use crate::supervise::fault_search::FaultSearch;
use crate::supervise::host_wait::{HostWait, contained};
use crate::supervise::suspect_mode::SuspectMode;
use crate::verdict::{Rules, Verdicts};
use linemill_config::Keyword as _;
use linemill_framing::Lines;
use linemill_framing::blocks;

#[cfg(test)]
mod tests;

/// The cost of faults in a batch after which parts that fail are given up whole. Finding one line among
/// a thousand takes three faults. A fault and the instance after it take about 50 microseconds.
const BUDGET: u32 = 4096;
/// Cost of a fault that used up the filter's deadline, 50 milliseconds by default. Any other fault
/// costs 1.
const LATE: u32 = 64;
/// The cost of faults after which a probe has failed. Enough to find a line that works, if there is
/// one.
const PROBE: u32 = 16;

/// Something that a supervisor calls: a filter, or a fake in tests.
pub(crate) trait Supervised: Sync {
    /// The data that a stream keeps between two calls, such as its own instance.
    type Own: Send;

    /// Makes one call. After a fault the instance is gone, and the next call starts another. After
    /// success `input` may be empty, since lines that pass unchanged move into the verdicts. If a line
    /// failed by verdict, `input` is still whole.
    fn call(
        &self,
        own: &mut Self::Own,
        input: &mut Lines,
        context: CallContext<'_>,
    ) -> impl Future<Output = Result<Verdicts, Fault>> + Send;

    /// Saves the state before a line that is called alone; `None` if no capsule can need it.
    fn state(&self, own: &mut Self::Own) -> impl Future<Output = Option<State>> + Send;

    /// Records how to reproduce a fault of the line `content`. `before` is the result of
    /// [`Self::state`] before that call.
    fn capture(
        &self,
        content: &[u8],
        fault: &Fault,
        before: Option<State>,
        context: CallContext<'_>,
    );
}

/// The stream that a filter is called for.
#[derive(Clone, Copy)]
pub(crate) struct CallContext<'a> {
    pub(crate) rules: Rules,
    /// For each route of the filter, its index among the routes of the chain; `None` if the route
    /// has no destination.
    pub(crate) route_indices: &'a [Option<u32>],
    pub(crate) origin: &'a Origin,
    /// Somebody wants to know why each line failed.
    pub(crate) observed: bool,
    /// The counts of the stage at which it is called.
    pub(crate) counts: &'a StageCounts,
}

/// Supervises the calls that all streams make to one filter.
pub(crate) struct Supervisor {
    accounting: Accounting,
    breaker: Breaker,
    suspect_mode: SuspectMode,
}

/// Where the search for lines at fault begins.
struct Start {
    search: FaultSearch,
    /// The fault of the first part, if it has been called already.
    known: Option<Fault>,
    /// A breaker is open, and this batch is a probe.
    probe: bool,
}

impl Supervisor {
    /// The supervisor of a filter that has not been called yet.
    pub(crate) fn new(accounting: Accounting) -> Self {
        Self {
            breaker: Breaker::new(accounting.metrics().breaker_open.clone()),
            accounting,
            suspect_mode: SuspectMode::default(),
        }
    }

    /// The counts of the filter.
    pub(crate) fn accounting(&self) -> &Accounting {
        &self.accounting
    }

    /// Whether any line has ever been at fault.
    pub(crate) fn has_seen_faults(&self) -> bool {
        self.suspect_mode.has_seen_faults()
    }

    /// The breaker's status while it is open; `None` while it is closed.
    pub(crate) fn opened(&self) -> Option<Opened> {
        self.breaker.opened()
    }

    /// Runs lines through the filter. Never fails: faults of the filter become verdicts according to
    /// `on_error`, and those of the host end the stream.
    pub(crate) async fn run<S: Supervised>(
        &self,
        filter: &S,
        own: &mut S::Own,
        breaker: &mut StreamBreaker,
        mut input: Lines,
        context: CallContext<'_>,
    ) -> Verdicts {
        let admitted = breaker.admit_now(&self.breaker, context.origin.many);
        if admitted == Admitted::No {
            return self.not_offered(input, context);
        }
        let lines = input.len();
        if admitted == Admitted::Yes && self.suspect_mode.takes(lines) {
            let start = Start {
                search: FaultSearch::in_small_parts(lines),
                known: None,
                probe: false,
            };
            return Box::pin(self.find_lines_at_fault(filter, own, breaker, input, context, start))
                .await;
        }
        let mut called = contained(pin!(filter.call(own, &mut input, context))).await;
        if let Some(fault) = of_host(&called) {
            let again = self.call_again(filter, own, &mut input, context, fault);
            called = Box::pin(again).await;
        }
        match called {
            Ok(verdicts) => {
                self.works(breaker);
                self.accounting
                    .verdicts(lines, &input, &verdicts, context.origin);
                context.counts.verdicts(lines, &verdicts);
                blocks::give_back(input.into_bytes());
                verdicts
            }
            Err(fault) if fault.kind.is_of_host() => Verdicts::ended_by_host(),
            Err(fault) => {
                let start = Start {
                    search: FaultSearch::of(lines),
                    known: Some(fault),
                    probe: admitted == Admitted::Probe,
                };
                Box::pin(self.find_lines_at_fault(filter, own, breaker, input, context, start))
                    .await
            }
        }
    }

    /// Repeats a call that failed by `fault` of the host, as long as the host cannot make it. Gives up
    /// after [`PATIENCE`](crate::supervise::host_wait::PATIENCE).
    async fn call_again<S: Supervised>(
        &self,
        filter: &S,
        own: &mut S::Own,
        input: &mut Lines,
        context: CallContext<'_>,
        mut fault: Fault,
    ) -> Result<Verdicts, Fault> {
        let (mut wait, lines) = (HostWait::begin(), input.len());
        while wait.again(&self.accounting, &fault, context.origin).await {
            // Only a bug in the host can have taken lines of a call that failed.
            if input.len() != lines {
                break;
            }
            let called = contained(pin!(filter.call(own, input, context))).await;
            match called {
                Err(again) if again.kind.is_of_host() => fault = again,
                called => return called,
            }
        }
        Err(fault)
    }

    /// Calls the lines in parts, and parts that fail in smaller parts, down to single lines.
    async fn find_lines_at_fault<S: Supervised>(
        &self,
        filter: &S,
        own: &mut S::Own,
        breaker: &mut StreamBreaker,
        input: Lines,
        context: CallContext<'_>,
        start: Start,
    ) -> Verdicts {
        let Start {
            mut search,
            mut known,
            mut probe,
        } = start;
        let mut all = Verdicts::default();
        // A probe has failed: the remaining lines are not offered.
        let mut gave_up = false;
        let mut budget = if probe { PROBE } else { BUDGET };
        while let Some(range) = search.next() {
            let (from, lines) = (range.start, range.len());
            let mut part = input.slice(from, range.end);
            let mut before = None;
            let called = match known.take() {
                Some(fault) => Err(fault),
                None => {
                    let admitted = if gave_up {
                        Admitted::No
                    } else if probe {
                        Admitted::Yes
                    } else {
                        breaker.admit_now(&self.breaker, context.origin.many)
                    };
                    match admitted {
                        Admitted::Yes => {}
                        Admitted::Probe => (probe, budget) = (true, PROBE),
                        Admitted::No => {
                            all.append(self.not_offered(part, context), from, lines);
                            if all.close.is_some() {
                                break;
                            }
                            continue;
                        }
                    }
                    if lines == 1 {
                        before = filter.state(own).await;
                    }
                    let called = contained(pin!(filter.call(own, &mut part, context))).await;
                    match of_host(&called) {
                        Some(fault) => {
                            let again = self.call_again(filter, own, &mut part, context, fault);
                            Box::pin(again).await
                        }
                        None => called,
                    }
                }
            };
            match called {
                Ok(verdicts) => {
                    search.good();
                    self.works(breaker);
                    if std::mem::take(&mut probe) {
                        budget = BUDGET;
                    }
                    self.accounting
                        .verdicts(lines, &part, &verdicts, context.origin);
                    context.counts.verdicts(lines, &verdicts);
                    all.append(verdicts, from, lines);
                }
                Err(fault) if fault.kind.is_of_host() => {
                    all.append(Verdicts::ended_by_host(), from, lines);
                }
                Err(fault) => {
                    // Lets the other streams of this thread run first.
                    tokio::task::yield_now().await;
                    let late = fault.kind == FaultKind::Deadline;
                    // A probe looks for a line that works, so each of its faults costs the same.
                    let cost = if late && !probe { LATE } else { 1 };
                    budget = budget.saturating_sub(cost);
                    // A filter that refuses its settings will not start with fewer lines either.
                    if lines > 1 && budget > 0 && fault.kind != FaultKind::Refused {
                        search.split(range);
                        continue;
                    }
                    search.failed();
                    self.suspect_mode.begin();
                    self.accounting.lost(&part, &fault, context.origin);
                    context.counts.failed(lines);
                    if lines == 1 {
                        filter.capture(part.content(0), &fault, before, context);
                    }
                    let why = (fault.kind, &*fault.reason);
                    let on_error = self.accounting.on_error();
                    let failed = Verdicts::on_failed(part, on_error);
                    let failed = failed.because(lines, context.observed.then_some(why));
                    all.append(failed, from, lines);
                    if probe {
                        if budget == 0 || search.is_done() || all.close.is_some() {
                            (probe, gave_up) = (false, true);
                            self.probe_failed(breaker);
                        }
                    } else if let Some(wait) = self.fails(&fault, breaker, context.origin)
                        && !wait.is_zero()
                        && !context.origin.many
                    {
                        // Only the stream whose line failed waits.
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

    /// Treats all lines as failed, since the stream's breaker is open.
    fn not_offered(&self, input: Lines, context: CallContext<'_>) -> Verdicts {
        self.accounting.not_offered(&input, context.origin);
        context.counts.failed(input.len());
        let lines = input.len();
        let why = context.observed.then_some((FaultKind::Breaker, NOT_CALLED));
        Verdicts::on_failed(input, self.accounting.on_error()).because(lines, why)
    }

    /// Reports a successful call to the breakers, and logs it if that closed one.
    fn works(&self, breaker: &mut StreamBreaker) {
        if breaker.good() {
            self.accounting.resumed();
        }
        if self.breaker.good() {
            tracing::info!(
                filter = self.accounting.name(),
                "breaker closed: the filter is called again"
            );
        }
    }

    /// Reports a fault whose lines will not be called again to the breakers, and logs it if that opened
    /// one. Returns how long the stream waits; `None` if its breaker opened.
    fn fails(
        &self,
        fault: &Fault,
        breaker: &mut StreamBreaker,
        origin: &Origin,
    ) -> Option<Duration> {
        let fell = Fell {
            heavy: fault.at_start || matches!(fault.kind, FaultKind::Deadline | FaultKind::Refused),
            at_start: fault.at_start,
            client: origin.client(),
        };
        let (now, suspended) = (Instant::now(), &self.accounting.metrics().suspended);
        let wait = breaker.fault(fell.heavy, &self.breaker, suspended, now);
        if wait.is_none() {
            self.accounting.suspended(fault, origin);
        }
        if self.breaker.fault(fell, now) {
            tracing::error!(
                filter = self.accounting.name(),
                kind = fault.kind.label(),
                reason = fault.reason,
                on_error = self.accounting.on_error().keyword(),
                "breaker open: the filter is bypassed by connections on whose lines it fails, and probed with growing pauses until it works again"
            );
        }
        wait
    }

    /// Reports a fault of a call without lines to the breakers.
    pub(crate) fn tick_failed(&self, fault: &Fault, breaker: &mut StreamBreaker, origin: &Origin) {
        self.suspect_mode.begin();
        self.fails(fault, breaker, origin);
    }

    /// Reports a failed probe to the breakers.
    fn probe_failed(&self, breaker: &mut StreamBreaker) {
        let suspended = &self.accounting.metrics().suspended;
        let next = breaker.probe_failed(&self.breaker, suspended, Instant::now());
        self.breaker.probe_failed(next);
    }
}

/// The fault of a call that the host could not make.
fn of_host(called: &Result<Verdicts, Fault>) -> Option<Fault> {
    let fault = called.as_ref().err()?;
    fault.kind.is_of_host().then(|| fault.clone())
}
