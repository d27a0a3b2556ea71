//! Changes with and without file events, files that are being written to.

#![expect(
    clippy::expect_used,
    reason = "a failed expectation fails the test that made it"
)]

use std::fs;
use std::io::Write as _;

use tempfile::TempDir;

use super::*;
use crate::control::origin::Origin;
use crate::control::reloader::metrics::ReloadMetrics;
use crate::control::request::Trigger;
use linemill_config::Files;
use linemill_telemetry::Registry;

/// Longer than any change may take to be noticed.
const LATE: Duration = Duration::from_secs(10);

/// A configuration, and a watcher of it.
struct Watched {
    folder: TempDir,
    watcher: Watcher,
    requests: mpsc::Receiver<Request>,
    disk: Disk,
}

impl Watched {
    fn new(watch: Watch) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("a.toml"), "[[listener]]\n").expect("written");
        let (sender, requests) = mpsc::channel(4);
        let disk = Disk::new(ReloadMetrics::register(&mut Registry::default()));
        let watched = Self {
            watcher: Watcher::new(sender, disk.clone()),
            folder,
            requests,
            disk,
        };
        let inputs = watched.load();
        watched
            .watcher
            .in_force(watch, Arc::new(inputs.all()), Vec::new());
        watched
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("a.toml")
    }

    /// Loads the configuration, so that its files are followed.
    fn load(&self) -> Inputs {
        let inputs = Inputs::default();
        let origin = Origin {
            config: Some(self.path()),
            ..Origin::default()
        };
        drop(origin.load(&Files::recording(&inputs)));
        self.watcher.follow(&inputs);
        inputs
    }

    fn replace(&self, text: &str) {
        let other = self.folder.path().join("b");
        fs::write(&other, text).expect("written");
        fs::rename(other, self.path()).expect("renamed");
    }

    async fn requested(&mut self) {
        let request = timeout(LATE, self.requests.recv()).await;
        let request = request.expect("in time").expect("a reload");
        assert_eq!(request.trigger, Trigger::Changed(self.path()));
    }

    async fn until_differs(&self, differs: bool) {
        let until = async {
            while self.disk.state().differs_since.is_some() != differs {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(LATE, until).await.expect("in time");
    }
}

#[tokio::test]
async fn a_change_requests_one_reload_until_something_is_loaded() {
    for watch in [Watch::Auto, Watch::Poll] {
        let mut watched = Watched::new(watch);
        watched.replace("[[listener]]\nname = \"b\"\n");
        watched.requested().await;
        watched.until_differs(true).await;
        watched.replace("[[listener]]\nname = \"c\"\n");
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(watched.requests.try_recv().is_err(), "{watch:?}");
        // What changed meanwhile is noticed then.
        watched.replace("[[listener]]\n");
        watched.load();
        watched.until_differs(false).await;
        watched.replace("[[listener]]\nname = \"d\"\n");
        watched.requested().await;
    }
}

#[tokio::test]
async fn without_watching_the_difference_is_shown_only() {
    let mut watched = Watched::new(Watch::Off);
    watched.replace("[[listener]]\nname = \"b\"\n");
    watched.until_differs(true).await;
    assert!(watched.requests.try_recv().is_err());
    assert_eq!(
        watched.disk.state().differences,
        [watched.path().display().to_string()].into()
    );
    watched.replace("[[listener]]\n");
    watched.until_differs(false).await;
}

#[tokio::test]
async fn decisions_differ_from_any_file() {
    let watched = Watched::new(Watch::Auto);
    let inputs = Arc::new(watched.load().all());
    let decision = "filter a: promoted at run time".to_owned();
    let in_force = |decisions| {
        watched
            .watcher
            .in_force(Watch::Auto, Arc::clone(&inputs), decisions);
    };
    in_force(vec![decision]);
    watched.until_differs(true).await;
    in_force(Vec::new());
    watched.until_differs(false).await;
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_file_kept_open_for_writing_waits_and_is_read_when_it_is_left_alone() {
    let mut watched = Watched::new(Watch::Auto);
    watched.watcher.is_watching().await;
    let path = watched.path();
    let mut file = fs::File::options()
        .append(true)
        .open(&path)
        .expect("opened");
    file.write_all(b"#").expect("written");
    let writing = async {
        while !watched.watcher.shared.is_being_written(&path) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LATE, writing).await.expect("in time");
    assert!((watched.watcher.held_back())(&path));
    let reports = watched.watcher.being_written(vec![path.clone()]).await;
    let pid = format!("by process {} (", std::process::id());
    assert!(reports[0].to_string().contains(&pid), "{reports:?}");
    assert!(watched.requests.try_recv().is_err());
    // Nothing more is written.
    watched.requested().await;
    assert!(!(watched.watcher.held_back())(&path));
    watched.load();
    // Closed at once, it does not wait.
    file.write_all(b"#").expect("written");
    let started = std::time::Instant::now();
    drop(file);
    watched.requested().await;
    assert!(started.elapsed() < writes::SETTLED, "{started:?}");
}
