//! `/status`: what is in force, what was, and who is still on it.
//!
//! In: the history and the orders. Out: [`Status`], which is JSON for machines and what
//! `linemill status` shows. Times are RFC 3339 in UTC, durations milliseconds. No payload of any
//! stream is in it.

use std::collections::BTreeMap;
use std::time::Duration;

use humantime::format_rfc3339_millis;
use serde::{Deserialize, Serialize};

use super::Admin;
use crate::control::history::Entry;
use crate::generation::Generation;
use linemill_sandbox::filter::Filter;
use linemill_sandbox::supervise::breaker::Opened;
use linemill_sandbox::trial::shadow::Example;

/// The state of a host.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Status {
    /// Of linemill.
    pub version: String,
    /// Of the process.
    pub pid: u32,
    /// Whether it takes no more connections, and waits for the last to end.
    pub draining: bool,
    /// The generation in force.
    pub generation: u64,
    /// Other generations that connections still use.
    pub old_generations_held: usize,
    /// The listeners, by name.
    pub listeners: BTreeMap<String, ListenerStatus>,
    /// The filters in force, by name.
    #[serde(default)]
    pub filters: BTreeMap<String, FilterStatus>,
    /// Versions of filters that are on trial.
    pub trials: Vec<TrialStatus>,
    /// The last generations, newest first.
    pub generations: Vec<GenerationStatus>,
    /// The last reload that came to nothing.
    pub last_refusal: Option<RefusalStatus>,
}

/// A listener in service.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ListenerStatus {
    /// Connections open now.
    pub connections: i64,
    /// Its filters, in order.
    pub chain: Vec<String>,
}

/// A filter in force.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FilterStatus {
    /// SHA-256 of its plugin.
    pub plugin: String,
    /// Lines that came to it since it is in force.
    pub lines: u64,
    /// Of these, the ones that failed.
    pub failed: u64,
    /// Whether it is called.
    pub breaker: BreakerStatus,
}

/// Whether a filter is called.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BreakerStatus {
    /// `closed`: it is. `open`: it is not, since it kept failing.
    pub state: String,
    /// Since when it is open.
    pub since: Option<String>,
    /// When it is given a batch to see whether it works again, at the earliest.
    pub next_probe: Option<String>,
    /// How many such batches came to nothing.
    pub failed_probes: u32,
}

/// A version of a filter that is on trial.
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
    /// How many connections it sees.
    pub share: String,
    /// Lines it was given, in this generation, wherever it stands.
    pub lines: u64,
    /// Of these, the ones that failed.
    pub failed: u64,
    /// Lines that a shadow made the same of as the filter.
    pub same: u64,
    /// Lines that it made something else of.
    pub different: u64,
    /// Lines that it did not see because it was slow.
    pub skipped: u64,
    /// The newest of the different ones; only at `/trials`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<ExampleStatus>,
}

/// A line that came out differently. Bytes that are no UTF-8 are shown as U+FFFD.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExampleStatus {
    /// Its content, the first 256 bytes.
    pub line: String,
    /// What the filter made of it, the first lines.
    pub filter: Vec<String>,
    /// What the shadow made of it.
    pub shadow: Vec<String>,
}

/// A generation that is or was in force.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GenerationStatus {
    /// 1 at start, one more for each swap.
    pub number: u64,
    /// Since when.
    pub at: String,
    /// Who or what asked for it.
    pub by: String,
    /// How it differs from the one before.
    pub changes: Vec<String>,
    /// Its filters, with the SHA-256 of their plugins.
    pub filters: BTreeMap<String, String>,
    /// How long it took to read, compile, start and test it.
    pub build_ms: f64,
    /// How long it took the last connection to leave it after it was replaced; none while it is in
    /// force or in use.
    pub moved_ms: Option<f64>,
    /// Connections on it.
    pub connections: usize,
}

/// A reload that came to nothing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RefusalStatus {
    /// When.
    pub at: String,
    /// Who or what asked for it.
    pub by: String,
    /// What was wrong.
    pub error: String,
}

impl Status {
    pub(super) fn of(admin: &Admin) -> Self {
        let snapshot = admin.snapshot.borrow().clone();
        let generation = snapshot.generation();
        let listeners = generation.services.iter().map(|(name, service)| {
            let stages = service.chain.stages().iter();
            let status = ListenerStatus {
                connections: admin.metrics.listener(name).connections.get(),
                chain: stages
                    .map(|stage| stage.filter().name().to_owned())
                    .collect(),
            };
            (name.clone(), status)
        });
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            draining: snapshot.drain_until.is_some(),
            generation: generation.number,
            old_generations_held: admin.history.old_held(),
            listeners: listeners.collect(),
            filters: filters(generation),
            trials: trials(generation, false),
            generations: admin.history.entries().iter().map(shown).collect(),
            last_refusal: admin.history.refusal().map(|refusal| RefusalStatus {
                at: format_rfc3339_millis(refusal.at).to_string(),
                by: refusal.by,
                error: refusal.error,
            }),
        }
    }
}

fn filters(generation: &Generation) -> BTreeMap<String, FilterStatus> {
    let status = |filter: &Filter| FilterStatus {
        plugin: filter.digest().to_string(),
        lines: filter.lines(),
        failed: filter.failed_lines(),
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

/// The versions on trial in a generation, with or without examples.
pub(super) fn trials(generation: &Generation, examples: bool) -> Vec<TrialStatus> {
    let mut trials = Vec::new();
    for (listener, service) in &generation.services {
        let stages = [&service.chain, &service.reply_chain];
        let stages = stages.iter().flat_map(|chain| chain.stages());
        for (stage, trial) in stages.filter_map(|stage| Some((stage, stage.trial()?))) {
            let [same, different, skipped] = trial.compared().counts();
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
                status.examples = trial.compared().examples().iter().map(example).collect();
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
    let now = entry.mark.now();
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

/// Milliseconds, to the microsecond.
fn millis(time: Duration) -> f64 {
    time.as_micros() as f64 / 1e3
}
