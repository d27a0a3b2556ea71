//! The harness of the black-box tests: drives the real `linemill` binary by bytes, files and signals.
//!
//! In: the binary that cargo built, configurations as text, guests as `.wat` text.
//! Out: running hosts ([`Host`]), connections to them ([`Client`]) and from them ([`Upstream`]),
//! network faults in between ([`Proxy`]), what hosts report ([`Metrics`]), finished runs of other
//! verbs ([`run`]), programs that others wrote ([`Program`]), terminals (`Terminal`), networks of their own for them (`Network`), and
//! lines that show what swaps and outages do to them ([`soak`], `outage`).
//! Not here: any code of the host. The tests know no more about it than a user can.
//!
//! A failed expectation panics with what was expected and what came instead. Every wait is bounded.
//! Ports are always 0, and files live in temporary folders.

// Panicking is how a test fails, and this crate is only for tests.
#![expect(
    clippy::expect_used,
    reason = "a failed expectation fails the test that made it"
)]

pub mod abuse;
mod binary;
mod bytes;
mod client;
#[cfg(unix)]
mod disk;
mod folder;
mod free_port;
pub mod guest;
mod host;
mod http;
mod metrics;
#[cfg(unix)]
mod network;
#[cfg(unix)]
pub mod outage;
mod output;
mod process;
mod program;
mod proxy;
mod receiver;
pub mod soak;
#[cfg(target_os = "linux")]
mod terminal;
pub mod tls;
mod upstream;

pub use binary::{Finished, command, run};
pub use bytes::{assert_bytes, assert_repeats, rot13};
pub use client::Client;
#[cfg(unix)]
pub use disk::Disk;
pub use folder::Folder;
pub use free_port::free_port;
pub use host::{Host, Outcome, Reload};
pub use http::{Response, exchange, request, request_with};
pub use metrics::Metrics;
#[cfg(unix)]
pub use network::Network;
#[cfg(unix)]
pub use process::raise_descriptors;
pub use process::{Memory, descriptors, family, forget_peak, memory, peak_memory, processor_time};
pub use program::{Program, available, python_with, skip};
#[cfg(unix)]
pub use program::{rsyslogd, rsyslogd_with_tls, syslog_ng};
pub use proxy::{Faults, Proxy};
pub use receiver::{Manner, Receiver};
#[cfg(target_os = "linux")]
pub use terminal::{Shown, Terminal};
pub use upstream::Upstream;

use std::time::{Duration, Instant};

pub(crate) use bytes::show;

/// Longest wait for something that should happen at once. Reaching it means that the test failed.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Calls `ready` every few milliseconds until it returns a value.
///
/// # Panics
/// When it has returned none for [`PATIENCE`]; `what` names the thing waited for.
pub fn eventually<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(
            start.elapsed() < PATIENCE,
            "not within {PATIENCE:?}: {what}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}
