//! File events: which of them request a reload, and which files are being written to.
//!
//! In: events of the system. Out: reload requests, and the set of files that are open for writing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{Event, EventKind};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::control::request::{Request, Trigger};

/// Handles file events.
pub(super) struct FileEvents {
    pub(super) requests: mpsc::Sender<Request>,
    pub(super) files: Mutex<Files>,
}

/// The watched files.
#[derive(Default)]
pub(super) struct Files {
    /// The files whose changes request a reload; events of others in the same folders are ignored.
    pub(super) watched: BTreeSet<PathBuf>,
    /// The watched files that were written to and not closed yet, each with the time of the first write
    /// event. Empty unless `reports_closing`.
    pub(super) writing: BTreeMap<PathBuf, Instant>,
    /// Whether the system reports the closing of files as well as writes to them.
    pub(super) reports_closing: bool,
}

impl FileEvents {
    pub(super) fn handle(&self, event: notify::Result<Event>) {
        let changed = match event {
            Ok(event) => self.files().note(&event),
            // Events may have been lost, so any file may have changed.
            Err(error) => {
                tracing::debug!(%error, "watching files");
                error.paths.into_iter().next().or(Some(PathBuf::new()))
            }
        };
        if let Some(path) = changed {
            // A full channel already contains a reload.
            let _full = self
                .requests
                .try_send(Request::reload(Trigger::Changed(path)));
        }
    }

    pub(super) fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Files {
    /// Applies an event. Returns the watched file that it changed, if any.
    fn note(&mut self, event: &Event) -> Option<PathBuf> {
        if event.need_rescan() {
            self.writing.clear();
            return Some(PathBuf::from("files"));
        }
        let file = event
            .paths
            .iter()
            .find(|path| self.watched.contains(*path))?;
        match event.kind {
            EventKind::Modify(ModifyKind::Data(_)) if self.reports_closing => {
                let now = Instant::now();
                self.writing.entry(file.clone()).or_insert(now);
                Some(file.clone())
            }
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => {
                self.writing.remove(file).map(|_| file.clone())
            }
            EventKind::Access(_) => None,
            // The file was created, replaced, renamed or removed.
            _ => {
                self.writing.remove(file);
                Some(file.clone())
            }
        }
    }
}
