//! Programs that others wrote: found, installed where that may be done, run, and ended.
//!
//! In: the name of a program and of the Debian package that has it. Out: its path, or why there
//! is none; a running child whose pipes are read all the time. It is killed, by its id, when
//! dropped.

mod install;

use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};

use crate::eventually;
use crate::output::Output;

pub use install::available;

/// Says on standard error that `what` was not tried, and why; also when the output of tests is
/// captured.
pub fn skip(what: &str, why: &str) {
    // Unlike `eprintln!`, this is not kept back until a test fails.
    let _ = writeln!(std::io::stderr(), "skipped: {what}: {why}");
}

/// A program that runs.
#[derive(Debug)]
pub struct Program {
    name: String,
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Output,
    stderr: Output,
}

impl Program {
    /// Starts it, with pipes for all that it reads and writes.
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

    /// Runs the program at `path` with these arguments.
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

    /// Waits for as many bytes of standard output; asserts that they are these and no more.
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
        self.stdout.contains(part);
    }

    /// Waits for a line of standard error that starts with `start`: the rest of it.
    #[track_caller]
    pub fn announced(&self, start: &str) -> String {
        self.stderr.line(start, 0)
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to standard output and standard error so far.
    pub fn said(&self) -> String {
        self.stdout.text() + &self.stderr.text()
    }

    /// Waits until it has ended by itself, its input ended first.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        self.finish();
        let what = format!("the end of {}", self.name);
        eventually(&what, || self.child.try_wait().expect("the child is ours"))
    }

    /// Asks it to end, by SIGTERM, and waits until it has.
    #[cfg(unix)]
    #[track_caller]
    pub fn terminate(&mut self) -> ExitStatus {
        let id = i32::try_from(self.child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        let id = id.expect("a child has an id");
        rustix::process::kill_process(id, rustix::process::Signal::TERM).expect("it is ours");
        self.wait()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail only when it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("{} said:\n{}", self.name, self.said());
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
