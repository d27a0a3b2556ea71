//! Programs that others wrote: found or installed, run, and ended.
//!
//! In: the name of a program, and of the Debian package that contains it. Out: its path, or why it is
//! missing; a running child process with its output. Dropping it kills the process, by its id.

mod install;
#[cfg(unix)]
mod syslog;

use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};

use crate::eventually;
use crate::output::Output;

pub use install::{available, python_with};
#[cfg(unix)]
pub use syslog::{rsyslogd, rsyslogd_with_tls, syslog_ng};

/// Reports on standard error that `what` was not tested, and why. The report appears even when the
/// output of tests is captured.
pub fn skip(what: &str, why: &str) {
    // Unlike `eprintln!`, this is not captured by the test harness.
    let _ = writeln!(std::io::stderr(), "skipped: {what}: {why}");
}

/// A running program.
#[derive(Debug)]
pub struct Program {
    name: String,
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Output,
    stderr: Output,
}

impl Program {
    /// Starts a command with piped standard input, output and error.
    #[track_caller]
    pub fn start(command: &mut Command) -> Self {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let name = command.get_program().display().to_string();
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        Self {
            name,
            stdin: child.stdin.take(),
            stdout: Output::collect(child.stdout.take().expect("standard output is piped")),
            stderr: Output::collect(child.stderr.take().expect("standard error is piped")),
            child,
        }
    }

    /// Starts the program at `path` with these arguments.
    #[track_caller]
    pub fn run(path: PathBuf, args: &[&str]) -> Self {
        Self::start(Command::new(path).args(args))
    }

    /// Writes to its standard input.
    #[track_caller]
    pub fn send(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().expect("its input was not ended");
        match stdin.write_all(bytes) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                panic!("{} reads no more: {}", self.name, self.stderr.text())
            }
            done => done.expect("it reads"),
        }
        stdin.flush().expect("it reads");
    }

    /// Ends its standard input.
    pub fn finish(&mut self) {
        self.stdin = None;
    }

    /// Waits for standard output of this length; asserts that it is exactly `expected`.
    #[track_caller]
    pub fn expect(&self, expected: &[u8]) {
        let got = self.stdout.at_least(expected.len());
        assert_eq!(
            got.escape_ascii().to_string(),
            expected.escape_ascii().to_string(),
            "{}: {}",
            self.name,
            self.stderr.text()
        );
    }

    /// Waits until its standard output contains `part`.
    #[track_caller]
    pub fn expect_part(&self, part: &str) {
        self.stdout.wait_for(part);
    }

    /// Waits for a line of standard error that starts with `start`; returns the rest of the line.
    #[track_caller]
    pub fn announced(&self, start: &str) -> String {
        self.stderr.line(start, 0)
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Standard output so far, followed by standard error so far.
    pub fn output(&self) -> String {
        self.stdout.text() + &self.stderr.text()
    }

    /// Ends its standard input, and waits until the process has ended by itself.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        self.finish();
        let what = format!("the end of {}", self.name);
        eventually(&what, || self.child.try_wait().expect("the child is ours"))
    }

    /// Sends SIGTERM, and waits until the process has ended.
    #[cfg(unix)]
    #[track_caller]
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal(rustix::process::Signal::TERM);
        self.wait()
    }

    /// Sends SIGKILL, and waits until the process has ended.
    #[track_caller]
    pub fn kill(&mut self) {
        self.child.kill().expect("the child is ours");
        self.wait();
    }

    /// Stops the process until [`resume`](Self::resume): it runs no more, and its sockets stay open.
    #[cfg(unix)]
    #[track_caller]
    pub fn stop(&self) {
        self.signal(rustix::process::Signal::STOP);
    }

    /// Lets a stopped process go on.
    #[cfg(unix)]
    #[track_caller]
    pub fn resume(&self) {
        self.signal(rustix::process::Signal::CONT);
    }

    #[cfg(unix)]
    #[track_caller]
    fn signal(&self, signal: rustix::process::Signal) {
        let id = i32::try_from(self.child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw)
            .expect("a child has an id");
        rustix::process::kill_process(id, signal).expect("it is ours");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail only if the process has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("output of {}:\n{}", self.name, self.output());
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::{Program, available};

    #[test]
    fn a_program_answers_and_ends() {
        let path = available("cat", "coreutils").expect("every system has it");
        let mut cat = Program::run(path, &[]);
        cat.send(b"one\n");
        cat.expect(b"one\n");
        assert!(cat.wait().success());
    }
}
