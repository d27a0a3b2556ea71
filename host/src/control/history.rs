//! What has been in force: the last generations, and the last refused reload.
//!
//! In: each generation as it is published. Out: [`Entry`] values, newest first, with the current use
//! of each generation. Not here: publishing (`reloader`), presentation (`admin`).

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use crate::generation::{Generation, Leases};
use linemill_config::Source;
use linemill_config::settings::Sources;
use linemill_sandbox::Digest;

/// Generations kept; older ones are dropped.
const CAPACITY: usize = 32;

/// The generations that have been in force. Clones share one history.
#[derive(Debug, Clone, Default)]
pub struct History(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    /// Oldest first; the last is in force. At most [`CAPACITY`].
    entries: VecDeque<Entry>,
    /// Generations still in use at the last look, also those older than `entries`.
    held: Vec<Weak<Leases>>,
    refusal: Option<Refusal>,
    sources: Sources,
}

/// A generation that is or was in force.
#[derive(Debug, Clone)]
pub struct Entry {
    /// 1 at start; each swap adds 1.
    pub number: u64,
    /// When it was put in force.
    pub at: SystemTime,
    /// What triggered it.
    pub by: String,
    /// Its differences from the generation before.
    pub changes: Vec<String>,
    /// The digests of its plugins, by the filter's name.
    pub filters: BTreeMap<String, Digest>,
    /// How long reading, compiling, starting and testing took.
    pub build: Duration,
    /// The leases on it.
    pub leases: Arc<Leases>,
}

/// A refused reload.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// When it was refused.
    pub at: SystemTime,
    /// What triggered it.
    pub by: String,
    /// The report of what was wrong.
    pub error: String,
}

impl History {
    /// Adds the generation that has just been put in force, with the leases on it.
    pub fn add(
        &self,
        generation: &Generation,
        leases: &Arc<Leases>,
        by: String,
        changes: Vec<String>,
        build: Duration,
    ) {
        let filters = generation.filters.iter();
        let filters = filters.map(|(name, filter)| (name.clone(), filter.digest()));
        let entry = Entry {
            number: generation.number,
            at: SystemTime::now(),
            by,
            changes,
            filters: filters.collect(),
            build,
            leases: Arc::clone(leases),
        };
        let mut inner = self.lock();
        inner.drop_unused();
        inner.held.push(Arc::downgrade(leases));
        if inner.entries.len() == CAPACITY {
            inner.entries.pop_front();
        }
        inner.entries.push_back(entry);
    }

    /// Records the files from which the generation in force was read.
    pub fn set_sources(&self, sources: Sources) {
        self.lock().sources = sources;
    }

    /// The files from which the generation in force was read, with their texts at that time, the main one
    /// first.
    pub fn sources(&self) -> Vec<Arc<Source>> {
        self.lock().sources.0.clone()
    }

    /// Records a refused reload.
    pub fn refused(&self, by: String, error: String) {
        let at = SystemTime::now();
        self.lock().refusal = Some(Refusal { at, by, error });
    }

    /// The generations, newest first.
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().entries.iter().rev().cloned().collect()
    }

    /// The last refused reload.
    pub fn refusal(&self) -> Option<Refusal> {
        self.lock().refusal.clone()
    }

    /// The number of replaced generations that connections still use.
    pub fn old_held(&self) -> usize {
        let mut inner = self.lock();
        inner.drop_unused();
        // The newest entry is in force.
        let newest = inner.entries.back().map(|entry| Arc::as_ptr(&entry.leases));
        let old = inner.held.iter();
        old.filter(|leases| Some(leases.as_ptr()) != newest).count()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Drops generations that are neither in force nor in use.
    fn drop_unused(&mut self) {
        let newest = self.entries.back().map(|entry| Arc::as_ptr(&entry.leases));
        self.held.retain(|leases| {
            Some(leases.as_ptr()) == newest
                || leases.upgrade().is_some_and(|leases| leases.now().held)
        });
    }
}
