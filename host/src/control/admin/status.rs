//! `/status`: the generations that are and were in force, listeners, filters and trials.
//!
//! In: the history and the snapshot. Out: [`Status`], which is served as JSON and which `linemill status`
//! prints. Times are RFC 3339 in UTC, durations are milliseconds. It contains no payload of any stream;
//! `/trials` does.

use std::collections::BTreeMap;
use std::time::Duration;

use humantime::format_rfc3339_millis;
use serde::{Deserialize, Serialize};

use super::{Admin, Output};
use crate::control::disk;
use crate::control::history::Entry;
use crate::generation::Generation;
use crate::sinks::outage::UpstreamState;
use linemill_budget::Usage;
use linemill_sandbox::filter::Filter;
use linemill_sandbox::filter::comparison::Example;
use linemill_sandbox::supervise::breaker::Opened;

/// The state of a host.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Status {
    /// The version of linemill.
    pub version: String,
    /// The process ID.
    pub pid: u32,
    /// Whether the host has stopped accepting connections and waits for the last ones to end.
    pub draining: bool,
    /// The number of the generation in force.
    pub generation: u64,
    /// The number of replaced generations that connections still use.
    pub old_generations_held: usize,
    /// The listeners, by name.
    pub listeners: BTreeMap<String, ListenerStatus>,
    /// The sinks that connections share, by destination.
    #[serde(default)]
    pub outputs: BTreeMap<String, OutputStatus>,
    /// The memory of the host.
    #[serde(default)]
    pub memory: MemoryStatus,
    /// The filters in force, by name.
    #[serde(default)]
    pub filters: BTreeMap<String, FilterStatus>,
    /// The versions of filters on trial.
    pub trials: Vec<TrialStatus>,
    /// The last generations, newest first.
    pub generations: Vec<GenerationStatus>,
    /// The last refused reload.
    pub last_refusal: Option<RefusalStatus>,
    /// Whether the files on disk are in force.
    #[serde(default)]
    pub disk: DiskStatus,
    /// The last reload, or the start.
    #[serde(default)]
    pub last_reload: LastReloadStatus,
}

/// Whether the files on disk are in force: the configuration, and the files that it names.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct DiskStatus {
    /// Whether they differ from what is in force.
    pub differs: bool,
    /// Since when they differ.
    pub since: Option<String>,
    /// The paths of those that differ, and decisions about trials that no file contains.
    pub what: Vec<String>,
}

/// The last reload, or the start.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct LastReloadStatus {
    /// Whether it succeeded.
    pub successful: bool,
    /// When it ended.
    pub at: String,
    /// When the last one that succeeded ended.
    pub last_success: String,
}

/// A listener of the generation in force.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ListenerStatus {
    /// Connections open now.
    pub connections: i64,
    /// Those among them that keep earlier settings of the listener until they end: its address,
    /// `framing`, TLS, or an upstream of their own.
    #[serde(default)]
    pub connections_kept: i64,
    /// Its filters, in order.
    pub chain: Vec<String>,
}

/// A sink that connections share.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OutputStatus {
    /// `up`, or `down` if it could not be reached or has not been reached yet.
    pub state: String,
    /// Why it is down.
    pub reason: Option<String>,
    /// Since when it is up, or down.
    pub since: String,
    /// Bytes that wait for it, including those that have not been acknowledged.
    pub queued: u64,
    /// Lines that it has taken.
    pub lines: u64,
    /// Lines that it has lost.
    pub lost: u64,
    /// Lines that it takes per second: the mean of the last 10 whole seconds.
    #[serde(default)]
    pub lines_per_second: f64,
    /// Bytes that are written to it per second, likewise. Lines sent again count again.
    #[serde(default)]
    pub bytes_per_second: f64,
    /// Its upstreams in order of preference, if it has any.
    #[serde(default)]
    pub upstreams: Vec<UpstreamStatus>,
}

/// An upstream of a sink that connections share.
#[derive(Debug, Clone, Serialize, Deserialize)]
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

/// The memory of the host, in bytes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct MemoryStatus {
    /// The budget; `None` if there is no limit.
    pub limit: Option<u64>,
    /// What is held, by all together.
    pub used: u64,
    /// The most that was held at one time.
    pub peak: u64,
    /// What is resident, as the system counts it.
    pub resident: u64,
    /// By what it is for.
    pub holders: BTreeMap<String, HolderStatus>,
    /// Memory mappings that instances have.
    pub mappings: u64,
    /// The most of these that there may be; `None` if there is no limit.
    pub mappings_limit: Option<u64>,
    /// Requests for mappings that were refused.
    pub mappings_refused: u64,
}

/// What some part of the memory is for.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct HolderStatus {
    /// Bytes held.
    pub used: u64,
    /// Requests that were refused or had to wait.
    pub refused: u64,
}

/// A filter of the generation in force.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FilterStatus {
    /// SHA-256 of its plugin.
    pub plugin: String,
    /// Lines given to it since it was started.
    pub lines: u64,
    /// The number of these that failed.
    pub failed: u64,
    /// Calls that failed because the host could not make them.
    #[serde(default)]
    pub host_faults: u64,
    /// Connections whose lines are kept from it, because it kept failing on them.
    #[serde(default)]
    pub suspended: i64,
    /// Its circuit breaker.
    pub breaker: BreakerStatus,
}

/// The circuit breaker of a filter.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BreakerStatus {
    /// `closed`: the filter is called. `open`: it kept failing, and is called for a connection only until
    /// it fails on its lines.
    pub state: String,
    /// When it opened.
    pub since: Option<String>,
    /// The earliest time of the next probe, a batch that tests whether the filter works again, by a
    /// connection on whose lines it has failed. The first batch of any other connection is a probe.
    pub next_probe: Option<String>,
    /// Probes that failed since it opened.
    pub failed_probes: u32,
}

/// A version of a filter on trial.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TrialStatus {
    /// The listener in whose chain it is.
    pub listener: String,
    /// The filter.
    pub filter: String,
    /// `canary` or `shadow`.
    pub kind: String,
    /// SHA-256 of its plugin.
    pub plugin: String,
    /// The share of connections that it serves.
    pub share: String,
    /// Lines given to it in this generation, by all listeners together.
    pub lines: u64,
    /// The number of these that failed.
    pub failed: u64,
    /// Lines for which a shadow and the filter returned the same.
    pub same: u64,
    /// Lines for which they returned something different.
    pub different: u64,
    /// Lines not given to the shadow because it was too slow.
    pub skipped: u64,
    /// The newest lines that came out differently; only at `/trials`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<ExampleStatus>,
}

/// A line that came out differently. Invalid UTF-8 is shown as U+FFFD.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExampleStatus {
    /// The first 256 bytes of its content.
    pub line: String,
    /// The first lines that the filter returned.
    pub filter: Vec<String>,
    /// The first lines that the shadow returned.
    pub shadow: Vec<String>,
}

/// A generation that is or was in force.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GenerationStatus {
    /// 1 at start; each swap adds 1.
    pub number: u64,
    /// When it was put in force.
    pub at: String,
    /// What triggered it.
    pub by: String,
    /// Its differences from the generation before.
    pub changes: Vec<String>,
    /// The SHA-256 of its plugins, by the filter's name.
    pub filters: BTreeMap<String, String>,
    /// How long reading, compiling, starting and testing took.
    pub build_ms: f64,
    /// How long its last connection took to leave it after it was replaced; `None` while it is in force
    /// or in use.
    pub moved_ms: Option<f64>,
    /// Connections on it.
    pub connections: usize,
}

/// A refused reload.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RefusalStatus {
    /// When it was refused.
    pub at: String,
    /// What triggered it.
    pub by: String,
    /// The report of what was wrong.
    pub error: String,
}

fn disk(state: &disk::State) -> (DiskStatus, LastReloadStatus) {
    let time = |time| format_rfc3339_millis(time).to_string();
    let disk = DiskStatus {
        differs: state.differs_since.is_some(),
        since: state.differs_since.map(time),
        what: state.differences.iter().cloned().collect(),
    };
    let last_reload = LastReloadStatus {
        successful: state.successful,
        at: time(state.last),
        last_success: time(state.last_success),
    };
    (disk, last_reload)
}

impl Status {
    pub(super) fn of(admin: &Admin) -> Self {
        let snapshot = admin.snapshot.borrow().clone();
        let generation = snapshot.generation();
        let (disk, last_reload) = disk(&admin.disk.state());
        let listeners = generation.services.iter().map(|(name, service)| {
            let stages = service.chain.stages().iter();
            let connections = (admin.connections)(name);
            let status = ListenerStatus {
                connections: connections.open,
                connections_kept: connections.kept,
                chain: stages
                    .map(|stage| stage.filter().name().to_owned())
                    .collect(),
            };
            (name.clone(), status)
        });
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            draining: snapshot.stopping,
            generation: generation.number,
            old_generations_held: admin.history.old_held(),
            listeners: listeners.collect(),
            outputs: (admin.outputs)().into_iter().map(output).collect(),
            memory: memory(admin.budget.usage()),
            filters: filters(generation),
            trials: trials(generation, false),
            generations: admin.history.entries().iter().map(shown).collect(),
            last_refusal: admin.history.refusal().map(|refusal| RefusalStatus {
                at: format_rfc3339_millis(refusal.at).to_string(),
                by: refusal.by,
                error: refusal.error,
            }),
            disk,
            last_reload,
        }
    }
}

fn output(output: Output) -> (String, OutputStatus) {
    let state = output.state;
    let status = OutputStatus {
        state: if state.up { "up" } else { "down" }.to_owned(),
        reason: state.reason,
        since: format_rfc3339_millis(state.since).to_string(),
        queued: state.queued,
        lines: output.lines,
        lost: output.lost,
        upstreams: state.upstreams.into_iter().map(upstream).collect(),
        lines_per_second: state.rates.lines,
        bytes_per_second: state.rates.bytes,
    };
    (output.name, status)
}

fn upstream(state: UpstreamState) -> UpstreamStatus {
    let shown = match (state.up, &state.reason) {
        (true, _) => "up",
        (false, Some(_)) => "down",
        (false, None) => "unknown",
    };
    UpstreamStatus {
        to: state.to,
        in_use: state.in_use,
        state: shown.to_owned(),
        reason: state.reason,
        since: format_rfc3339_millis(state.since).to_string(),
    }
}

fn memory(usage: Usage) -> MemoryStatus {
    let holders = usage.holders.into_iter().map(|(holder, used, refused)| {
        let status = HolderStatus { used, refused };
        (holder.label().to_owned(), status)
    });
    MemoryStatus {
        limit: usage.limit,
        used: usage.used,
        peak: usage.peak,
        resident: usage.resident,
        holders: holders.collect(),
        mappings: usage.mappings,
        mappings_limit: usage.mappings_limit,
        mappings_refused: usage.mappings_refused,
    }
}

fn filters(generation: &Generation) -> BTreeMap<String, FilterStatus> {
    let status = |filter: &Filter| FilterStatus {
        plugin: filter.digest().to_string(),
        lines: filter.lines(),
        failed: filter.failed_lines(),
        host_faults: filter.host_faults(),
        suspended: filter.suspended(),
        breaker: breaker(filter.opened()),
    };
    let filters = generation.filters.iter();
    filters
        .map(|(name, filter)| (name.clone(), status(filter)))
        .collect()
}

fn breaker(opened: Option<Opened>) -> BreakerStatus {
    let time = |time| format_rfc3339_millis(time).to_string();
    BreakerStatus {
        state: if opened.is_some() { "open" } else { "closed" }.to_owned(),
        since: opened.map(|open| time(open.since)),
        next_probe: opened.map(|open| time(open.next_probe)),
        failed_probes: opened.map_or(0, |open| open.failed_probes),
    }
}

/// The versions on trial in a generation; `examples` includes lines that came out differently.
pub(super) fn trials(generation: &Generation, examples: bool) -> Vec<TrialStatus> {
    let mut trials = Vec::new();
    for (listener, service) in &generation.services {
        let stages = [&service.chain, &service.reply_chain];
        let stages = stages.iter().flat_map(|chain| chain.stages());
        for (stage, trial) in stages.filter_map(|stage| Some((stage, stage.trial()?))) {
            let [same, different, skipped] = trial.comparison().counts();
            let mut status = TrialStatus {
                listener: listener.clone(),
                filter: stage.filter().name().to_owned(),
                kind: trial.kind.key().to_owned(),
                plugin: trial.filter().digest().to_string(),
                share: trial.share.to_string(),
                lines: trial.filter().lines(),
                failed: trial.filter().failed_lines(),
                same,
                different,
                skipped,
                examples: Vec::new(),
            };
            if examples {
                status.examples = trial.comparison().examples().iter().map(example).collect();
            }
            trials.push(status);
        }
    }
    trials
        .sort_by(|one, other| (&one.listener, &one.filter).cmp(&(&other.listener, &other.filter)));
    trials
}

fn example(example: &Example) -> ExampleStatus {
    let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
    ExampleStatus {
        line: text(&example.line),
        filter: example.filter.iter().map(text).collect(),
        shadow: example.shadow.iter().map(text).collect(),
    }
}

fn shown(entry: &Entry) -> GenerationStatus {
    let now = entry.leases.now();
    let filters = entry.filters.iter();
    GenerationStatus {
        number: entry.number,
        at: format_rfc3339_millis(entry.at).to_string(),
        by: entry.by.clone(),
        changes: entry.changes.clone(),
        filters: filters
            .map(|(name, digest)| (name.clone(), digest.to_string()))
            .collect(),
        build_ms: millis(entry.build),
        moved_ms: now.moved.map(millis),
        connections: now.connections,
    }
}

/// Milliseconds, rounded down to microseconds.
fn millis(time: Duration) -> f64 {
    time.as_micros() as f64 / 1e3
}
