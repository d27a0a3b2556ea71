//! What happened to lines that did not go through as they should have.
//!
//! In: the counts of a run. Out: a line on standard error for each kind of mishap, and whether there was
//! any.

use std::sync::Arc;

use linemill::connections::metrics::LineMetrics;
use linemill::sinks::metrics::DropReason;
use linemill_config::settings::{ListenerSettings, OnError};
use linemill_framing::Oversize;
use linemill_sandbox::FaultKind;
use linemill_sandbox::filter::Filter;
use linemill_sandbox::metrics::FilterFamilies;

use crate::cli::output::complain;

/// Reports on standard error what happened to lines that failed, were cut or were dropped. Returns whether
/// there were any.
pub(super) fn mishaps(
    stream: &ListenerSettings,
    counts: &LineMetrics,
    filters: &[Arc<Filter>],
    metrics: &FilterFamilies,
) -> bool {
    let mut reports: Vec<String> = filters
        .iter()
        .filter_map(|filter| failures(filter, metrics))
        .collect();
    reports.extend(
        filters
            .iter()
            .filter_map(|filter| lost_states(filter, metrics)),
    );
    reports.extend(oversized(stream, counts.oversized.get()));
    for (reason, text) in [
        (
            DropReason::Partial,
            "dropped: unterminated at the end of the input",
        ),
        (
            DropReason::Framing,
            "dropped: `to_framing` cannot contain them",
        ),
        (
            DropReason::NextHop,
            "lost: the destination did not take them",
        ),
        (DropReason::Host, "dropped: the host could not run a filter"),
    ] {
        let count = counts.dropped.of(reason).get();
        if count > 0 {
            reports.push(format!("{} {text}", lines(count)));
        }
    }
    for report in &reports {
        complain!("{report}");
    }
    !reports.is_empty()
}

/// How many lines failed in a filter and why, and what happened to them.
fn failures(filter: &Filter, metrics: &FilterFamilies) -> Option<String> {
    let failed = filter.failed_lines();
    if failed == 0 {
        return None;
    }
    let action = match filter.on_error() {
        OnError::Pass => "passed on unfiltered",
        OnError::Drop => "dropped",
        OnError::Close => "ended the stream",
        OnError::Quarantine => "sent to quarantine",
    };
    let counts = metrics.of(filter.name());
    let kinds = FaultKind::ALL.iter().filter_map(|kind| {
        let count = counts.failures.of(*kind).get();
        (count > 0).then(|| format!("{count} {}", kind.label()))
    });
    let kinds: Vec<_> = kinds.collect();
    let (name, lines) = (filter.name(), lines(failed));
    Some(format!(
        "filter `{name}`: {lines} failed: {action} ({})",
        kinds.join(", ")
    ))
}

/// Whether a filter has lost what it remembered, and lines that it held back.
fn lost_states(filter: &Filter, metrics: &FilterFamilies) -> Option<String> {
    let name = filter.name();
    let times = match metrics.of(name).lost_states.get() {
        0 => return None,
        1 => "once".to_owned(),
        count => format!("{count} times"),
    };
    Some(format!(
        "filter `{name}`: its state was lost {times} by a fault, with lines that it held back; see the warning above"
    ))
}

/// How many lines were too long, and what happened to them.
fn oversized(stream: &ListenerSettings, count: u64) -> Option<String> {
    let action = match stream.lines.oversize {
        Oversize::Split => "split",
        Oversize::Truncate => "truncated",
        Oversize::Drop => "dropped",
        // The run has ended with an error that says so.
        Oversize::Close => return None,
    };
    let max_line = stream.lines.max_line;
    (count > 0).then(|| {
        format!(
            "{} longer than `max_line` ({max_line} bytes): {action}",
            lines(count)
        )
    })
}

fn lines(count: u64) -> String {
    if count == 1 {
        "1 line".to_owned()
    } else {
        format!("{count} lines")
    }
}
