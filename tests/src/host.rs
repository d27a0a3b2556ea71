//! A running host: `linemill serve` as a child process with a configuration of its own.
//!
//! In: the text of a configuration; its addresses have port 0. Out: where it listens, what it
//! wrote, what it measured, how it ended. It is killed when dropped.

use std::net::SocketAddr;
use std::process::{Child, ExitStatus, Stdio};
use std::time::Instant;

use crate::output::Output;
use crate::{
    Client, Folder, Memory, Metrics, PATIENCE, Response, command, eventually, memory, request,
};

/// Name of the configuration file in the host's folder.
const CONFIG: &str = "linemill.toml";

/// A host under test.
#[derive(Debug)]
pub struct Host {
    child: Child,
    folder: Folder,
    stdout: Output,
    stderr: Output,
}

impl Host {
    /// Starts a host whose only listener has these further settings, and the chain `rot13`
    /// unless they name another.
    pub fn with(listener: &str) -> Self {
        Self::serve(Self::config(listener, ""))
    }

    /// The text of a configuration with one listener and the admin address. `listener` is more
    /// keys of the listener; `filters` is more tables.
    pub fn config(listener: &str, filters: &str) -> String {
        let chain = if listener.contains("chain =") {
            ""
        } else {
            "chain = [\"rot13\"]"
        };
        let rot13 = if filters.contains("[filter.rot13]") {
            ""
        } else {
            "[filter.rot13]\nplugin = \"rot13\""
        };
        format!(
            "[host]\nadmin = \"127.0.0.1:0\"\n\n[[listener]]\nname = \"test\"\nbind = \"127.0.0.1:0\"\n\
             {chain}\n{listener}\n\n{rot13}\n\n{filters}\n"
        )
    }

    /// Starts a host with a whole configuration.
    pub fn serve(config: impl AsRef<str>) -> Self {
        Self::serve_in(Folder::new(), config)
    }

    /// Starts a host whose configuration is written to `folder`, where its plugins may lie.
    pub fn serve_in(folder: Folder, config: impl AsRef<str>) -> Self {
        folder.write(CONFIG, config.as_ref());
        Self::spawn(folder, &["serve", "--config", CONFIG])
    }

    /// Runs the binary with these arguments, in `folder`.
    pub fn spawn(folder: Folder, args: &[&str]) -> Self {
        let mut command = command(folder.path());
        command
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let stdout = Output::collect(child.stdout.take().expect("standard output is piped"));
        let stderr = Output::collect(child.stderr.take().expect("standard error is piped"));
        Self {
            child,
            folder,
            stdout,
            stderr,
        }
    }

    /// The folder it runs in.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Where the first listener accepts.
    #[track_caller]
    pub fn address(&self) -> SocketAddr {
        self.listener(0)
    }

    /// Where the listener accepts that was announced after `nth` others.
    #[track_caller]
    pub fn listener(&self, nth: usize) -> SocketAddr {
        parse(&self.stderr.line("listening on ", nth))
    }

    /// Where the admin endpoint answers.
    #[track_caller]
    pub fn admin(&self) -> SocketAddr {
        parse(&self.stderr.line("admin listening on ", 0))
    }

    /// A new connection to the first listener.
    #[track_caller]
    pub fn connect(&self) -> Client {
        Client::connect(self.address())
    }

    /// Asks the admin endpoint.
    #[track_caller]
    pub fn get(&self, path: &str) -> Response {
        request(self.admin(), "GET", path)
    }

    /// The counters as they are now.
    #[track_caller]
    pub fn metrics(&self) -> Metrics {
        let response = self.get("/metrics");
        assert_eq!(response.status, 200, "/metrics answers: {}", response.body);
        Metrics::parse(&response.body)
    }

    /// The sum of a metric over the series that have all these labels.
    #[track_caller]
    pub fn metric(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.metrics().sum(name, labels)
    }

    /// Waits until a metric's sum is `value`.
    #[track_caller]
    pub fn wait_metric(&self, name: &str, labels: &[(&str, &str)], value: f64) {
        let what = format!("{name}{labels:?} = {value}");
        eventually(&what, || (self.metric(name, labels) >= value).then_some(()));
        let metrics = self.metrics();
        assert!(
            (metrics.sum(name, labels) - value).abs() < 0.5,
            "{what}, but is {}",
            metrics.sum(name, labels)
        );
    }

    /// Replaces the configuration file by renaming another over it.
    pub fn replace_config(&self, config: impl AsRef<str>) {
        self.folder.replace(CONFIG, config.as_ref());
    }

    /// Writes the configuration file in place.
    pub fn write_config(&self, config: impl AsRef<str>) {
        self.folder.write(CONFIG, config.as_ref());
    }

    /// What it has written to standard error so far.
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Waits until standard error contains `part`.
    #[track_caller]
    pub fn expect_stderr(&self, part: &str) {
        self.stderr.contains(part);
    }

    /// Waits for as many bytes of standard output; asserts that they are these and no more.
    #[track_caller]
    pub fn expect_stdout(&self, expected: &[u8]) {
        assert_eq!(
            self.stdout(expected.len()).escape_ascii().to_string(),
            expected.escape_ascii().to_string()
        );
    }

    /// Its standard output, once there are at least `count` bytes of it.
    #[track_caller]
    pub fn stdout(&self, count: usize) -> Vec<u8> {
        self.stdout.at_least(count)
    }

    /// Memory the host has now.
    #[track_caller]
    pub fn memory(&self) -> Memory {
        memory(self.child.id()).expect("the host runs")
    }

    /// Waits until the host has ended by itself.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("the child is ours") {
                return status;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "still running after {PATIENCE:?}:\n{}",
                self.stderr()
            );
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// Asserts that the host runs and serves.
    #[track_caller]
    pub fn alive(&mut self) {
        let status = self.child.try_wait().expect("the child is ours");
        assert!(
            status.is_none(),
            "the host has ended, {status:?}:\n{}",
            self.stderr()
        );
        assert_eq!(self.get("/healthz").status, 200);
    }
}

#[cfg(unix)]
impl Host {
    /// Sends SIGHUP: read the configuration again.
    pub fn hang_up(&self) {
        self.signal(rustix::process::Signal::HUP);
    }

    /// Sends SIGTERM: drain.
    pub fn terminate(&self) {
        self.signal(rustix::process::Signal::TERM);
    }

    /// Sends SIGINT: drain.
    pub fn interrupt(&self) {
        self.signal(rustix::process::Signal::INT);
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let id = i32::try_from(self.child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(id.expect("a child has an id"), signal)
            .expect("the child is ours");
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // Both fail only when it has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("standard error of the host:\n{}", self.stderr());
        }
    }
}

#[track_caller]
fn parse(address: &str) -> SocketAddr {
    address.trim().parse().expect("an address follows")
}
