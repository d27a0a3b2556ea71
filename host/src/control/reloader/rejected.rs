//! What was rolled back because a filter failed, or dropped, too many lines.
//!
//! In: filters that did not pass their probation. Out: the report about a configuration that would bring
//! the same listener back: its table, the filters of its chains, their plugins, and `[host] rollback`
//! are all the same. A change of any of these may mend it, so it is let through.

use super::fingerprint::ListenerFingerprint;
use super::probation::{Built, Failing};
use linemill_config::Problem;

/// Most that is remembered; the oldest is forgotten first.
const MOST: usize = 64;

/// What was rolled back.
#[derive(Debug, Default)]
pub(super) struct Rejected(Vec<Failing>);

impl Rejected {
    /// Remembers that this was rolled back.
    pub(super) fn add(&mut self, failing: Failing) {
        if self.0.len() == MOST {
            self.0.remove(0);
        }
        self.0.push(failing);
    }

    /// Forgets what of `next` was rolled back.
    pub(super) fn forget(&mut self, next: Built<'_>) {
        self.0.retain(|rejected| !is_in(rejected, next));
    }

    /// The report about a generation that was rolled back.
    pub(super) fn refuse(&self, next: Built<'_>) -> Option<Problem> {
        let rejected = self.0.iter().find(|rejected| is_in(rejected, next))?;
        let name = rejected.fingerprint.listener();
        let mut listeners = next.settings.listeners.iter();
        let listener = listeners.find(|listener| listener.name == name)?;
        let text = format!("{rejected}, and was rolled back");
        let hint = "change this listener, a filter of its chain or that filter's plugin, or `rollback`; or run `linemill reload --force`";
        Some(listener.places.of("chain").problem(text, hint))
    }
}

/// Whether a generation would bring back what was rejected.
fn is_in(rejected: &Failing, next: Built<'_>) -> bool {
    let name = rejected.fingerprint.listener();
    let fingerprint = ListenerFingerprint::of(next.generation, next.settings, name);
    fingerprint.as_ref() == Some(&rejected.fingerprint)
}
