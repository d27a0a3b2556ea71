//! The lines of `linemill status` about filters, and about versions on trial.

use std::collections::BTreeMap;

use super::super::{BreakerStatus, FilterStatus, TrialStatus, WorkStatus};
use super::layout::{
    Field, by_reason, count, field, fields, heading, moment, nanos, percent, rate, row,
};

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
        lines.extend(fields(wrong(filter)));
    }
    lines
}

/// What is wrong with a filter, or unusual.
pub(crate) fn wrong(filter: &FilterStatus) -> Vec<Field> {
    let mut fields = Vec::new();
    let failed = by_reason("lines", &filter.failures);
    if !failed.is_empty() {
        let text = format!("{failed}; on_error = \"{}\"", filter.on_error);
        fields.push(("failed", text));
    }
    fields.extend(breaker_open(&filter.breaker).map(|text| ("breaker", text)));
    if filter.suspended > 0 {
        fields.push(("suspended", suspended(filter)));
    }
    if filter.host_faults > 0 {
        let text = format!("{} calls failed because of it", count(filter.host_faults));
        fields.push(("host", text));
    }
    if filter.quarantined > 0 {
        let text = format!("{} lines sent there", count(filter.quarantined));
        fields.push(("quarantine", text));
    }
    fields
}

/// The connections whose lines are kept from a filter.
pub(crate) fn suspended(filter: &FilterStatus) -> String {
    let suspended = filter.suspended;
    format!("{suspended} connections: it kept failing on their lines")
}

/// Since when a breaker is open, and when it is tried again; `None` while it is closed.
pub(crate) fn breaker_open(breaker: &BreakerStatus) -> Option<String> {
    let (since, next) = (breaker.since.as_deref()?, breaker.next_probe.as_deref()?);
    Some(format!(
        "open since {}, next probe {}, {} probes failed",
        moment(since),
        moment(next),
        breaker.failed_probes
    ))
}

/// The lines about a version on trial, next to the filter that it may replace.
pub(super) fn trial(trial: &TrialStatus) -> Vec<String> {
    let (kind, filter, share) = (&trial.kind, &trial.filter, &trial.share);
    let listeners = trial.listeners.join(", ");
    let text = format!(
        "{kind} of {filter}, {share} of connections, plugin {}",
        short(&trial.plugin)
    );
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
        lines.extend(field("lines", &compared(trial)));
    }
    lines
}

/// How the answers of a shadow compare with those of the filter.
pub(crate) fn compared(trial: &TrialStatus) -> String {
    let [same, different, skipped] = [trial.same, trial.different, trial.skipped].map(count);
    format!("{same} the same, {different} different, {skipped} skipped")
}

/// The start of a digest, which is enough to tell plugins apart.
pub(crate) fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
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
