//! Watches the configuration file and the plugins and certificates that it names.
//!
//! In: file events of the system. Out: reload requests on a channel. Folders are watched, not files, so
//! that a file replaced by a rename is noticed, and a symbolic link that gets another target, too.
//! Where the system has no file events, files are polled every two seconds.
//! Not here: reading the files.

mod file_events;
mod links;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use notify::{Config, PollWatcher, RecommendedWatcher, RecursiveMode};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::certificates;
use super::origin::Origin;
use super::request::Request;
use file_events::FileEvents;
use linemill_config::Files;
use linemill_config::settings::Settings;
use linemill_sandbox::plugin::source::locate;
use links::entries_leading_to;

/// Interval at which files are polled where the system has no file events.
const POLL: Duration = Duration::from_secs(2);
/// How long a reload waits for a program that writes to a watched file to close it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// Interval at which that is checked.
const INTERVAL: Duration = Duration::from_millis(10);

/// Watches the configuration, the plugins and certificates that it names, and the symbolic links that
/// lead to them.
pub struct Watcher {
    inner: Box<dyn notify::Watcher + Send + Sync>,
    /// Whether `inner` polls files; otherwise it gets events for folders.
    polls: bool,
    events: Arc<FileEvents>,
    /// The paths that `inner` watches: files when it polls, else folders.
    watched: BTreeSet<PathBuf>,
}

impl Watcher {
    /// A watcher that requests reloads on `requests`.
    pub fn new(requests: mpsc::Sender<Request>) -> Self {
        let events = Arc::new(FileEvents {
            requests,
            files: Mutex::default(),
        });
        let handler = Arc::clone(&events);
        events.files().reports_closing = cfg!(target_os = "linux");
        match notify::recommended_watcher(move |event| handler.handle(event)) {
            Ok(watcher) => Self::with(Box::<RecommendedWatcher>::new(watcher), false, events),
            Err(error) => Self::polling(events, &error),
        }
    }

    fn with(
        inner: Box<dyn notify::Watcher + Send + Sync>,
        polls: bool,
        events: Arc<FileEvents>,
    ) -> Self {
        Self {
            inner,
            polls,
            events,
            watched: BTreeSet::new(),
        }
    }

    /// A watcher that polls, because the system has no file events for the reason `why`.
    fn polling(events: Arc<FileEvents>, why: &dyn std::fmt::Display) -> Self {
        tracing::warn!(error = %why, every = ?POLL, "cannot get file events; polling files instead");
        events.files().reports_closing = false;
        let handler = Arc::clone(&events);
        // Such systems may have file times of whole seconds, so contents are compared.
        let config = Config::default()
            .with_poll_interval(POLL)
            .with_compare_contents(true);
        match PollWatcher::new(move |event| handler.handle(event), config) {
            Ok(watcher) => Self::with(Box::new(watcher), true, events),
            Err(error) => {
                tracing::error!(%error, "cannot watch files at all; reload by SIGHUP or `linemill reload`");
                Self::with(Box::new(notify::NullWatcher), true, events)
            }
        }
    }

    /// Watches the files of these settings, and no others.
    pub async fn follow(&mut self, origin: &Origin, settings: &Settings) {
        let Some(config) = &origin.config else { return };
        let plugins = settings.filters.values();
        let plugins: Vec<_> = plugins.map(|filter| filter.plugin.clone()).collect();
        let folders = settings.host.plugins.clone();
        let certificates = settings.listeners.iter().flat_map(certificates::files);
        let mut named: Vec<_> = certificates.map(Path::to_owned).collect();
        named.push(config.clone());
        // Symbolic links are followed, on any file system.
        let finding = spawn_blocking(move || {
            let files = Files::default();
            let plugins = plugins
                .iter()
                .filter_map(|plugin| locate(plugin, &folders, &files).unwrap_or_else(Some));
            let entries = |file: PathBuf| {
                let own = file.clone();
                // One that does not answer is not watched; the load refuses it, too.
                files
                    .ask(&file, move || entries_leading_to(&own))
                    .unwrap_or_default()
            };
            plugins.chain(named).flat_map(entries).collect()
        });
        let Ok(files): Result<BTreeSet<PathBuf>, _> = finding.await else {
            // The host is stopping.
            return;
        };
        {
            let mut known = self.events.files();
            known.writing.retain(|path, _| files.contains(path));
            known.watched.clone_from(&files);
        }
        if let Err(error) = self.watch(&files) {
            if self.polls {
                tracing::warn!(%error, "cannot watch all files; reload by SIGHUP or `linemill reload`");
                return;
            }
            *self = Self::polling(Arc::clone(&self.events), &error);
            if let Err(error) = self.watch(&files) {
                tracing::warn!(%error, "cannot watch all files; reload by SIGHUP or `linemill reload`");
            }
        }
    }

    /// Waits until no watched file is open for writing, so that no half-written file is read.
    ///
    /// # Errors
    /// The file that has been open for writing for too long.
    pub async fn quiet(&self) -> Result<(), PathBuf> {
        loop {
            let first = {
                let files = self.events.files();
                let first = files.writing.iter().min_by_key(|(_, since)| **since);
                first.map(|(path, since)| (path.clone(), *since))
            };
            let Some((path, since)) = first else {
                return Ok(());
            };
            if since.elapsed() > WRITE_TIMEOUT {
                return Err(path);
            }
            sleep(INTERVAL).await;
        }
    }

    /// Watches the folders of `files`; the files themselves when polling.
    fn watch(&mut self, files: &BTreeSet<PathBuf>) -> notify::Result<()> {
        let wanted: BTreeSet<PathBuf> = if self.polls {
            files.iter().filter(|file| file.exists()).cloned().collect()
        } else {
            let folders = files.iter().filter_map(|file| file.parent());
            folders.map(Path::to_owned).collect()
        };
        for path in wanted.difference(&self.watched) {
            self.inner.watch(path, RecursiveMode::NonRecursive)?;
        }
        for path in self.watched.difference(&wanted) {
            // The watch of a deleted folder is gone already.
            drop(self.inner.unwatch(path));
        }
        self.watched = wanted;
        Ok(())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;

    use super::*;
    use crate::control::request::Trigger;

    /// A configuration, and the watcher that `make` returns, which watches it.
    async fn watched(
        make: impl FnOnce(mpsc::Sender<Request>) -> Watcher,
    ) -> anyhow::Result<(tempfile::TempDir, Watcher, mpsc::Receiver<Request>)> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("a.toml");
        fs::write(&path, "[[listener]]\n")?;
        let (sender, requests) = mpsc::channel(4);
        let mut watcher = make(sender);
        let origin = Origin {
            config: Some(path),
            ..Origin::default()
        };
        let settings = origin.load()?;
        watcher.follow(&origin, &settings).await;
        Ok((folder, watcher, requests))
    }

    #[tokio::test]
    async fn without_file_events_files_are_polled() {
        let (folder, watcher, mut requests) = watched(|requests| {
            let files = Mutex::default();
            Watcher::polling(Arc::new(FileEvents { requests, files }), &"for a test")
        })
        .await
        .expect("watched");
        let other = folder.path().join("b");
        fs::write(&other, "[[listener]]\nname = \"b\"\n").expect("written");
        fs::rename(other, folder.path().join("a.toml")).expect("renamed");
        let request = requests.recv().await.expect("a reload");
        assert!(
            matches!(request.trigger, Trigger::Changed(_)),
            "{request:?}"
        );
        assert_eq!(watcher.quiet().await, Ok(()));
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn a_file_kept_open_for_writing_is_reported() {
        let (folder, watcher, mut requests) = watched(Watcher::new).await.expect("watched");
        let path = folder.path().join("a.toml");
        let mut file = fs::File::options()
            .append(true)
            .open(&path)
            .expect("opened");
        std::io::Write::write_all(&mut file, b"#").expect("written");
        requests.recv().await.expect("a reload");
        tokio::time::pause();
        let open = watcher.quiet().await.expect_err("the file is open");
        assert!(open.ends_with("a.toml"), "{}", open.display());
        tokio::time::resume();
        drop(file);
        requests.recv().await.expect("another");
        assert_eq!(watcher.quiet().await, Ok(()));
    }
}
