//! What the tests of several sinks use.

use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::Instant;

use super::batch::Batch;
use super::upstream::{ConnectOptions, UpstreamList};
use crate::sinks::metrics::OutputMetrics;
use linemill_config::settings::Destination;
use linemill_framing::Framing;
use linemill_telemetry::Families;

/// More than any queue here needs.
pub(super) const MUCH: usize = 1024 * 1024;

pub(super) fn metrics() -> OutputMetrics {
    OutputMetrics::clone(&Families::<OutputMetrics>::default().of("here"))
}

/// How often a file is tried in 60 seconds when it never works: waits of 0.1 s double up to 5 s, and
/// each is up to a fifth shorter.
pub(super) const ATTEMPTS_OF_A_MINUTE: std::ops::RangeInclusive<u64> = 17..=21;

/// Lines that end in LF, or the last one in nothing.
pub(super) fn batch(text: impl Into<Vec<u8>>) -> Batch {
    let bytes: Vec<u8> = text.into();
    let open = usize::from(bytes.last().is_some_and(|last| *last != b'\n'));
    let lines = memchr::memchr_iter(b'\n', &bytes).count() + open;
    framed(bytes, lines as u64, Framing::Lf)
}

pub(super) fn framed(bytes: Vec<u8>, lines: u64, framing: Framing) -> Batch {
    let mut batch = Batch {
        bytes,
        lines,
        framing,
    };
    batch.terminate();
    batch
}

pub(super) fn upstream(destination: &str) -> UpstreamList {
    upstream_with(destination, options())
}

pub(super) fn upstream_with(destination: &str, options: ConnectOptions) -> UpstreamList {
    upstreams(&[destination], options)
}

/// Upstreams in order of preference.
pub(super) fn upstreams(list: &[&str], options: ConnectOptions) -> UpstreamList {
    let list = list.iter().map(|one| one.parse().expect("a destination"));
    let to = Destination::fail_over(list.collect()).expect("upstreams");
    UpstreamList::new(&to, &options, None).expect("upstreams")
}

pub(super) fn options() -> ConnectOptions {
    ConnectOptions {
        connect_timeout: Duration::from_secs(5),
        write_timeout: None,
        resend: false,
        max_age: None,
        tls: None,
    }
}

/// Lets other tasks run until a condition holds.
pub(super) async fn until(mut holds: impl FnMut() -> bool) {
    while !holds() {
        yield_now().await;
    }
}

/// A deadline that does not come. Where time passes when nothing else happens, hours go by while the
/// system waits for an acknowledgement.
pub(super) fn late() -> Instant {
    Instant::now() + Duration::from_secs(1_000_000)
}
