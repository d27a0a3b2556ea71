//! What the two directions of a connection have in common.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch;

use super::activity::Activity;
use crate::connections::metrics::LineMetrics;
use crate::generation::{Service, Snapshot};
use linemill_sandbox::trial::Cohort;

/// Shared by the two directions of a connection; each has a clone.
#[derive(Clone)]
pub(super) struct Context {
    /// The name of its listener.
    pub(super) listener: Arc<str>,
    /// What is in force. Each clone remembers what it has seen.
    pub(super) snapshot: watch::Receiver<Snapshot>,
    pub(super) metrics: Arc<LineMetrics>,
    /// The last byte in either direction.
    pub(super) activity: Arc<Activity>,
    /// Decides which versions of filters on trial serve it.
    pub(super) cohort: Cohort,
    /// The client's address; `None` for a Unix socket and for standard input.
    pub(super) peer: Option<SocketAddr>,
    /// The lines come from many clients that cannot be told apart.
    pub(super) many: bool,
}

impl Context {
    /// The service of the listener that is in force; `None` when the listener is gone.
    pub(super) fn service(&self) -> Option<Arc<Service>> {
        let snapshot = self.snapshot.borrow();
        let services = &snapshot.generation().services;
        services.get(&*self.listener).cloned()
    }
}
