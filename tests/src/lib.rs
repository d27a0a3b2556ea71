//! Black-box harness: drives the real `linemill` binary by bytes, files and signals.
//!
//! In: the binary that cargo built, configurations as text, guests as `.wat` text.
//! Out: running hosts ([`Host`]), connections to them ([`Client`]) and from them ([`Hop`]), faults
//! between the two ([`Proxy`]), what hosts report ([`Metrics`]), finished runs of the other verbs
//! ([`run`]), programs that others wrote ([`Program`]), and lines that prove what swaps do to them
//! ([`soak`]).
//! Not here: any code of the host. What these tests know of it, a user can know too.
//!
//! Everything panics with what was expected and what came instead, and everything that waits
//! does so for a bounded time. Ports are always 0, files live in a temporary folder.

// Panicking is how a test fails, and this crate is only for tests.
#![expect(
    clippy::expect_used,
    reason = "a failed expectation fails the test that made it"
)]

mod binary;
mod client;
mod config;
pub mod guest;
mod hop;
mod host;
mod http;
mod metrics;
mod output;
mod process;
mod program;
mod proxy;
pub mod soak;
pub mod tls;

pub use binary::{Finished, command, run};
pub use client::{Client, assert_repeats, rot13};
pub use config::Folder;
pub use hop::Hop;
pub use host::{Host, Outcome, Reload};
pub use http::{Response, request};
pub use metrics::Metrics;
#[cfg(unix)]
pub use process::raise_descriptors;
pub use process::{Memory, descriptors, family, forget_peak, memory, peak_memory, processor_time};
pub use program::{Program, available, skip};
pub use proxy::{Proxy, Way};

use std::time::{Duration, Instant};

/// Longest wait for something that should happen at once: it only ends a test that has failed.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Asks `ready` every few milliseconds until it gives a value.
///
/// # Panics
/// When it gave none for [`PATIENCE`]; `what` says what was waited for.
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
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Bytes as a test should show them: escaped, and long runs cut in the middle.
pub(crate) fn show(bytes: &[u8]) -> String {
    const KEPT: usize = 100;
    if bytes.len() <= 2 * KEPT {
        return format!("{} bytes \"{}\"", bytes.len(), bytes.escape_ascii());
    }
    let (head, tail) = (&bytes[..KEPT], &bytes[bytes.len() - KEPT..]);
    format!(
        "{} bytes \"{} … {}\"",
        bytes.len(),
        head.escape_ascii(),
        tail.escape_ascii()
    )
}
