//! Files that change: the configuration, and the plugins and certificates that it names.
//!
//! In: the system's events. Out: reloads asked for on a channel. Folders are watched rather than
//! files, so a file replaced by rename is seen too, and so is a symbolic link on the way to it that
//! is given another target. Where the system does not tell, files are looked at every two seconds.
//! Not here: reading them.

mod links;
mod seen;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use notify::{Config, PollWatcher, RecommendedWatcher, RecursiveMode};
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::certificates;
use super::load::file_of;
use super::origin::Origin;
use super::request::Request;
use linemill_config::settings::Settings;
use links::ways_to;
use seen::Seen;

/// How often files are looked at when the system does not tell of changes.
const POLL: Duration = Duration::from_secs(2);
/// How long a reload waits for whoever is writing a file of ours to close it.
const WRITING: Duration = Duration::from_secs(5);
/// How often it looks whether that is so.
const LOOK: Duration = Duration::from_millis(10);

/// Watches the configuration, the plugins and certificates it names, and the links that lead to them.
pub struct Watcher {
    inner: Box<dyn notify::Watcher + Send + Sync>,
    /// Whether `inner` looks by itself.
    polls: bool,
    seen: Arc<Seen>,
    watched: BTreeSet<PathBuf>,
}

impl Watcher {
    /// A watcher that asks for reloads on `requests`.
    pub fn new(requests: mpsc::Sender<Request>) -> Self {
        let seen = Arc::new(Seen {
            requests,
            files: Mutex::default(),
        });
        let hear = Arc::clone(&seen);
        seen.files().closing_is_told = cfg!(target_os = "linux");
        match notify::recommended_watcher(move |event| hear.hear(event)) {
            Ok(watcher) => Self::with(Box::<RecommendedWatcher>::new(watcher), false, seen),
            Err(error) => Self::polling(seen, &error),
        }
    }

    fn with(inner: Box<dyn notify::Watcher + Send + Sync>, polls: bool, seen: Arc<Seen>) -> Self {
        Self {
            inner,
            polls,
            seen,
            watched: BTreeSet::new(),
        }
    }

    /// One that looks by itself, since the system does not tell, because of `why`.
    fn polling(seen: Arc<Seen>, why: &dyn std::fmt::Display) -> Self {
        tracing::warn!(error = %why, every = ?POLL, "cannot watch files as they change; looking at them instead");
        seen.files().closing_is_told = false;
        let hear = Arc::clone(&seen);
        // Times of files are whole seconds there: contents tell more.
        let config = Config::default()
            .with_poll_interval(POLL)
            .with_compare_contents(true);
        match PollWatcher::new(move |event| hear.hear(event), config) {
            Ok(watcher) => Self::with(Box::new(watcher), true, seen),
            Err(error) => {
                tracing::error!(%error, "cannot watch files at all; reload by SIGHUP or `linemill reload`");
                Self::with(Box::new(notify::NullWatcher), true, seen)
            }
        }
    }

    /// Watches what these settings are made of, and nothing else.
    pub fn follow(&mut self, origin: &Origin, settings: &Settings) {
        let Some(config) = &origin.config else { return };
        let plugins = settings
            .filters
            .values()
            .filter_map(|filter| file_of(&filter.plugin, &settings.host.plugins));
        let certificates = settings.listeners.iter().flat_map(certificates::files);
        let files: BTreeSet<_> = plugins
            .chain([config.clone()])
            .chain(certificates.map(Path::to_owned))
            .flat_map(|file| ways_to(&file))
            .collect();
        {
            let mut known = self.seen.files();
            known.writing.retain(|path, _| files.contains(path));
            known.ours.clone_from(&files);
        }
        if let Err(error) = self.watch(&files) {
            if self.polls {
                tracing::warn!(%error, "cannot watch all files; reload by SIGHUP or `linemill reload`");
                return;
            }
            *self = Self::polling(Arc::clone(&self.seen), &error);
            if let Err(error) = self.watch(&files) {
                tracing::warn!(%error, "cannot watch all files; reload by SIGHUP or `linemill reload`");
            }
        }
    }

    /// Waits until nobody is known to write to a file of ours: half of one is never to be read.
    ///
    /// # Errors
    /// The file that somebody has kept open for too long.
    pub async fn quiet(&self) -> Result<(), PathBuf> {
        loop {
            let first = {
                let files = self.seen.files();
                let first = files.writing.iter().min_by_key(|(_, since)| **since);
                first.map(|(path, since)| (path.clone(), *since))
            };
            let Some((path, since)) = first else {
                return Ok(());
            };
            if since.elapsed() > WRITING {
                return Err(path);
            }
            sleep(LOOK).await;
        }
    }

    /// Watches the folders of `files`; whoever looks by itself looks at the files alone.
    fn watch(&mut self, files: &BTreeSet<PathBuf>) -> notify::Result<()> {
        let wanted: BTreeSet<PathBuf> = match self.polls {
            true => files.iter().filter(|file| file.exists()).cloned().collect(),
            false => {
                let folders = files.iter().filter_map(|file| file.parent());
                folders.map(Path::to_owned).collect()
            }
        };
        for path in wanted.difference(&self.watched) {
            self.inner.watch(path, RecursiveMode::NonRecursive)?;
        }
        for path in self.watched.difference(&wanted) {
            // One that is gone needs no unwatching.
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

    /// A configuration, and a watcher of it by `make`.
    fn watched(
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
        watcher.follow(&origin, &settings);
        Ok((folder, watcher, requests))
    }

    #[tokio::test]
    async fn without_the_systems_help_files_are_looked_at() {
        let (folder, watcher, mut requests) = watched(|requests| {
            let files = Mutex::default();
            Watcher::polling(Arc::new(Seen { requests, files }), &"for a test")
        })
        .expect("watched");
        let other = folder.path().join("b");
        fs::write(&other, "[[listener]]\nname = \"b\"\n").expect("written");
        fs::rename(other, folder.path().join("a.toml")).expect("renamed");
        let asked = requests.recv().await.expect("a reload");
        assert!(matches!(asked.trigger, Trigger::Changed(_)), "{asked:?}");
        assert_eq!(watcher.quiet().await, Ok(()));
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn whoever_keeps_writing_is_named() {
        let (folder, watcher, mut requests) = watched(Watcher::new).expect("watched");
        let path = folder.path().join("a.toml");
        let mut file = fs::File::options()
            .append(true)
            .open(&path)
            .expect("opened");
        std::io::Write::write_all(&mut file, b"#").expect("written");
        requests.recv().await.expect("a reload");
        tokio::time::pause();
        let named = watcher.quiet().await.expect_err("it is open");
        assert!(named.ends_with("a.toml"), "{}", named.display());
        tokio::time::resume();
        drop(file);
        requests.recv().await.expect("another");
        assert_eq!(watcher.quiet().await, Ok(()));
    }
}
