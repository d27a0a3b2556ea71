//! The listeners that run, for those who show them.
//!
//! In: listeners, from their start to the end of their last connection. Out: the name, address and counts of
//! each, removed ones included. While a listener runs, `/metrics` shows its series.
//! Not here: which listeners are in force (`generation`).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::metrics::ListenerMetrics;
use crate::connections::metrics::LineMetrics;
use linemill_config::settings::Address;
use linemill_telemetry::Held;

/// A listener that runs. It is held by the listener itself.
#[derive(Debug)]
pub struct ListenerView {
    name: String,
    /// The bound address; `None` until it is known.
    address: Mutex<Option<Address>>,
    metrics: Held<ListenerMetrics>,
    lines: Held<LineMetrics>,
}

/// All listeners that run, in the order of their start. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct RunningListeners(Arc<Mutex<Vec<Weak<ListenerView>>>>);

impl ListenerView {
    /// Its name in the configuration.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address that it listens on, or last listened on, with the port that the system chose.
    pub fn address(&self) -> Option<String> {
        self.lock().as_ref().map(ToString::to_string)
    }

    pub(super) fn set_address(&self, address: &Address) {
        *self.lock() = Some(address.clone());
    }

    /// What it counts about connections. Another listener of the same name counts in the same series.
    pub fn metrics(&self) -> &ListenerMetrics {
        &self.metrics
    }

    /// What its connections count.
    pub fn lines(&self) -> &LineMetrics {
        &self.lines
    }

    fn lock(&self) -> MutexGuard<'_, Option<Address>> {
        self.address.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RunningListeners {
    /// Each listener.
    pub fn all(&self) -> Vec<Arc<ListenerView>> {
        self.lock().iter().filter_map(Weak::upgrade).collect()
    }

    /// Adds a listener that is about to run.
    pub(super) fn add(
        &self,
        name: &str,
        metrics: Held<ListenerMetrics>,
        lines: Held<LineMetrics>,
    ) -> Arc<ListenerView> {
        let view = Arc::new(ListenerView {
            name: name.to_owned(),
            address: Mutex::default(),
            metrics,
            lines,
        });
        let mut views = self.lock();
        views.retain(|view| view.strong_count() > 0);
        views.push(Arc::downgrade(&view));
        view
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<ListenerView>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
