//! What the control plane asks of the data plane.
//!
//! The control plane builds and publishes generations; it knows sockets and connections only through
//! this trait. `app` hands it the implementation (`listeners`).

use std::collections::HashMap;

use tokio::time::Instant;

use super::Generation;
use crate::net::bind::{BindRequest, Socket};
use linemill_config::settings::Settings;
use linemill_config::{Problem, Problems};

/// The listeners that follow the published generations.
pub trait DataPlane: Send + Sync {
    /// Sockets that are bound and do not accept yet. Dropping them closes them.
    type Prepared: Send;

    /// Binds the listeners of `settings` that are new, or whose address has changed. `next` is the
    /// generation built of `settings`.
    ///
    /// # Errors
    /// Every listener that cannot be bound; nothing stays bound.
    fn prepare(
        &mut self,
        settings: &Settings,
        next: &Generation,
    ) -> Result<Self::Prepared, Problems>;

    /// Binds an address that is not a listener's.
    ///
    /// # Errors
    /// When it is not available.
    fn bind(&mut self, request: BindRequest<'_>) -> Result<Socket, Problem>;

    /// The listeners that `next` removes, and those removed earlier whose grace period is not over,
    /// each with the time at which its last connections are closed.
    fn leaving(&self, before: &Generation, next: &Generation) -> HashMap<String, Instant>;

    /// Follows the generation that has just been published: starts the new listeners, and hands new
    /// sockets to those whose address has changed.
    fn start(&mut self, prepared: Self::Prepared);
}
