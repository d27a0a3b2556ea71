//! Whether the files on disk differ from what is in force, and whether the last reload succeeded.
//!
//! In: the differences that the watcher finds, the results of reloads. Out: the state for `/status`, and
//! metrics. Not here: finding differences (`watcher`).

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::reloader::metrics::{ReloadMetrics, seconds};

/// The state of the files on disk. Clones share it.
#[derive(Debug, Clone)]
pub struct Disk {
    state: Arc<Mutex<State>>,
    metrics: ReloadMetrics,
}

/// The state of the files on disk, and of the last reload.
#[derive(Debug, Clone)]
pub struct State {
    /// Since when the files differ from what is in force; `None` if they do not.
    pub differs_since: Option<SystemTime>,
    /// What differs: paths, and decisions about trials that no file contains.
    pub differences: BTreeSet<String>,
    /// Whether the last reload succeeded.
    pub successful: bool,
    /// When the last reload ended.
    pub last: SystemTime,
    /// When the last successful one ended.
    pub last_success: SystemTime,
}

impl Disk {
    /// The state after a start: everything is in force as it was read.
    pub fn new(metrics: ReloadMetrics) -> Self {
        let now = SystemTime::now();
        let disk = Self {
            state: Arc::new(Mutex::new(State {
                differs_since: None,
                differences: BTreeSet::new(),
                successful: true,
                last: now,
                last_success: now,
            })),
            metrics,
        };
        disk.reloaded(true);
        disk
    }

    /// Records the result of a reload.
    pub fn reloaded(&self, successful: bool) {
        let mut state = self.lock();
        state.successful = successful;
        state.last = SystemTime::now();
        if successful {
            state.last_success = state.last;
            self.metrics.last_success.set(seconds(state.last));
        }
        self.metrics.last_successful.set(i64::from(successful));
    }

    /// Records what differs now.
    pub fn differs(&self, differences: BTreeSet<String>) {
        let mut state = self.lock();
        if differences.is_empty() {
            state.differs_since = None;
        } else if state.differs_since.is_none() {
            state.differs_since = Some(SystemTime::now());
        }
        state.differences = differences;
        let since = state.differs_since.map_or(0, seconds);
        self.metrics
            .differs
            .set(i64::from(state.differs_since.is_some()));
        self.metrics.differs_since.set(since);
    }

    /// The state now.
    pub fn state(&self) -> State {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use linemill_telemetry::{Metrics as _, Registry};

    #[test]
    fn the_time_of_a_difference_is_that_of_the_first() {
        let mut registry = Registry::default();
        let families = ReloadMetrics::register_families(&mut registry);
        let metrics = ReloadMetrics::of(&families, &[].into());
        let disk = Disk::new(metrics.clone());
        assert_eq!(
            (metrics.differs.get(), disk.state().differs_since),
            (0, None)
        );
        disk.differs(["a".to_owned()].into());
        let since = disk.state().differs_since;
        assert!(since.is_some());
        disk.differs(["a".to_owned(), "b".to_owned()].into());
        assert_eq!(disk.state().differs_since, since);
        assert_eq!(metrics.differs.get(), 1);
        disk.differs(BTreeSet::new());
        assert_eq!(metrics.differs_since.get(), 0);
        disk.reloaded(false);
        let state = disk.state();
        assert!(!state.successful && state.last >= state.last_success);
        assert_eq!(metrics.last_successful.get(), 0);
        assert!(metrics.last_success.get() > 0);
    }
}
