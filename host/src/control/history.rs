//! What has been in force: the generations, and the last reload that came to nothing.
//!
//! In: each generation as it is put in force. Out: [`Entry`]s for those who ask, with who is still
//! on them. The newest 32 are kept. Not here: swapping, how it is shown (`admin`).

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use crate::generation::{Generation, Leases};
use linemill_config::report::Source;
use linemill_sandbox::plugin::Digest;

/// Generations that are remembered.
const KEPT: usize = 32;

/// What has been in force. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub struct History(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    /// Oldest first.
    entries: VecDeque<Entry>,
    /// Those that were in use when last looked at, however old.
    held: Vec<Weak<Leases>>,
    refusal: Option<Refusal>,
    source: Option<Arc<Source>>,
}

/// A generation that is or was in force.
#[derive(Debug, Clone)]
pub struct Entry {
    /// 1 at start, one more for each swap.
    pub number: u64,
    /// Since when.
    pub at: SystemTime,
    /// Who or what asked for it.
    pub by: String,
    /// How it differs from the one before.
    pub changes: Vec<String>,
    /// The plugins of its filters.
    pub filters: BTreeMap<String, Digest>,
    /// How long it took to read, compile, start and test it.
    pub build: Duration,
    /// Who uses it.
    pub mark: Arc<Leases>,
}

/// A reload that came to nothing.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// When.
    pub at: SystemTime,
    /// Who or what asked for it.
    pub by: String,
    /// What was wrong.
    pub error: String,
}

impl History {
    /// Adds the generation that has just been put in force, which `mark` belongs to.
    pub fn add(
        &self,
        generation: &Generation,
        mark: &Arc<Leases>,
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
            mark: Arc::clone(mark),
        };
        let mut inner = self.lock();
        inner.forget();
        inner.held.push(Arc::downgrade(mark));
        if inner.entries.len() == KEPT {
            inner.entries.pop_front();
        }
        inner.entries.push_back(entry);
    }

    /// Notes the file that the generation in force was read from.
    pub fn read_from(&self, source: Option<Arc<Source>>) {
        self.lock().source = source;
    }

    /// The file that the generation in force was read from, as it was then.
    pub fn source(&self) -> Option<Arc<Source>> {
        self.lock().source.clone()
    }

    /// Notes a reload that came to nothing.
    pub fn refused(&self, by: String, error: String) {
        let at = SystemTime::now();
        self.lock().refusal = Some(Refusal { at, by, error });
    }

    /// The generations, newest first.
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().entries.iter().rev().cloned().collect()
    }

    /// The last reload that came to nothing, if one ever did.
    pub fn refusal(&self) -> Option<Refusal> {
        self.lock().refusal.clone()
    }

    /// How many generations are in use, although another is in force.
    pub fn old_held(&self) -> usize {
        let mut inner = self.lock();
        inner.forget();
        // The newest is in force.
        let newest = inner.entries.back().map(|entry| Arc::as_ptr(&entry.mark));
        let old = inner.held.iter();
        old.filter(|mark| Some(mark.as_ptr()) != newest).count()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Forgets those that nobody uses and that are in force no more.
    fn forget(&mut self) {
        let newest = self.entries.back().map(|entry| Arc::as_ptr(&entry.mark));
        self.held.retain(|mark| {
            Some(mark.as_ptr()) == newest || mark.upgrade().is_some_and(|mark| mark.now().held)
        });
    }
}
