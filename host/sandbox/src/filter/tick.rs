//! Calls of a filter when no line comes, at the times that it asks for.
//!
//! In: the instance that a stream owns. Out: the lines that are due. A tick that fails counts as one failed
//! line without content; a fault also ends the instance, and counts against the filter on this stream as
//! a fault on lines does. What fails because of the host is no failure of the filter.
//! Not here: when to tick (`chain::stream_state`), the call (`instance`).

use std::pin::pin;

use super::{Filter, OwnInstance};
use crate::fault::{Fault, FaultKind};
use crate::instance::Instance;
use crate::supervise::breaker::stream::StreamBreaker;
use crate::supervise::host_wait::contained;
use crate::supervise::supervisor::CallContext;
use crate::verdict::judge_held;
use crate::verdict::routed_lines::HeldLines;

impl OwnInstance {
    /// When the instance is to be called next without lines, on the clock of guests.
    pub(crate) fn next_tick(&self) -> Option<u64> {
        self.0.as_ref()?.next_tick()
    }
}

impl Filter {
    /// Calls the instance that a stream owns without lines.
    pub(crate) async fn tick(
        &self,
        own: &mut OwnInstance,
        breaker: &mut StreamBreaker,
        context: CallContext<'_>,
    ) -> HeldLines {
        let Some(mut instance) = own.0.take() else {
            return HeldLines::default();
        };
        let fault = match self.ticked(&mut instance, context).await {
            Ok(held) => {
                own.0 = Some(instance);
                return held;
            }
            Err(fault) => fault,
        };
        let survives = self.survives(&mut instance, &fault, context);
        if survives && instance.failed_by_host {
            instance.tick_soon();
        }
        if survives {
            own.0 = Some(instance);
        } else if instance.failed_by_host {
            return HeldLines::lost();
        } else {
            self.supervisor.tick_failed(&fault, breaker, context.origin);
        }
        HeldLines::default()
    }

    /// The lines that are due, before the last call of an instance; `None` if the instance is gone.
    pub(super) async fn last_tick(
        &self,
        instance: &mut Instance,
        context: CallContext<'_>,
    ) -> Option<HeldLines> {
        if !instance.has_timer() {
            return Some(HeldLines::default());
        }
        // Boxed, since this future is large and rarely needed.
        match Box::pin(self.ticked(instance, context)).await {
            Ok(held) => Some(held),
            Err(fault) => self
                .survives(instance, &fault, context)
                .then(HeldLines::default),
        }
    }

    /// Counts a tick that failed. Returns whether the instance can be called again.
    fn survives(&self, instance: &mut Instance, fault: &Fault, context: CallContext<'_>) -> bool {
        let accounting = self.supervisor.accounting();
        let by_guest = fault.kind == FaultKind::Verdict;
        let by_host = fault.kind.is_of_host();
        if by_host || instance.failed_by_host && !by_guest {
            accounting.host_fault(fault, context.origin, false);
            instance.failed_by_host = true;
            return by_host;
        }
        instance.failed_by_host = false;
        accounting.failures(fault.kind, 1, &fault.reason, context.origin);
        context.counts.failed(1);
        if !by_guest {
            self.lose(instance, 0, fault, context.origin);
        }
        by_guest
    }

    async fn ticked(
        &self,
        instance: &mut Instance,
        context: CallContext<'_>,
    ) -> Result<HeldLines, Fault> {
        let ticking = async {
            let stream = (context.rules, context.origin);
            let answer = instance.tick(&self.engine, self.bounds, stream).await?;
            instance.failed_by_host = false;
            judge_held(&answer, context.rules, context.route_indices)
                .map_err(|broken| Fault::new(FaultKind::Outcome, broken.to_string()))
        };
        let judged = contained(pin!(ticking)).await;
        self.supervisor.accounting().metrics().ticks.inc();
        let judged = judged?;
        Ok(self.count_held(judged, context))
    }
}
