//! What the two directions of a connection have in common.

use std::sync::Arc;

use tokio::sync::watch;

use super::activity::Activity;
use crate::connections::metrics::LineMetrics;
use crate::generation::{Generation, Service, Snapshot};
use linemill_sandbox::origin::Origin;
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
    /// Where its lines come from. Shared, since an idle connection must have little.
    pub(super) origin: Arc<Origin>,
    /// The last service of the listener, which applies when the listener is gone before the connection
    /// begins.
    pub(super) last: Option<Arc<Service>>,
}

impl Context {
    /// The service of the listener that is in force, or its last one; `None` when neither is known.
    pub(super) fn service(&self) -> Option<Arc<Service>> {
        self.service_in(self.snapshot.borrow().generation())
    }

    /// As [`service`](Self::service), in this generation.
    pub(super) fn service_in(&self, generation: &Generation) -> Option<Arc<Service>> {
        let in_force = generation.services.get(&*self.listener);
        in_force.or(self.last.as_ref()).cloned()
    }
}
