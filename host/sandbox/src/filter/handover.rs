//! Handover of a stream's state from an instance of the old version of a filter to one of the new.
//!
//! In: both versions of the filter, and the old instance. Out: [`HandedOver`], which says which
//! instance serves the stream from now on. Results are counted; handovers that fail are logged at most
//! once per second.
//! Not here: which filter succeeds which, and lines that the old instance still holds
//! (`chain::stream_state`).

use super::{Filter, OwnInstance};
use crate::fault::{Fault, FaultKind};
use crate::instance::NotSaved;
use crate::metrics::HandoverResult;
use linemill_config::Keyword as _;
use linemill_config::settings::Handover;

/// How many streams may take over state at the same time. During a handover a stream has two
/// instances and a state in memory, and a swap moves all streams at once.
pub(super) const AT_ONCE: usize = 16;

/// Which instance serves a stream after a swap.
pub(crate) enum HandedOver {
    /// This instance of the new filter, with the state of the old one.
    Restored(OwnInstance),
    /// This instance of the old filter, as before.
    Kept(OwnInstance),
    /// An instance of the new filter that starts with the next line, without state. The old instance
    /// is returned so that the caller can finish it; empty if it is dead.
    Fresh(OwnInstance),
}

impl Filter {
    /// Takes a stream over from the filter `old`, whose instance is `own`.
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

    /// Starts an instance with the state of the old one, or says why that failed. Leaves the old
    /// instance in `own`, unless it died at `save`.
    pub(super) async fn carry(
        &self,
        old: &Self,
        own: &mut OwnInstance,
    ) -> Result<OwnInstance, String> {
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
        let answer = instance.save(&old.engine, old.bounds).await;
        if let Err(NotSaved::Fault(Fault { kind, reason, .. })) = answer {
            return Err(format!(
                "the old version fails at `save` ({kind}): {reason}"
            ));
        }
        own.0 = Some(instance);
        let saved =
            answer.map_err(|why| format!("the old version does not give its state: {why}"))?;
        let mut next = self
            .start_one(None, None)
            .await
            .map_err(|fault| failed(&fault, "its settings", "its start"))?;
        if !next.keeps_state {
            return Err("with its settings, the new version keeps no state".into());
        }
        let restored = next.restore(&self.engine, self.bounds, &saved).await;
        restored.map_err(|fault| {
            let tag = String::from_utf8_lossy(&saved.tag);
            failed(&fault, &format!("the state `{tag}`"), "`restore`")
        })?;
        Ok(OwnInstance(Some(Box::new(next)), None))
    }
}

/// The message for a new version that refuses `what`, or fails `at` a step.
fn failed(Fault { kind, reason, .. }: &Fault, what: &str, at: &str) -> String {
    if *kind == FaultKind::Refused {
        format!("the new version refuses {what}: {reason}")
    } else {
        format!("the new version fails at {at} ({kind}): {reason}")
    }
}
