//! What the reloader remembers from one swap to the next.

use std::sync::Arc;

use super::decisions::Decisions;
use super::fingerprint::Fingerprint;
use super::probation::{Probation, Usual};
use super::recipe::Recipe;
use super::rejected::Rejected;
use super::retry::Retry;

/// What the reloader remembers from one swap to the next; empty at start.
#[derive(Default)]
pub struct SwapState {
    /// The previous generation, for a rollback. `None` at start and after a rollback: a generation can be
    /// restored once.
    pub(super) previous: Option<Arc<Recipe>>,
    /// What filters did at their places in generations that passed their probation.
    pub(super) usual: Usual,
    /// The last generation whose filters passed their probation. `None` when that is the one in force.
    pub(super) proved: Option<Arc<Recipe>>,
    /// The listeners whose chains the last swap changed, until their window is over. `None` without
    /// `[host] rollback`, and when the swap changed no chain.
    pub(super) probation: Option<Probation>,
    /// Decisions about trials that the configuration file does not contain yet.
    pub(super) decisions: Decisions,
    /// What failed its probation.
    pub(super) rejected: Rejected,
    /// The generation that a requester rolled back. Only a reload requested at the admin address puts it
    /// in force again.
    pub(super) declined: Option<Fingerprint>,
    /// The next attempt of the last reload, if that failed because the host lacked something.
    pub(super) retry: Option<Retry>,
}

impl SwapState {
    /// Records that the generation of `recipe` has been restored.
    pub(super) fn restored(&mut self, recipe: &Recipe) {
        self.decisions = recipe.decisions.clone();
        self.previous = None;
        self.proved = None;
        self.probation = None;
    }
}
