//! What the control plane asks of the data plane.
//!
//! The control plane builds and publishes generations; it knows sockets, connections and sinks only
//! through these two traits. `app` hands it the implementations (`listeners`, `sinks`).

use std::collections::HashMap;

use tokio::time::Instant;

use super::Generation;
use linemill_config::settings::{FilterSettings, Settings};
use linemill_config::{Problem, Problems};
use linemill_sandbox::supervise::quarantine::Quarantine;

/// Opens what takes the lines that a filter failed.
pub trait Quarantines: Send + Sync {
    /// Opens the `quarantine` of `filter`; `None` when it has none.
    ///
    /// # Errors
    /// When it cannot be opened.
    fn open(&self, filter: &FilterSettings) -> Result<Option<Quarantine>, Problem>;
}

/// The listeners that follow the published generations.
pub trait DataPlane: Send + Sync {
    /// New listeners, bound and not yet accepting. Dropping them closes their sockets.
    type Prepared: Send;

    /// The sinks for lines that filters fail.
    fn quarantines(&self) -> &dyn Quarantines;

    /// Binds the listeners of `settings` that are new, and opens their sinks. `next` is the
    /// generation built of `settings`.
    ///
    /// # Errors
    /// Every listener that cannot be bound and every sink that cannot be opened; nothing stays bound.
    fn prepare(
        &mut self,
        settings: &Settings,
        next: &Generation,
    ) -> Result<Self::Prepared, Problems>;

    /// The listeners that `next` removes, and those removed earlier whose grace period is not over,
    /// each with the time at which its last connections are closed.
    fn leaving(&self, before: &Generation, next: &Generation) -> HashMap<String, Instant>;

    /// Follows the generation that has just been published: starts the new listeners, releases the
    /// sinks of removed ones, and updates how upstreams are connected to.
    fn start(&mut self, prepared: Self::Prepared);
}
