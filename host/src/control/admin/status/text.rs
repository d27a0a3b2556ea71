//! The text of `linemill status`: the host as a whole, and its sections in order.
//!
//! In: a [`Status`]. Out: lines of at most 80 columns. What is wrong stands next to what it is about, and
//! whatever keeps the host from being ready at the top.

mod filters;
mod layout;
mod outputs;

use std::time::{Duration, SystemTime};

use super::{LeavingStatus, ListenerStatus, MemoryStatus, OwnUpstreamStatus, Status};
use layout::{ago, by_reason, bytes, count, field, grouped, heading, moment, percent, rate, span};

/// Generations that are shown.
const GENERATIONS: usize = 8;

/// The whole text.
pub fn lines(status: &Status) -> Vec<String> {
    let now = now(status);
    let mut lines = host(status);
    for (name, listener) in &status.listeners {
        lines.push(String::new());
        lines.extend(heading("listener", name));
        lines.extend(self::listener(listener));
    }
    for leaving in &status.leaving {
        lines.push(String::new());
        lines.extend(self::leaving(leaving));
    }
    for (name, output) in &status.outputs {
        lines.push(String::new());
        lines.extend(outputs::output(name, output, now));
    }
    lines.extend(filters::table(&status.filters));
    for trial in &status.trials {
        lines.push(String::new());
        lines.extend(filters::trial(trial));
    }
    lines.push(String::new());
    lines.extend(limits(status));
    lines.push(String::new());
    lines.extend(generations(status));
    lines.extend(refusal(status));
    lines
}

/// The time at the host.
fn now(status: &Status) -> Option<SystemTime> {
    let started = humantime::parse_rfc3339(&status.started).ok()?;
    let up = Duration::try_from_secs_f64(status.uptime_seconds).ok()?;
    started.checked_add(up)
}

fn host(status: &Status) -> Vec<String> {
    let up = Duration::try_from_secs_f64(status.uptime_seconds).unwrap_or_default();
    let state = if status.draining {
        "draining"
    } else if status.ready {
        "ready"
    } else {
        "not ready"
    };
    let (version, pid) = (&status.version, status.pid);
    let first = format!("{version}, process {pid}, up {}: {state}", span(up));
    let mut lines = heading("linemill", &first);
    if !status.draining {
        let reasons = status.not_ready.iter();
        lines.extend(reasons.flat_map(|reason| field("", reason)));
    }
    let config = status.config.as_deref();
    lines.extend(field("config", config.unwrap_or("none: the built-in one")));
    let held = match status.old_generations_held {
        0 => String::new(),
        1 => "; an older one is still in use".to_owned(),
        held => format!("; {held} older ones are still in use"),
    };
    let (number, since) = (status.generation, moment(&status.generation_since));
    lines.extend(field(
        "generation",
        &format!("{number} since {since}{held}"),
    ));
    let last = &status.last_reload;
    let text = if last.successful {
        format!("successful, {}", moment(&last.at))
    } else {
        let (at, success) = (moment(&last.at), moment(&last.last_success));
        format!("refused, {at}; last success {success}")
    };
    lines.extend(field("last reload", &text));
    let disk = match &status.disk.since {
        Some(since) => {
            let what = status.disk.what.join(", ");
            format!(
                "differs from what is in force since {} ({what})",
                moment(since)
            )
        }
        None => "the same as what is in force".to_owned(),
    };
    lines.extend(field("disk", &disk));
    lines
}

fn listener(listener: &ListenerStatus) -> Vec<String> {
    let address = listener.address.as_deref().unwrap_or("not bound yet");
    let tls = if listener.tls { ", TLS" } else { "" };
    let mut lines = field("at", &format!("{address}, {}{tls}", listener.framing));
    lines.extend(field("chain", &chain(&listener.chain)));
    lines.extend(field("to", &listener.to));
    if !listener.reply_chain.is_empty() {
        lines.extend(field("reply chain", &chain(&listener.reply_chain)));
    }
    let mut connections = format!(
        "{} connected of {}",
        grouped(listener.connections.unsigned_abs()),
        grouped(listener.max_connections as u64)
    );
    if listener.connections_kept > 0 {
        connections += &format!(", {} with earlier settings", listener.connections_kept);
    }
    connections += &after(by_reason("refused", &listener.refused));
    lines.extend(field("connections", &connections));
    let (total, bytes_total) = (&listener.lines, &listener.bytes);
    let mut text = format!("{} in, {} out", count(total.read), count(total.written));
    if total.queued > 0 {
        text += &format!(", {} queued for outputs", count(total.queued));
    }
    text += &after(by_reason("dropped", &total.dropped));
    lines.extend(field("lines", &text));
    let mut text = format!(
        "{} in, {} out",
        bytes(bytes_total.read),
        bytes(bytes_total.written)
    );
    if bytes_total.queued > 0 {
        text += &format!(", {} queued for outputs", bytes(bytes_total.queued));
    }
    lines.extend(field("bytes", &text));
    let rates = &listener.rates;
    let text = format!(
        "{} lines/s in, {} out; {}/s in, {}/s out (last 10 s)",
        rate(rates.lines_in),
        rate(rates.lines_out),
        bytes(rates.bytes_in.round() as u64),
        bytes(rates.bytes_out.round() as u64)
    );
    lines.extend(field("rates", &text));
    let replies = &listener.replies;
    if replies.lines_in + replies.bytes_in > 0 {
        let text = format!(
            "{} lines in, {} out; {} in, {} out",
            count(replies.lines_in),
            count(replies.lines_out),
            bytes(replies.bytes_in),
            bytes(replies.bytes_out)
        );
        lines.extend(field("replies", &text));
    }
    lines.extend(listener.upstreams.iter().flat_map(own_upstream));
    lines
}

fn chain(chain: &[String]) -> String {
    match chain {
        [] => "no filter".to_owned(),
        chain => chain.join(" → "),
    }
}

/// A part of a sentence behind a comma, if it is not empty.
fn after(text: String) -> String {
    if text.is_empty() {
        text
    } else {
        format!(", {text}")
    }
}

fn own_upstream(upstream: &OwnUpstreamStatus) -> Vec<String> {
    let (to, state, since) = (&upstream.to, &upstream.state, moment(&upstream.since));
    let mut text = format!("{to} {state} since {since}: {} open", upstream.open);
    if upstream.connecting > 0 {
        text += &format!(", {} connecting", upstream.connecting);
    }
    text += &format!(", {} failed", count(upstream.failed));
    if let Some(reason) = &upstream.reason {
        text += &format!(" ({reason})");
    }
    field("upstream", &text)
}

fn leaving(leaving: &LeavingStatus) -> Vec<String> {
    let mut lines = heading("removed listener", &leaving.name);
    let connections = match leaving.connections {
        Some(connections) => format!("{connections} still connected"),
        None => "still has connections, next to the new one of this name".to_owned(),
    };
    let left = leaving
        .seconds_left
        .and_then(|left| Duration::try_from_secs_f64(left).ok());
    let left = left.map_or_else(String::new, |left| format!(", for {} at most", span(left)));
    lines.extend(field("draining", &format!("{connections}{left}")));
    lines
}

fn limits(status: &Status) -> Vec<String> {
    let mut lines = vec!["limits".to_owned()];
    lines.extend(memory(&status.memory));
    if let (Some(open), Some(limit)) = (status.descriptors.open, status.descriptors.limit) {
        let text = format!("{} of {}", grouped(open), grouped(limit));
        lines.extend(field("descriptors", &text));
    }
    if let Some(limit) = status.memory.mappings_limit {
        let (used, refused) = (status.memory.mappings, status.memory.mappings_refused);
        let refused = match refused {
            0 => String::new(),
            refused => format!(", {} requests refused", count(refused)),
        };
        let text = format!("{} of {}{refused}", grouped(used), grouped(limit));
        lines.extend(field("mappings", &text));
    }
    for certificate in &status.certificates {
        let end = humantime::parse_rfc3339(&certificate.not_after).ok();
        let left = now(status).and_then(|now| end?.duration_since(now).ok());
        let (listener, key) = (&certificate.listener, &certificate.key);
        let at = moment(&certificate.not_after);
        let text = match left {
            Some(left) => format!(
                "`{key}` of listener {listener} expires {at}, in {}",
                span(left)
            ),
            None => format!("`{key}` of listener {listener} EXPIRED {at}"),
        };
        lines.extend(field("certificate", &text));
    }
    lines
}

fn memory(memory: &MemoryStatus) -> Vec<String> {
    let limit = match memory.limit {
        Some(limit) => format!("{} ({})", bytes(limit), percent(memory.used, limit)),
        None => "no limit".to_owned(),
    };
    let text = format!(
        "{} of {limit}; {} at most, {} resident",
        bytes(memory.used),
        bytes(memory.peak),
        bytes(memory.resident)
    );
    let mut lines = field("memory", &text);
    let held = memory.holders.iter().filter(|(_, holder)| holder.used > 0);
    let held: Vec<_> = held
        .map(|(name, holder)| format!("{name} {}", bytes(holder.used)))
        .collect();
    if !held.is_empty() {
        lines.extend(field("  held by", &held.join(", ")));
    }
    let refused = memory
        .holders
        .iter()
        .filter(|(_, holder)| holder.refused > 0);
    let refused: Vec<_> = refused
        .map(|(name, holder)| format!("{name} {}", count(holder.refused)))
        .collect();
    if !refused.is_empty() {
        let text = format!("{}; or delayed", refused.join(", "));
        lines.extend(field("  refused", &text));
    }
    lines
}

fn generations(status: &Status) -> Vec<String> {
    let head = format!(
        "{:>10}  {:20}  {:>9}  {:>9}  {:>9}",
        "GENERATION", "SINCE", "BUILD ms", "MOVED ms", "CONNECTED"
    );
    let mut lines = vec![head];
    for one in status.generations.iter().take(GENERATIONS) {
        let moved = one
            .moved_ms
            .map_or_else(|| "-".to_owned(), |moved| format!("{moved:.1}"));
        let (number, at) = (one.number, moment(&one.at));
        lines.push(format!(
            "{number:>10}  {at:20}  {:>9.1}  {moved:>9}  {:>9}",
            one.build_ms, one.connections
        ));
        lines.extend(heading("           ", &format!("by {}", one.by)));
        let changes = one.changes.iter();
        lines.extend(changes.flat_map(|change| heading("           ", change)));
    }
    lines
}

fn refusal(status: &Status) -> Vec<String> {
    let Some(refusal) = &status.last_refusal else {
        return Vec::new();
    };
    let (at, by) = (moment(&refusal.at), &refusal.by);
    let ago = ago(&refusal.at, now(status));
    let ago = ago.map_or_else(String::new, |ago| format!(", {} ago", span(ago)));
    let mut lines = vec![String::new()];
    lines.extend(heading("last refused", &format!("at {at}{ago} ({by}):")));
    let error = refusal.error.lines().next().unwrap_or_default();
    lines.extend(field("", error));
    lines
}

#[cfg(test)]
mod tests;
