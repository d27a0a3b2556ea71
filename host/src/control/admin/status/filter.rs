//! What `/status` says about filters, and about versions on trial next to those in force.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::time;
use crate::control::admin::Admin;
use crate::control::sampler::Subject;
use crate::generation::Generation;
use linemill_config::Keyword as _;
use linemill_sandbox::filter::Filter;
use linemill_sandbox::filter::comparison::Example;
use linemill_sandbox::metrics::Counts;
use linemill_sandbox::supervise::breaker::Opened;

/// A filter of the generation in force.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FilterStatus {
    /// SHA-256 of its plugin.
    pub plugin: String,
    /// What happens to lines that fail in it.
    pub on_error: String,
    /// What it has done since it was started with this plugin and these settings.
    #[serde(flatten)]
    pub work: WorkStatus,
    /// Lines that failed, by kind.
    pub failures: BTreeMap<String, u64>,
    /// Lines given to it per second, as a mean over the last 10 seconds.
    pub lines_per_second: f64,
    /// Calls that failed because the host could not make them.
    pub host_faults: u64,
    /// Lines sent to its quarantine.
    pub quarantined: u64,
    /// Its instances that exist now.
    pub instances: i64,
    /// Connections whose lines are kept from it, because it kept failing on them.
    pub suspended: i64,
    /// Its circuit breaker.
    pub breaker: BreakerStatus,
}

/// What a version of a filter has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorkStatus {
    /// Calls.
    pub calls: u64,
    /// Lines given to it.
    pub lines: u64,
    /// Lines that it dropped by its verdict.
    pub dropped: u64,
    /// Lines that failed.
    pub failed: u64,
    /// The mean duration of its calls per line, in nanoseconds; `null` without a line.
    pub mean_ns_per_line: Option<u64>,
    /// Half of its calls took no longer, in nanoseconds, rounded up by a quarter at most; `null` without
    /// a call.
    pub call_p50_ns: Option<u64>,
    /// 99 % of its calls took no longer, likewise.
    pub call_p99_ns: Option<u64>,
}

/// The circuit breaker of a filter.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BreakerStatus {
    /// `closed`: the filter is called. `open`: it kept failing, and is called for a connection only until
    /// it fails on its lines.
    pub state: String,
    /// When it opened; `null` while it is closed.
    pub since: Option<String>,
    /// The earliest time of the next probe, a batch that tests whether the filter works again, by a
    /// connection on whose lines it has failed. The first batch of any other connection is a probe.
    /// `null` while the breaker is closed.
    pub next_probe: Option<String>,
    /// Probes that failed since it opened.
    pub failed_probes: u32,
}

/// A version of a filter on trial.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TrialStatus {
    /// The filter.
    pub filter: String,
    /// `canary` or `shadow`.
    pub kind: String,
    /// SHA-256 of the plugin on trial.
    pub plugin: String,
    /// The share of connections that take part.
    pub share: String,
    /// The listeners whose chains have the filter. All numbers are of all of them together.
    pub listeners: Vec<String>,
    /// What the version on trial has done.
    #[serde(flatten)]
    pub work: WorkStatus,
    /// What the filter itself has done since the version on trial was started.
    pub incumbent: WorkStatus,
    /// Lines for which a shadow and the filter returned the same.
    pub same: u64,
    /// Lines for which they returned something different.
    pub different: u64,
    /// Lines not given to the shadow because it was too slow.
    pub skipped: u64,
    /// The newest lines that came out differently; only at `/trials`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<ExampleStatus>,
}

/// A line that came out differently. Invalid UTF-8 is shown as U+FFFD.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ExampleStatus {
    /// The first 256 bytes of its content.
    pub line: String,
    /// The first lines that the filter returned.
    pub filter: Vec<String>,
    /// The first lines that the shadow returned.
    pub shadow: Vec<String>,
}

/// All filters of a generation, by name; versions on trial have names of their own.
pub(super) fn filters(admin: &Admin, generation: &Generation) -> BTreeMap<String, FilterStatus> {
    let filters = generation.filters.iter();
    filters
        .map(|(name, built)| (name.clone(), filter(admin, built)))
        .collect()
}

fn filter(admin: &Admin, filter: &Filter) -> FilterStatus {
    let counts = filter.counts();
    let subject = Subject::Filter(filter.name().to_owned());
    let [lines_per_second, ..] = admin.sampler.rates(&subject, filter.sampled());
    let failures = counts.failures();
    FilterStatus {
        plugin: filter.digest().to_string(),
        on_error: filter.on_error().keyword().to_owned(),
        work: work(&counts),
        failures: failures
            .map(|(kind, count)| (kind.to_owned(), count))
            .collect(),
        lines_per_second,
        host_faults: counts.host_faults,
        quarantined: counts.quarantined,
        instances: filter.instances(),
        suspended: filter.suspended(),
        breaker: breaker(filter.opened()),
    }
}

fn work(counts: &Counts) -> WorkStatus {
    let summary = counts.durations.summary();
    let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    WorkStatus {
        calls: counts.calls,
        lines: counts.lines,
        dropped: counts.dropped,
        failed: counts.failed(),
        mean_ns_per_line: nanos(summary.sum).checked_div(counts.lines),
        call_p50_ns: summary.p50.map(nanos),
        call_p99_ns: summary.p99.map(nanos),
    }
}

fn breaker(opened: Option<Opened>) -> BreakerStatus {
    BreakerStatus {
        state: if opened.is_some() { "open" } else { "closed" }.to_owned(),
        since: opened.map(|open| time(open.since)),
        next_probe: opened.map(|open| time(open.next_probe)),
        failed_probes: opened.map_or(0, |open| open.failed_probes),
    }
}

/// The versions on trial in a generation, one entry each however many listeners have their filter;
/// `examples` includes lines that came out differently.
pub(in crate::control::admin) fn trials(
    generation: &Generation,
    examples: bool,
) -> Vec<TrialStatus> {
    let mut trials: BTreeMap<String, TrialStatus> = BTreeMap::new();
    for (listener, service) in &generation.services {
        let stages = [&service.chain, &service.reply_chain];
        let stages = stages.iter().flat_map(|chain| chain.stages());
        for (stage, trial) in stages.filter_map(|stage| Some((stage, stage.trial()?))) {
            let on_trial: &Arc<Filter> = trial.filter();
            let status = trials.entry(on_trial.name().to_owned()).or_insert_with(|| {
                let [same, different, skipped] = trial.comparison().counts();
                let shown = trial.comparison().examples();
                TrialStatus {
                    filter: stage.filter().name().to_owned(),
                    kind: trial.kind.key().to_owned(),
                    plugin: on_trial.digest().to_string(),
                    share: trial.share.to_string(),
                    listeners: Vec::new(),
                    work: work(&on_trial.counts()),
                    incumbent: work(&trial.incumbent(stage.filter())),
                    same,
                    different,
                    skipped,
                    examples: if examples {
                        shown.iter().map(example).collect()
                    } else {
                        Vec::new()
                    },
                }
            });
            if !status.listeners.contains(listener) {
                status.listeners.push(listener.clone());
            }
        }
    }
    let mut trials: Vec<_> = trials.into_values().collect();
    trials.iter_mut().for_each(|trial| trial.listeners.sort());
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
