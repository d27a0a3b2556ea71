//! File events of the system: a hint that files may have changed, and which are being written to.
//!
//! In: the files and folders to watch, and what the system reports of them. Out: a wake-up for the task
//! that looks at the files, the entries that events named, and [`Writes`]. Events are hints: what has
//! changed is decided by looking. Folders are watched for what happens in them; files as well, for a
//! file may be mounted on its own, or have another name.
//! Not here: looking (`look`), what to watch (`watching`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind};
use notify::{ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;

use super::writes::Writes;

/// Device and inode.
pub(super) type Identity = (u64, u64);

/// What events have told.
#[derive(Default)]
pub(super) struct Told {
    /// The folder entries whose events matter; events of others are ignored.
    pub(super) entries: BTreeSet<PathBuf>,
    /// The entries that events named since they were last taken.
    pub(super) named: BTreeSet<PathBuf>,
    /// Events were lost: anything may have changed.
    pub(super) lost: bool,
    /// Watched paths that were removed or renamed: they must be watched anew.
    gone: BTreeSet<PathBuf>,
    /// The entries that are being written to. Empty where the system does not report closing.
    pub(super) writes: Writes,
}

/// Receives events.
#[derive(Default)]
pub(super) struct FileEvents {
    told: Mutex<Told>,
    /// Wakes the task that looks at the files.
    pub(super) wake: Notify,
}

/// A source of events.
pub(super) struct Source {
    inner: RecommendedWatcher,
    events: Arc<FileEvents>,
    /// What is watched, with its identity at that time.
    watched: BTreeMap<PathBuf, Identity>,
}

impl FileEvents {
    pub(super) fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handle(&self, event: notify::Result<Event>) {
        let matters = match event {
            Ok(event) => self.told().note(&event),
            Err(error) => {
                tracing::debug!(%error, "watching files");
                self.told().lost = true;
                true
            }
        };
        if matters {
            self.wake.notify_one();
        }
    }
}

impl Told {
    /// Records an event. Returns whether somebody should look.
    fn note(&mut self, event: &Event) -> bool {
        if event.need_rescan() {
            self.writes.clear();
            self.lost = true;
            return true;
        }
        let removed = matches!(
            event.kind,
            EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))
        );
        let mut matters = false;
        for path in &event.paths {
            let is_entry = self.entries.contains(path);
            // A watched folder itself may be on the way to an entry.
            let concerns = is_entry || self.entries.iter().any(|entry| entry.starts_with(path));
            if removed && concerns {
                self.gone.insert(path.clone());
                matters = true;
            }
            if is_entry {
                matters |= self.note_entry(event.kind, path);
            }
        }
        matters
    }

    fn note_entry(&mut self, kind: EventKind, path: &Path) -> bool {
        let closes = cfg!(target_os = "linux");
        match kind {
            EventKind::Modify(ModifyKind::Data(_)) if closes => {
                self.writes.write(path, false);
            }
            // It may be complete, such as a hard link, or be about to be written to.
            EventKind::Create(CreateKind::File) if closes => self.writes.write(path, true),
            EventKind::Modify(ModifyKind::Metadata(_)) => {}
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => self.writes.end(path),
            EventKind::Access(_) => return false,
            // The file was replaced, renamed or removed.
            _ => self.writes.end(path),
        }
        self.named.insert(path.to_owned());
        true
    }
}

impl Source {
    /// A source that reports to `events`.
    ///
    /// # Errors
    /// The system has no file events, or not for this process.
    pub(super) fn new(events: &Arc<FileEvents>) -> notify::Result<Self> {
        let handler = Arc::clone(events);
        Ok(Self {
            inner: notify::recommended_watcher(move |event| handler.handle(event))?,
            events: Arc::clone(events),
            watched: BTreeMap::new(),
        })
    }

    /// Watches these paths, and no others. Returns those that it watches, and why others cannot be. Blocks.
    pub(super) fn watch(
        &mut self,
        wanted: &BTreeMap<PathBuf, Identity>,
    ) -> (BTreeMap<PathBuf, Identity>, Option<notify::Error>) {
        let gone = std::mem::take(&mut self.events.told().gone);
        let outdated: Vec<_> = self
            .watched
            .iter()
            .filter(|(path, identity)| gone.contains(*path) || wanted.get(*path) != Some(identity))
            .map(|(path, _)| path.clone())
            .collect();
        for path in outdated {
            // The watch of something that was deleted is gone already.
            drop(self.inner.unwatch(&path));
            self.watched.remove(&path);
        }
        let mut failed = None;
        for (path, identity) in wanted {
            if self.watched.contains_key(path) {
                continue;
            }
            match self.inner.watch(path, RecursiveMode::NonRecursive) {
                Ok(()) => drop(self.watched.insert(path.clone(), *identity)),
                // It has just been removed.
                Err(error) if matches!(error.kind, ErrorKind::PathNotFound) => {}
                Err(error) => failed = Some(error),
            }
        }
        (self.watched.clone(), failed)
    }
}
