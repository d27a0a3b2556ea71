//! A stream's state, from the instance of a filter that leaves to one of the filter that comes.
//!
//! In: both filters, and the old instance. Out: [`HandedOver`], which says who serves the stream from
//! here on; how often which, as counts, and why a state did not arrive, as a log line a second at
//! most. Not here: which filters follow which, and what becomes of lines that were held
//! (`chain::moving`).

use super::{Filter, OwnInstance};
use crate::fault::{Fault, FaultKind};
use crate::instance::NotSaved;
use crate::metrics::HandoverResult;
use linemill_config::Keyword as _;
use linemill_config::settings::Handover;

/// Streams that take over from one filter to another at the same time. Each has two instances and a
/// state in memory meanwhile, and a swap moves all streams at once.
pub(super) const AT_ONCE: usize = 16;

/// Who serves a stream after a swap.
pub(crate) enum HandedOver {
    /// This instance of the new filter, which knows what the old one knew.
    Restored(OwnInstance),
    /// The old filter still, by its instance.
    Kept(OwnInstance),
    /// The new filter, without state. This is the old instance, to be finished; none if it is dead.
    Fresh(OwnInstance),
}

impl Filter {
    /// Takes a stream over from `old` and its instance.
    pub(crate) async fn take_over(&self, old: &Self, mut own: OwnInstance) -> HandedOver {
        // The semaphore is never closed.
        let turn = self.turns.acquire().await;
        let carried = self.carry(old, &mut own).await;
        drop(turn);
        let reason = match carried {
            Ok(own) => {
                self.supervisor
                    .accounting()
                    .metrics()
                    .handovers
                    .of(HandoverResult::Restored)
                    .inc();
                return HandedOver::Restored(own);
            }
            Err(reason) => reason,
        };
        let policy = self.settings.handover;
        let keeps = policy == Handover::KeepOld && !own.is_none();
        let result = if keeps {
            HandoverResult::Kept
        } else {
            HandoverResult::Fresh
        };
        self.supervisor
            .accounting()
            .metrics()
            .handovers
            .of(result)
            .inc();
        if let Some(held) = self.handover_log.pass() {
            tracing::warn!(
                filter = self.name(),
                result = result.label(),
                reason,
                handover = policy.keyword(),
                not_logged = held,
                "state not handed over"
            );
        }
        if keeps {
            HandedOver::Kept(own)
        } else {
            HandedOver::Fresh(own)
        }
    }

    /// A new instance with the state of the old one, which is gone only if it is at fault itself.
    async fn carry(&self, old: &Self, own: &mut OwnInstance) -> Result<OwnInstance, String> {
        let mut instance = own.0.take().ok_or("there is no old instance")?;
        let lacks = match (instance.exports_state(), self.plugin.linked.state.is_some()) {
            (true, true) => None,
            (true, false) => Some("new"),
            (false, _) => Some("old"),
        };
        if let Some(which) = lacks {
            own.0 = Some(instance);
            return Err(format!("the {which} version has no export `state`"));
        }
        let saved = match instance.save(&old.engine, old.bounds).await {
            Err(NotSaved::Fault(Fault { kind, reason, .. })) => {
                return Err(format!(
                    "the old version fails at `save` ({kind}): {reason}"
                ));
            }
            saved => saved,
        };
        own.0 = Some(instance);
        let saved =
            saved.map_err(|why| format!("the old version does not give its state: {why}"))?;
        let next = self.start_one().await;
        let mut next = next.map_err(|fault| failed(&fault, "its settings", "its start"))?;
        if !next.keeps_state {
            return Err("the new version keeps no state with its settings".into());
        }
        let restored = next.restore(&self.engine, self.bounds, &saved).await;
        restored.map_err(|fault| {
            let tag = String::from_utf8_lossy(&saved.tag);
            failed(&fault, &format!("the state `{tag}`"), "`restore`")
        })?;
        Ok(OwnInstance(Some(Box::new(next))))
    }
}

/// What to say when the new version refuses `what`, or fails `at` it.
fn failed(Fault { kind, reason, .. }: &Fault, what: &str, at: &str) -> String {
    if *kind == FaultKind::Refused {
        format!("the new version refuses {what}: {reason}")
    } else {
        format!("the new version fails at {at} ({kind}): {reason}")
    }
}
