//! The lines of `linemill status` about filters, and about versions on trial.

use std::collections::BTreeMap;

use super::super::{FilterStatus, TrialStatus, WorkStatus};
use super::layout::{by_reason, count, field, heading, moment, nanos, percent, rate, row};

/// A table of all filters, and below each what is wrong with it.
pub(super) fn table(filters: &BTreeMap<String, FilterStatus>) -> Vec<String> {
    if filters.is_empty() {
        return Vec::new();
    }
    let titles = ["LINES", "PER s", "FAILED", "DROPPED", "/LINE", "P50", "P99"];
    let mut lines = vec![String::new()];
    lines.extend(row("FILTER", &titles.map(str::to_owned)));
    for (name, filter) in filters {
        lines.extend(row(
            name,
            &cells(&filter.work, rate(filter.lines_per_second)),
        ));
        lines.extend(wrong(filter));
    }
    lines
}

/// What is wrong with a filter, or unusual.
fn wrong(filter: &FilterStatus) -> Vec<String> {
    let mut lines = Vec::new();
    let failed = by_reason("lines", &filter.failures);
    if !failed.is_empty() {
        let text = format!("{failed}; on_error = \"{}\"", filter.on_error);
        lines.extend(field("failed", &text));
    }
    let breaker = &filter.breaker;
    if let (Some(since), Some(next)) = (&breaker.since, &breaker.next_probe) {
        let text = format!(
            "open since {}, next probe {}, {} probes failed",
            moment(since),
            moment(next),
            breaker.failed_probes
        );
        lines.extend(field("breaker", &text));
    }
    if filter.suspended > 0 {
        let suspended = filter.suspended;
        let text = format!("{suspended} connections: it kept failing on their lines");
        lines.extend(field("suspended", &text));
    }
    if filter.host_faults > 0 {
        let text = format!("{} calls failed because of it", count(filter.host_faults));
        lines.extend(field("host", &text));
    }
    if filter.quarantined > 0 {
        let text = format!("{} lines sent there", count(filter.quarantined));
        lines.extend(field("quarantine", &text));
    }
    lines
}

/// The lines about a version on trial, next to the filter that it may replace.
pub(super) fn trial(trial: &TrialStatus) -> Vec<String> {
    let (kind, filter, share) = (&trial.kind, &trial.filter, &trial.share);
    let plugin = trial.plugin.get(..12).unwrap_or(&trial.plugin);
    let listeners = trial.listeners.join(", ");
    let text = format!("{kind} of {filter}, {share} of connections, plugin {plugin}");
    let mut lines = heading("trial", &text);
    lines.extend(field("listeners", &listeners));
    let titles = [
        "LINES", "FAIL %", "FAILED", "DROPPED", "/LINE", "P50", "P99",
    ];
    lines.extend(row("", &titles.map(str::to_owned)));
    for (name, work) in [
        (kind.as_str(), &trial.work),
        (filter.as_str(), &trial.incumbent),
    ] {
        let share = percent(work.failed, work.lines);
        lines.extend(row(&format!("  {name}"), &cells(work, share)));
    }
    if trial.kind == "shadow" {
        let [same, different, skipped] = [trial.same, trial.different, trial.skipped].map(count);
        let text = format!("{same} the same, {different} different, {skipped} skipped");
        lines.extend(field("lines", &text));
    }
    lines
}

/// The cells of a row; the second is given.
fn cells(work: &WorkStatus, second: String) -> [String; 7] {
    [
        count(work.lines),
        second,
        count(work.failed),
        count(work.dropped),
        nanos(work.mean_ns_per_line),
        nanos(work.call_p50_ns),
        nanos(work.call_p99_ns),
    ]
}
