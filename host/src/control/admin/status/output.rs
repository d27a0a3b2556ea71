//! What `/status` says about outputs: the sinks that connections share.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::time;
use crate::control::admin::Output;
use crate::sinks::outage::UpstreamState;

/// A sink that connections share.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OutputStatus {
    /// `up` or `down`.
    pub state: String,
    /// Why it is down; `null` if it is up, or has not been reached yet.
    pub reason: Option<String>,
    /// Since when it is up or down.
    pub since: String,
    /// Bytes that wait for it, including those not acknowledged.
    pub queued: u64,
    /// Lines delivered.
    pub lines: u64,
    /// Bytes written. Lines that are sent again count again.
    pub bytes: u64,
    /// Lines lost, whatever the reason.
    pub lost: u64,
    /// Lines lost, by reason.
    pub lost_by_reason: BTreeMap<String, u64>,
    /// Lines sent again, with `resend = true`.
    pub resent: u64,
    /// Failed attempts to connect, to open or to write.
    pub failures: u64,
    /// Lines delivered per second, as a mean over the last 10 seconds.
    pub lines_per_second: f64,
    /// Bytes written per second, likewise.
    pub bytes_per_second: f64,
    /// Its upstreams in order of preference; empty for a file and for standard output.
    pub upstreams: Vec<UpstreamStatus>,
}

/// An upstream of a sink that connections share.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UpstreamStatus {
    /// The upstream, as written in the configuration.
    pub to: String,
    /// Whether lines go to it.
    pub in_use: bool,
    /// `up`, `down`, or `unknown` if it is not in use and those preferred to it are not down.
    pub state: String,
    /// Why it is down.
    pub reason: Option<String>,
    /// Since when it is up, down or unknown.
    pub since: String,
}

pub(super) fn output(output: Output) -> (String, OutputStatus) {
    let Output {
        name,
        state,
        counts,
    } = output;
    let lost = counts.lost.values();
    let lost = lost.map(|(reason, count)| (reason.to_owned(), count.get()));
    let lost_by_reason: BTreeMap<_, _> = lost.collect();
    let status = OutputStatus {
        state: if state.up { "up" } else { "down" }.to_owned(),
        reason: state.reason,
        since: time(state.since),
        queued: state.queued,
        lines: counts.lines.get(),
        bytes: counts.bytes.get(),
        lost: lost_by_reason.values().sum(),
        lost_by_reason,
        resent: counts.resent.get(),
        failures: counts.failures.get(),
        upstreams: state.upstreams.into_iter().map(upstream).collect(),
        lines_per_second: state.rates.lines,
        bytes_per_second: state.rates.bytes,
    };
    (name, status)
}

fn upstream(state: UpstreamState) -> UpstreamStatus {
    UpstreamStatus {
        state: state.shown().to_owned(),
        since: time(state.since),
        to: state.to,
        in_use: state.in_use,
        reason: state.reason,
    }
}
