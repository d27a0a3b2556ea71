//! Instances that give way to a new one while their stream goes on, as `retire` of a filter asks.
//!
//! In: an instance between two calls. Out: the same, a new one with its state, or none if it kept no state.
//! What happened is counted; what failed is logged at most once per second.
//! Not here: how state is handed over (`handover`).

use super::{Filter, OwnInstance};
use crate::instance::Instance;
use crate::metrics::RetirementResult;
use linemill_config::settings::Retire;

/// After how many more calls an instance whose state could not be handed over is asked again.
const AGAIN: u64 = 1000;

impl Filter {
    /// Whether an instance is to give way to a new one.
    pub(super) fn is_due(&self, instance: &Instance) -> bool {
        let Some(Retire { calls, memory }) = self.settings.retire else {
            return false;
        };
        let most = memory.map(|share| share.of(self.bounds.memory as u64));
        instance.calls >= instance.stays_until
            && (calls.is_some_and(|most| instance.calls >= most)
                || most.is_some_and(|most| instance.memory() >= most))
    }

    /// Replaces the instance that a stream owns. Afterwards the stream may own none.
    pub(super) async fn retire(&self, own: &mut OwnInstance) {
        if !own.has_state() {
            own.0 = None;
            return self.count(RetirementResult::Replaced);
        }
        // The semaphore is never closed.
        let turn = self.turns.acquire().await;
        let carried = self.carry(self, own).await;
        drop(turn);
        let reason = match carried {
            Ok(next) => {
                *own = next;
                return self.count(RetirementResult::Replaced);
            }
            Err(reason) => reason,
        };
        let result = match &mut own.0 {
            Some(instance) => {
                instance.stays_until = instance.calls + AGAIN;
                RetirementResult::Kept
            }
            None => RetirementResult::Lost,
        };
        self.count(result);
        if let Some(not_logged) = self.handover_log.pass() {
            tracing::warn!(
                filter = self.name(),
                result = result.label(),
                reason,
                not_logged,
                "state of an instance that retires not handed over"
            );
        }
    }

    pub(super) fn count(&self, result: RetirementResult) {
        let metrics = self.supervisor.accounting().metrics();
        metrics.retirements.of(result).inc();
    }
}
