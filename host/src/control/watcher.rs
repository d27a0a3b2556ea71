//! Watches the files that a load looked for: the configuration, plugins, certificates, found or not.
//!
//! In: the inputs of each load, whether it succeeded or not. Out: reload requests on a channel, and whether
//! the files on disk differ from what is in force. Events of the system only say when to look
//! (`file_events`). What has changed is decided by looking at every input (`look`, `watching`), at least
//! every 1.5 seconds, so a file system that reports nothing, a lost event or a replaced folder delay a
//! reload and do not prevent it.
//! Not here: reading the files, what a reload does with them.

mod file_events;
mod links;
mod look;
mod watching;
mod writers;
mod writes;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::disk::Disk;
use super::request::Request;
use file_events::FileEvents;
use linemill_config::settings::Watch;
use linemill_config::{HeldBack, Input, Inputs, Place, Problem};
use watching::Watching;

/// The inputs of a load, by path.
pub type Known = Arc<BTreeMap<PathBuf, Input>>;

/// Watches files, in a task of its own that ends with this.
pub struct Watcher {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// What the watcher and its task share.
struct Shared {
    plan: Mutex<Plan>,
    events: Arc<FileEvents>,
    /// The version of the plan that has been taken up: everything in it is watched.
    taken_up: watch::Sender<u64>,
}

/// What to watch.
struct Plan {
    watch: Watch,
    /// The inputs of the last load. A change of these requests a reload.
    wanted: Known,
    /// The inputs of the generation in force.
    in_force: Known,
    /// What is in force and in no file.
    decisions: Vec<String>,
    /// The folder entries that lead to each input, as far as they have been looked up.
    entries: BTreeMap<PathBuf, Vec<PathBuf>>,
    /// Increases with each change of the above but `entries`.
    version: u64,
    /// A reload has been requested, and nothing has been loaded since.
    requested: bool,
}

impl Watcher {
    /// A watcher that requests reloads on `requests`. It watches nothing yet.
    pub fn new(requests: mpsc::Sender<Request>, disk: Disk) -> Self {
        let shared = Arc::new(Shared {
            plan: Mutex::new(Plan {
                watch: Watch::Off,
                wanted: Known::default(),
                in_force: Known::default(),
                decisions: Vec::new(),
                entries: BTreeMap::new(),
                version: 0,
                requested: false,
            }),
            events: Arc::default(),
            taken_up: watch::Sender::new(0),
        });
        let watching = Watching::new(Arc::clone(&shared), requests, disk);
        Self {
            shared,
            task: tokio::spawn(watching.run()),
        }
    }

    /// From now on, changes of the inputs of this load request a reload. Call it after every load, also
    /// after one that failed: a change to one of its files may correct that.
    pub fn follow(&self, inputs: &Inputs) {
        self.change(|plan| {
            plan.wanted = Arc::new(inputs.all());
            plan.requested = false;
        });
    }

    /// Records what is in force: how changes are noticed, the inputs it was built of, and what no file
    /// contains of it.
    pub fn in_force(&self, watch: Watch, inputs: Known, decisions: Vec<String>) {
        self.change(|plan| {
            plan.watch = watch;
            plan.in_force = inputs;
            plan.decisions = decisions;
        });
    }

    /// Waits until everything that is to be watched is, so that what happens from now on is not only seen
    /// when files are looked at. A file system that does not answer is not waited for.
    pub async fn is_watching(&self) {
        /// Longer than a look takes.
        const PATIENCE: Duration = Duration::from_secs(3);
        self.has_looked(PATIENCE).await;
    }

    /// Waits until the files have been compared with what is in force, but not for longer than `patience`.
    pub async fn has_looked(&self, patience: Duration) {
        let version = self.shared.plan().version;
        let mut taken_up = self.shared.taken_up.subscribe();
        let taken_up = taken_up.wait_for(|taken_up| *taken_up >= version);
        // Otherwise that happens a little later.
        let _in_time = timeout(patience, taken_up).await;
    }

    /// Which files must not be read now by a reload that nobody asked for.
    pub fn held_back(&self) -> HeldBack {
        let shared = Arc::clone(&self.shared);
        Box::new(move |path| shared.is_being_written(path))
    }

    /// Whether one of these inputs has been written to for so long that this must be reported.
    pub fn is_overdue(&self, paths: &[PathBuf]) -> bool {
        let plan = self.shared.plan();
        let told = self.shared.events.told();
        let mut entries = paths.iter().filter_map(|path| plan.entries.get(path));
        entries.any(|entries| entries.iter().any(|entry| told.writes.is_reported(entry)))
    }

    /// The reports about those of these inputs that are being written to: by whom, if the system tells.
    pub async fn being_written(&self, mut paths: Vec<PathBuf>) -> Vec<Problem> {
        paths.retain(|path| self.shared.is_being_written(path));
        if paths.is_empty() {
            return Vec::new();
        }
        let reporting = tokio::task::spawn_blocking(move || {
            let reports = paths.iter().map(|path| being_written(path));
            reports.collect()
        });
        reporting.await.unwrap_or_default()
    }

    fn change(&self, change: impl FnOnce(&mut Plan)) {
        {
            let mut plan = self.shared.plan();
            change(&mut plan);
            plan.version += 1;
        }
        self.shared.events.wake.notify_one();
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the input at `path` is being written to.
    fn is_being_written(&self, path: &Path) -> bool {
        let plan = self.plan();
        let told = self.events.told();
        let mut entries = plan.entries.get(path).into_iter().flatten();
        entries.any(|entry| told.writes.until(entry).is_some())
    }
}

fn being_written(path: &Path) -> Problem {
    let writer = writers::of(path);
    let by = writer.map_or_else(String::new, |writer| format!(" by {writer}"));
    let hint = "close the file, or leave it alone for two seconds; it is then read without a further request. `linemill reload` reads it as it is. A file renamed into place is never half-written";
    Place::file(path).problem(format!("this file is still open for writing{by}"), hint)
}

#[cfg(all(test, unix))]
mod tests;
