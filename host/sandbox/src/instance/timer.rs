//! Calls of an instance at the times that it asks for, by the rules of `wit/timer.wit`.
//!
//! In: an instance, and the time. Out: the lines that are due, as `finish` returns them, or a fault.
//! Not here: who waits for the time (the host's connections), and what follows a fault (`filter::tick`).

use super::{Instance, begin, fault, one_by_one};
use crate::bindings::filter::exports::linemill::filter::batch::Held;
use crate::bindings::line_filter::exports::linemill::filter::line;
use crate::engine::Engine;
use crate::fault::{Fault, FaultKind};
use crate::imports::now;
use crate::limits::Bounds;
use crate::origin::Origin;
use crate::verdict::Rules;
use linemill_config::printable;

/// The least time between two ticks, in nanoseconds.
pub(crate) const PAUSE: u64 = 10_000_000;

/// When an instance is called without lines, on the clock of [`now`].
#[derive(Debug, Default)]
pub(super) struct Ticks {
    next: Option<u64>,
    last: Option<u64>,
}

impl Instance {
    /// When it is to be called next without lines; `None` if it does not want to be.
    pub(crate) fn next_tick(&self) -> Option<u64> {
        self.ticks.next
    }

    /// Whether it can be called without lines.
    pub(crate) fn has_timer(&self) -> bool {
        self.timer.is_some() && self.keeps_state
    }

    /// Has the instance called soon, so that it can say when it wants to be called for what it has got.
    pub(crate) fn tick_soon(&mut self) {
        if self.has_timer() {
            let earliest = self.ticks.last.map_or(0, |last| last.saturating_add(PAUSE));
            let soon = now().max(earliest);
            let next = self.ticks.next.unwrap_or(soon);
            self.ticks.next = Some(next.min(soon));
        }
    }

    /// Calls the instance without lines. Returns the lines that are due.
    ///
    /// # Errors
    /// When the guest traps or exceeds a limit: the instance must then be dropped. Or when it fails by its
    /// own word ([`FaultKind::Verdict`]); it then remains usable.
    pub(crate) async fn tick(
        &mut self,
        engine: &Engine,
        bounds: Bounds,
        (rules, origin): (Rules, &Origin),
    ) -> Result<Held, Fault> {
        let Some(guest) = &self.timer else {
            return one_by_one::held(&[], 0).map_err(|error| fault(&self.store, &error));
        };
        let _running = engine.running();
        let now = now();
        self.ticks = Ticks {
            next: None,
            last: Some(now),
        };
        let limit = bounds.growth(rules.max_output);
        let copied = bounds.limits.host_memory.max(limit);
        let stream = Some((origin, rules.framing));
        begin(&mut self.store, bounds.deadline, stream, copied);
        let guest = guest.linemill_filter_timer();
        let ticked = guest.call_tick(&mut self.store, now).await;
        let ticked = ticked
            .map_err(|error| fault(&self.store, &error))?
            .map_err(|reason| Fault::new(FaultKind::Verdict, printable(&reason)))?;
        let earliest = now.saturating_add(PAUSE);
        self.ticks.next = ticked.next.map(|next| next.max(earliest));
        let due = ticked.lines.into_iter().map(|due| line::Held {
            content: due.content,
            route: due.route,
        });
        let due: Vec<_> = due.collect();
        one_by_one::held(&due, limit).map_err(|error| fault(&self.store, &error))
    }
}
