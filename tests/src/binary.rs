//! Finds the binary under test, and runs verbs that end by themselves.
//!
//! In: arguments, standard input, a working directory. Out: exit status and output.
//! Not here: `serve`, which runs until it is stopped (`host`).

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

use crate::output::Output;

/// A run of a verb that has ended.
#[derive(Debug)]
pub struct Finished {
    /// Exit status.
    pub status: ExitStatus,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error, as text.
    pub stderr: String,
}

impl Finished {
    /// Standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Asserts exit status 0.
    #[track_caller]
    pub fn success(self) -> Self {
        assert!(
            self.status.success(),
            "{}; standard error:\n{}",
            self.status,
            self.stderr
        );
        self
    }

    /// Asserts that it ended by itself with this exit status.
    #[track_caller]
    pub fn exits_with(self, code: i32) -> Self {
        assert_eq!(
            self.status.code(),
            Some(code),
            "standard error:\n{}",
            self.stderr
        );
        self
    }

    /// Asserts that it ended by itself, without a panic, with an exit status other than 0.
    #[track_caller]
    pub fn failure(self) -> Self {
        let code = self.status.code();
        assert!(
            code.is_some_and(|code| code != 0),
            "{}; expected an error; standard output:\n{}",
            self.status,
            self.text()
        );
        assert!(
            !self.stderr.contains("panicked at"),
            "a panic is not a report:\n{}",
            self.stderr
        );
        assert!(
            !self.stderr.contains("error: error:"),
            "an error twice:\n{}",
            self.stderr
        );
        self
    }

    /// Asserts that standard output contains each of `parts`.
    #[track_caller]
    pub fn stdout_has(self, parts: &[&str]) -> Self {
        let text = self.text();
        for part in parts {
            assert!(
                text.contains(part),
                "standard output lacks {part:?}:\n{text}"
            );
        }
        self
    }

    /// Asserts that standard error contains each of `parts`.
    #[track_caller]
    pub fn stderr_has(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(
                self.stderr.contains(part),
                "standard error lacks {part:?}:\n{}",
                self.stderr
            );
        }
        self
    }
}

/// A command that runs the binary under test in `folder`.
pub fn command(folder: &Path) -> Command {
    let mut command = Command::new(binary());
    command
        .current_dir(folder)
        .env_remove("RUST_LOG")
        .env("LINEMILL_CACHE", cache())
        .env("NO_COLOR", "1");
    keep_tokens_in(folder, &mut command);
    command
}

/// Lets a host leave the token of its admin address in `folder`, and verbs find it there.
pub(crate) fn keep_tokens_in(folder: &Path, command: &mut Command) {
    let folder = std::path::absolute(folder).expect("a current folder");
    command
        .env("XDG_RUNTIME_DIR", folder)
        .env_remove("RUNTIME_DIRECTORY")
        .env_remove("LINEMILL_ADMIN_TOKEN");
}

/// The cache of compiled plugins, next to the binary and shared by all tests: most of them use the
/// same few plugins, which are then compiled once.
pub(crate) fn cache() -> PathBuf {
    binary().with_file_name("test-cache")
}

/// Runs a verb in `folder` until it ends, with `stdin` as its standard input.
pub fn run<A: AsRef<OsStr>>(
    folder: &Path,
    args: impl IntoIterator<Item = A>,
    stdin: &[u8],
) -> Finished {
    let mut command = command(folder);
    command
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary starts");
    let mut pipe = child.stdin.take().expect("standard input is piped");
    let stdout = Output::collect(child.stdout.take().expect("standard output is piped"));
    let stderr = Output::collect(child.stderr.take().expect("standard error is piped"));
    thread::scope(|scope| {
        scope.spawn(move || match pipe.write_all(stdin) {
            // A verb that does not read all of its input may end before everything is written.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                panic!("write to standard input: {error}")
            }
            _ => drop(pipe),
        });
        Finished {
            stdout: stdout.whole(),
            stderr: stderr.whole_text(),
            status: child.wait().expect("the child is ours"),
        }
    })
}

/// The binary under test, of the same profile.
fn binary() -> PathBuf {
    built("linemill")
}

/// A program of the same profile, `target/PROFILE/NAME`. Tests run from `deps` below that folder, the
/// bench from the folder itself.
pub(crate) fn built(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("a program knows its own path");
    let folder = own.parent().expect("a program lies in a folder");
    let profile = if folder.ends_with("deps") {
        folder.parent().expect("target/PROFILE/deps")
    } else {
        folder
    };
    let path = profile
        .join(name)
        .with_extension(std::env::consts::EXE_EXTENSION);
    assert!(
        path.is_file(),
        "{} is missing: run `cargo xtask test`, which builds it first",
        path.display()
    );
    path
}
