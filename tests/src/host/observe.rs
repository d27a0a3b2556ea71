//! What can be observed of a running host, and signals to it.
//!
//! In: names of metrics, parts of its output. Out: metrics, output, memory, descriptors, exit status.
//! Not here: reloads (`reload`).

use std::process::ExitStatus;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Host;
use crate::{
    Memory, Metrics, PATIENCE, Response, descriptors, eventually, forget_peak, memory, peak_memory,
    processor_time, request, request_with,
};

/// Counts dropped lines, by reason.
const DROPPED: &str = "linemill_lines_dropped_total";

impl Host {
    /// The answer of the admin address to a GET, with the token for verbs of the host's user if it has
    /// one.
    #[track_caller]
    pub fn get(&self, path: &str) -> Response {
        match std::fs::read_to_string(self.token_file()) {
            Ok(token) => {
                let authorization = format!("Bearer {token}");
                let headers = [("Authorization", &*authorization)];
                request_with(self.admin(), "GET", path, &headers)
            }
            Err(_) => request(self.admin(), "GET", path),
        }
    }

    /// The answer of the admin address to a POST without a body.
    #[track_caller]
    pub fn post(&self, path: &str) -> Response {
        request(self.admin(), "POST", path)
    }

    /// `/status`, parsed.
    #[track_caller]
    pub fn status(&self) -> Value {
        self.get("/status").json()
    }

    /// All metrics, as they are now.
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

    /// Waits until a metric's sum is above 0.
    #[track_caller]
    pub fn wait_some(&self, name: &str, labels: &[(&str, &str)]) {
        let what = format!("some {name}{labels:?}");
        eventually(&what, || (self.metric(name, labels) > 0.5).then_some(()));
    }

    /// Waits until a metric's sum reaches `value`; asserts that it does not exceed it.
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

    /// Standard error so far.
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Waits until standard error contains `part`.
    #[track_caller]
    pub fn expect_stderr(&self, part: &str) {
        self.stderr.wait_for(part);
    }

    /// Waits for standard output of this length; asserts that it is exactly `expected`.
    #[track_caller]
    pub fn expect_stdout(&self, expected: &[u8]) {
        assert_eq!(
            self.stdout(expected.len()).escape_ascii().to_string(),
            expected.escape_ascii().to_string()
        );
    }

    /// Standard output so far, once there are at least `count` bytes of it.
    #[track_caller]
    pub fn stdout(&self, count: usize) -> Vec<u8> {
        self.stdout.at_least(count)
    }

    /// Memory of the process, as it is now.
    #[track_caller]
    pub fn memory(&self) -> Memory {
        memory(self.child.id()).expect("the host runs")
    }

    /// The peak of its resident memory, in bytes, since its start or the last
    /// [`forget_peak`](Self::forget_peak).
    #[track_caller]
    pub fn peak_memory(&self) -> u64 {
        peak_memory(self.child.id()).expect("the host runs")
    }

    /// Resets the peak to what is resident now.
    #[track_caller]
    pub fn forget_peak(&self) {
        forget_peak(self.child.id()).expect("the host runs");
    }

    /// Number of open descriptors once no connection is open and the number has been stable for a
    /// fifth of a second.
    #[track_caller]
    pub fn idle_descriptors(&self) -> usize {
        const LOOKS: usize = 20;
        self.expect_no_connections();
        let mut same = (0, 0);
        eventually("a stable number of descriptors", || {
            let now = descriptors(self.child.id()).expect("the host runs");
            same = (now, if now == same.0 { same.1 + 1 } else { 1 });
            (same.1 == LOOKS).then_some(now)
        })
    }

    /// The id of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How many descriptors it has open now.
    #[track_caller]
    pub fn open_descriptors(&self) -> usize {
        descriptors(self.child.id()).expect("the host runs")
    }

    /// Processor time used so far.
    #[track_caller]
    pub fn processor_time(&self) -> Duration {
        processor_time(self.child.id()).expect("the host runs")
    }

    /// Waits until no connection is open.
    #[track_caller]
    pub fn expect_no_connections(&self) {
        eventually("no connection is open", || {
            (self.metric("linemill_connections", &[]) < 0.5).then_some(())
        });
    }

    /// Waits until exactly `count` lines have been dropped for `reason`.
    #[track_caller]
    pub fn expect_dropped(&self, reason: &str, count: f64) {
        self.wait_metric(DROPPED, &[("reason", reason)], count);
    }

    /// Number of lines dropped for `reason` so far.
    #[track_caller]
    pub fn dropped(&self, reason: &str) -> f64 {
        self.metric(DROPPED, &[("reason", reason)])
    }

    /// Waits until the process has ended by itself.
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
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Asserts that the process runs and reports itself healthy.
    #[track_caller]
    pub fn expect_alive(&mut self) {
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
    /// Sends SIGHUP: reload.
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

    /// Sends a signal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let id = i32::try_from(self.child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(id.expect("a child has an id"), signal)
            .expect("the child is ours");
    }
}
