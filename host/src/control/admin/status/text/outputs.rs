//! The fields of `linemill status` about outputs.

use std::time::SystemTime;

use super::super::{OutputStatus, UpstreamStatus};
use super::layout::{Field, ago, by_reason, bytes, count, moment, rate, span};

/// The fields about one output.
pub(crate) fn output(output: &OutputStatus, now: Option<SystemTime>) -> Vec<Field> {
    let text = state(&output.state, &output.since, output.reason.as_deref(), now);
    let mut fields = vec![("state", text)];
    let mut text = format!("{} written", count(output.lines));
    let lost = by_reason("lost", &output.lost_by_reason);
    text += &if lost.is_empty() {
        ", 0 lost".to_owned()
    } else {
        format!(", {lost}")
    };
    if output.resent > 0 {
        text += &format!(", {} sent again", count(output.resent));
    }
    fields.push(("lines", text));
    let text = format!(
        "{} written, {} queued",
        bytes(output.bytes),
        bytes(output.queued)
    );
    fields.push(("bytes", text));
    let text = format!(
        "{} lines/s, {}/s (last 10 s)",
        rate(output.lines_per_second),
        bytes(output.bytes_per_second.round() as u64)
    );
    fields.push(("rates", text));
    // One alone is the output.
    if output.upstreams.len() > 1 {
        let upstreams = output.upstreams.iter();
        fields.extend(upstreams.map(|one| upstream(one, now)));
    }
    fields
}

/// The field about one of several upstreams of an output.
fn upstream(upstream: &UpstreamStatus, now: Option<SystemTime>) -> Field {
    let used = if upstream.in_use { ", in use" } else { "" };
    let state = state(
        &upstream.state,
        &upstream.since,
        upstream.reason.as_deref(),
        now,
    );
    ("upstream", format!("{}{used}: {state}", upstream.to))
}

/// Whether something is up, since when, and why not.
pub(crate) fn state(
    state: &str,
    since: &str,
    reason: Option<&str>,
    now: Option<SystemTime>,
) -> String {
    let lasting = ago(since, now);
    let lasting = lasting.map_or_else(String::new, |time| format!(", for {}", span(time)));
    let reason = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
    format!("{state} since {}{lasting}{reason}", moment(since))
}
