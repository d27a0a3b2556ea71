//! The calls that hand state over, against the rules of `wit/state.wit`.
//!
//! In: an instance. Out: its state, or a state taken over. Not here: when, and what follows when it
//! does not work (`handover`).

use super::{Instance, allow, fault};
use crate::bindings::only_state::exports::linemill::filter::state::SavedParam;
pub(crate) use crate::bindings::only_state::exports::linemill::filter::state::SavedResult as Saved;
use crate::engine::Engine;
use crate::fault::{Fault, FaultKind};
use crate::limits::Bounds;
use crate::verdict::printable;

/// Bytes of a state.
const MOST: usize = 1 << 20;
/// Bytes of a tag.
const LONGEST: usize = 64;

/// Why there is no state to hand over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotSaved {
    /// The instance goes on as if nothing had been asked.
    #[error("{0}")]
    Refused(String),
    /// The instance is unusable.
    #[error(transparent)]
    Fault(Fault),
}

impl Instance {
    /// Whether another instance can take its state over.
    pub(crate) fn exports_state(&self) -> bool {
        self.state.is_some()
    }

    /// Asks for the state, which does not change the instance.
    pub(crate) async fn save(
        &mut self,
        engine: &Engine,
        bounds: Bounds,
    ) -> Result<Saved, NotSaved> {
        let Some(guest) = &self.state else {
            return Err(NotSaved::Refused("it has no export `state`".into()));
        };
        let _running = engine.running();
        allow(&mut self.store, bounds.deadline);
        self.store.set_hostcall_fuel(bounds.limits.host_memory);
        let guest = guest.linemill_filter_state();
        let saved = guest.call_save(&mut self.store).await;
        let saved = saved
            .map_err(|error| NotSaved::Fault(fault(&self.store, &error)))?
            .map_err(|reason| NotSaved::Refused(printable(&reason)))?;
        check(&saved).map_err(|reason| NotSaved::Fault(Fault::new(FaultKind::Outcome, reason)))?;
        Ok(saved)
    }

    /// Gives a state to an instance that has just started. After an error it must be dropped.
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
        allow(&mut self.store, bounds.deadline);
        self.store.set_hostcall_fuel(bounds.limits.host_memory);
        let guest = guest.linemill_filter_state();
        let state = SavedParam {
            tag: &saved.tag,
            bytes: &saved.bytes,
        };
        let restored = guest.call_restore(&mut self.store, state).await;
        restored
            .map_err(|error| fault(&self.store, &error))?
            .map_err(|reason| refused(printable(&reason)))
    }
}

/// What is wrong with a state, if anything.
fn check(saved: &Saved) -> Result<(), String> {
    let Saved { tag, bytes } = saved;
    if !(1..=LONGEST).contains(&tag.len()) || !tag.iter().all(u8::is_ascii_graphic) {
        return Err("the tag of its state is not 1 to 64 visible ASCII characters".into());
    }
    if bytes.len() > MOST {
        let size = bytes.len();
        return Err(format!("its state has {size} bytes, more than {MOST}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{MOST, Saved, check};

    #[test]
    fn a_state_within_bounds_is_taken() {
        let state = |tag: &[u8], size: usize| {
            let (tag, bytes) = (tag.to_vec(), vec![0; size]);
            check(&Saved { tag, bytes })
        };
        for tag in ["number/1", "~", &"x".repeat(64)] {
            assert_eq!(state(tag.as_bytes(), MOST), Ok(()), "{tag}");
        }
        for tag in ["", "a b", "a\n", "ü", &"x".repeat(65)] {
            let reason = state(tag.as_bytes(), 0).expect_err(tag);
            assert!(reason.contains("tag"), "{tag}: {reason}");
        }
        let reason = state(b"a", MOST + 1).expect_err("too large");
        assert!(reason.contains("1048577 bytes"), "{reason}");
    }
}
