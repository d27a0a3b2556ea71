//! Saves and restores the state of an instance, by the rules of `wit/state.wit`.
//!
//! In: an instance, and a state to restore. Out: the instance's state, or a fault.
//! Not here: when state is handed over, and what happens if that fails (`filter::handover`).

use super::{Instance, begin, fault};
use crate::bindings::only_state::exports::linemill::filter::state::SavedParam;
pub(crate) use crate::bindings::only_state::exports::linemill::filter::state::SavedResult as Saved;
use crate::engine::Engine;
use crate::fault::{Fault, FaultKind};
use crate::limits::Bounds;
use linemill_config::printable;

/// The largest state, in bytes.
const MAX_STATE: usize = 1 << 20;
/// The longest tag, in bytes.
const MAX_TAG: usize = 64;

/// Why an instance did not save its state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotSaved {
    /// The guest gave this reason. The instance remains usable.
    #[error("{0}")]
    Refused(String),
    /// The call failed. The instance must be dropped.
    #[error(transparent)]
    Fault(Fault),
}

impl Instance {
    /// Whether the guest exports `state`.
    pub(crate) fn exports_state(&self) -> bool {
        self.state.is_some()
    }

    /// Saves the state. This does not change the instance.
    ///
    /// # Errors
    /// When the guest has no export `state`, refuses to save, traps, or returns an invalid state.
    pub(crate) async fn save(
        &mut self,
        engine: &Engine,
        bounds: Bounds,
    ) -> Result<Saved, NotSaved> {
        let Some(guest) = &self.state else {
            return Err(NotSaved::Refused("it has no export `state`".into()));
        };
        let _running = engine.running();
        let copied = bounds.limits.host_memory;
        begin(&mut self.store, bounds.deadline, None, copied);
        let guest = guest.linemill_filter_state();
        let called = guest.call_save(&mut self.store).await;
        let saved = called
            .map_err(|error| NotSaved::Fault(fault(&self.store, &error)))?
            .map_err(|reason| NotSaved::Refused(printable(&reason)))?;
        check(&saved).map_err(|reason| NotSaved::Fault(Fault::new(FaultKind::Outcome, reason)))?;
        Ok(saved)
    }

    /// Restores a state in an instance that has just started.
    ///
    /// # Errors
    /// When the guest has no export `state`, refuses the state, or traps. The instance must then be
    /// dropped.
    pub(crate) async fn restore(
        &mut self,
        engine: &Engine,
        bounds: Bounds,
        saved: &Saved,
    ) -> Result<(), Fault> {
        let refused = |reason: String| Fault::new(FaultKind::Refused, reason);
        let Some(guest) = &self.state else {
            return Err(refused("it has no export `state`".into()));
        };
        let _running = engine.running();
        let copied = bounds.limits.host_memory;
        begin(&mut self.store, bounds.deadline, None, copied);
        let guest = guest.linemill_filter_state();
        let state = SavedParam {
            tag: &saved.tag,
            bytes: &saved.bytes,
        };
        let restored = guest.call_restore(&mut self.store, state).await;
        restored
            .map_err(|error| fault(&self.store, &error))?
            .map_err(|reason| refused(printable(&reason)))?;
        // What the former instance asked for is not part of its state.
        self.tick_soon();
        Ok(())
    }
}

/// Checks the size of a state, and its tag.
fn check(saved: &Saved) -> Result<(), String> {
    let Saved { tag, bytes } = saved;
    if !(1..=MAX_TAG).contains(&tag.len()) || !tag.iter().all(u8::is_ascii_graphic) {
        return Err("the tag of its state is not 1 to 64 visible ASCII characters".into());
    }
    if bytes.len() > MAX_STATE {
        let size = bytes.len();
        return Err(format!("its state has {size} bytes, more than {MAX_STATE}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{MAX_STATE, Saved, check};

    #[test]
    fn only_a_state_within_the_limits_is_accepted() {
        let state = |tag: &[u8], size: usize| {
            let (tag, bytes) = (tag.to_vec(), vec![0; size]);
            check(&Saved { tag, bytes })
        };
        for tag in ["number/1", "~", &"x".repeat(64)] {
            assert_eq!(state(tag.as_bytes(), MAX_STATE), Ok(()), "{tag}");
        }
        for tag in ["", "a b", "a\n", "ü", &"x".repeat(65)] {
            let reason = state(tag.as_bytes(), 0).expect_err(tag);
            assert!(reason.contains("tag"), "{tag}: {reason}");
        }
        let reason = state(b"a", MAX_STATE + 1).expect_err("too large");
        assert!(reason.contains("1048577 bytes"), "{reason}");
    }
}
