//! Calls of a filter when no line comes, at the times that it asks for.
//!
//! In: the instance that a stream owns. Out: the lines that are due. A tick that fails counts as one failed
//! line without content; a fault also ends the instance, and counts against the filter on this stream as
//! a fault on lines does.
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
        let accounting = self.supervisor.accounting();
        if fault.kind.is_of_host() {
            accounting.host_fault(&fault, context.origin, false);
            instance.failed_by_host = true;
            instance.tick_soon();
            own.0 = Some(instance);
            return HeldLines::default();
        }
        accounting.failures(fault.kind, 1, &fault.reason, context.origin);
        context.counts.failed(1);
        if fault.kind == FaultKind::Verdict {
            own.0 = Some(instance);
        } else {
            self.supervisor.tick_failed(&fault, breaker, context.origin);
        }
        HeldLines::default()
    }

    /// The lines that are due, before the last call of an instance. Its faults are left to that.
    pub(super) async fn last_tick(
        &self,
        instance: &mut Instance,
        context: CallContext<'_>,
    ) -> HeldLines {
        if !instance.has_timer() {
            return HeldLines::default();
        }
        // Boxed, since this future is large and rarely needed.
        let ticked = Box::pin(self.ticked(instance, context)).await;
        ticked.unwrap_or_else(|fault| {
            let accounting = self.supervisor.accounting();
            accounting.failures(fault.kind, 1, &fault.reason, context.origin);
            HeldLines::default()
        })
    }

    async fn ticked(
        &self,
        instance: &mut Instance,
        context: CallContext<'_>,
    ) -> Result<HeldLines, Fault> {
        let ticking = async {
            let stream = (context.rules, context.origin);
            let answer = instance.tick(&self.engine, self.bounds, stream).await?;
            judge_held(&answer, context.rules, context.route_indices)
                .map_err(|broken| Fault::new(FaultKind::Outcome, broken.to_string()))
        };
        let judged = contained(pin!(ticking)).await;
        self.supervisor.accounting().metrics().ticks.inc();
        let judged = judged?;
        Ok(self.count_held(judged, context))
    }
}
