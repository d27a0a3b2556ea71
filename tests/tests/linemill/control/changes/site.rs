//! A host, one of its files, and what a change of it must lead to.
//!
//! In: which file, how the host watches. Out: its path deep in folders, further contents of it, and how long
//! the host takes to put one in force. Not here: the ways to change it (`entries`).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use linemill_tests::tls::Authority;
use linemill_tests::{Folder, Host, Outcome, eventually, guest};

/// A change is in force within this time: twice the three seconds that are promised, because tests share
/// their machine.
const IN_TIME: Duration = Duration::from_secs(6);

/// The folders that lead to the file, below that of the host.
const FOLDERS: &str = "top/mid/dir";

/// Which file of a host changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Subject {
    Config,
    Plugin,
    Certificate,
}

/// A host with a file that changes.
pub(super) struct Site {
    host: Host,
    contents: Contents,
}

/// The contents that the file has, one after another.
struct Contents {
    subject: Subject,
    /// The key `watch` of the host.
    watch: &'static str,
    /// The folder of the host.
    base: PathBuf,
    authority: Authority,
    /// Number of contents so far.
    count: usize,
}

/// Why a way to change a file was not tried.
pub(super) type Skipped = String;

impl Contents {
    /// The path of a file that the configuration names: deep in folders, if it is the one that changes.
    fn path(&self, name: &str, subject: Subject) -> PathBuf {
        let is_deep = subject == self.subject;
        self.base
            .join(if is_deep { FOLDERS } else { "" })
            .join(name)
    }

    fn file(&self) -> PathBuf {
        let name = match self.subject {
            Subject::Config => "linemill.toml",
            Subject::Plugin => "guest.wasm",
            Subject::Certificate => "server.pem",
        };
        self.path(name, self.subject)
    }

    /// A configuration. The certificate and its key are in one file, which changes as a whole.
    fn config(&self) -> String {
        let (watch, max_line) = (self.watch, 16 + self.count);
        let plugin = self.path("guest.wasm", Subject::Plugin);
        let pem = self.path("server.pem", Subject::Certificate);
        let (plugin, pem) = (plugin.display(), pem.display());
        format!(
            "[host]\nadmin = \"127.0.0.1:0\"\nwatch = \"{watch}\"\n\n[[listener]]\nname = \"test\"\nbind = \"127.0.0.1:0\"\n\
             chain = [\"guest\"]\nmax_line = \"{max_line}KiB\"\ntls = {{ cert = \"{pem}\", key = \"{pem}\" }}\n\n\
             [filter.guest]\nplugin = \"{plugin}\"\n"
        )
    }

    fn plugin(&self) -> Vec<u8> {
        guest::marked(guest::batch("shout"), &format!("version {:04}", self.count))
    }

    fn pem(&self) -> Vec<u8> {
        let folder = Folder::new();
        self.authority.server().write(&folder, "server");
        [folder.read("server.crt"), folder.read("server.key")].concat()
    }

    /// Another content of the file.
    fn next(&mut self) -> Vec<u8> {
        self.count += 1;
        match self.subject {
            Subject::Config => self.config().into(),
            Subject::Plugin => self.plugin(),
            Subject::Certificate => self.pem(),
        }
    }
}

impl Site {
    /// Starts a host with this key `watch`.
    pub(super) fn new(subject: Subject, watch: &'static str) -> Self {
        let folder = Folder::new();
        fs::create_dir_all(folder.path().join(FOLDERS)).expect("new folders");
        let contents = Contents {
            subject,
            watch,
            base: folder.path().to_owned(),
            authority: Authority::new(),
            count: 0,
        };
        let config = contents.path("linemill.toml", Subject::Config);
        for (path, content) in [
            (config.clone(), contents.config().into()),
            (
                contents.path("guest.wasm", Subject::Plugin),
                contents.plugin(),
            ),
            (
                contents.path("server.pem", Subject::Certificate),
                contents.pem(),
            ),
        ] {
            fs::write(path, content).expect("written");
        }
        let args = ["serve", "--config", &config.display().to_string()];
        let host = Host::spawn(folder, &args);
        host.announced(0);
        let site = Self { host, contents };
        site.expect_in_force();
        site
    }

    /// The folder of the host.
    pub(super) fn base(&self) -> &Path {
        self.host.folder().path()
    }

    /// A path below the folder of the host.
    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.base().join(name)
    }

    /// The folder of the file.
    pub(super) fn folder(&self) -> PathBuf {
        self.at(FOLDERS)
    }

    /// The file.
    pub(super) fn file(&self) -> PathBuf {
        self.contents.file()
    }

    /// Another content of the file.
    pub(super) fn content(&mut self) -> Vec<u8> {
        self.contents.next()
    }

    /// The file as it is now.
    pub(super) fn present(&self) -> Vec<u8> {
        fs::read(self.file()).expect("the file is there")
    }

    /// Changes the file by `change`; asserts that this is in force in time.
    pub(super) fn change(&self, what: &str, change: impl FnOnce(&Self)) {
        let before = self.host.generation();
        let started = Instant::now();
        change(self);
        let changed = started.elapsed();
        while self.host.generation() == before {
            let waited = started.elapsed() - changed;
            assert!(
                waited < IN_TIME,
                "{:?}, {what}: not noticed",
                self.contents.subject
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until the host has noticed that the file differs from what is in force.
    pub(super) fn expect_difference(&self) {
        eventually("a difference", || {
            (self.host.status()["disk"]["differs"] == true).then_some(())
        });
    }

    /// Waits until what is on disk is in force.
    pub(super) fn expect_in_force(&self) {
        eventually("the same on disk", || {
            (self.host.status()["disk"]["differs"] == false).then_some(())
        });
    }

    /// Number of reloads so far that found nothing new.
    pub(super) fn unchanged(&self) -> u64 {
        self.host.reloads(Outcome::Unchanged)
    }

    /// Puts the file where it was, as a plain file in plain folders, with this content.
    pub(super) fn tidy(&self, content: &[u8]) {
        for entry in fs::read_dir(self.base()).expect("the host's folder") {
            let entry = entry.expect("the host's folder").path();
            let name = entry.file_name().and_then(|name| name.to_str());
            let is_scratch =
                name.is_some_and(|name| name.starts_with("top") || name.starts_with("other"));
            if !is_scratch {
                continue;
            }
            if entry.is_dir() && !entry.is_symlink() {
                fs::remove_dir_all(entry).expect("removed");
            } else {
                fs::remove_file(entry).expect("removed");
            }
        }
        fs::create_dir_all(self.folder()).expect("new folders");
        fs::write(self.file(), content).expect("written");
        self.expect_in_force();
    }

    /// Waits until the host has logged this.
    pub(super) fn expect_log(&self, text: &str) {
        self.host.expect_stderr(text);
    }
}

/// Runs a program; says why not if it fails.
pub(super) fn run(program: &str, args: &[&str]) -> Result<(), Skipped> {
    let mut command = Command::new(program);
    command
        .args(args)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null");
    let done = command
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    if done.status.success() {
        return Ok(());
    }
    let error = String::from_utf8_lossy(&done.stderr);
    Err(format!("{program} {}: {}", args.join(" "), error.trim()))
}

/// A mount that ends with this.
pub(super) struct Mount(PathBuf);

impl Mount {
    /// Mounts at `target` with these arguments of mount(8).
    pub(super) fn new(args: &[&str], target: &Path) -> Result<Self, Skipped> {
        let shown = target.display().to_string();
        let mut all = args.to_vec();
        all.push(&shown);
        run("mount", &all)?;
        Ok(Self(target.to_owned()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
