//! The text of `linemill status`: the host as a whole, and its sections in order.
//!
//! In: a [`Status`]. Out: lines of at most 80 columns. What is wrong stands next to what it is about, and
//! whatever keeps the host from being ready at the top.

pub(crate) mod filters;
pub(crate) mod layout;
pub(crate) mod outputs;

use std::time::{Duration, SystemTime};

use super::{
    CertificateStatus, LeavingStatus, ListenerStatus, MemoryStatus, OwnUpstreamStatus, Status,
};
use layout::{
    Field, ago, by_reason, bytes, count, fields, grouped, heading, moment, percent, rate, span,
};

/// Generations that are shown.
const GENERATIONS: usize = 8;

/// The whole text.
pub fn lines(status: &Status) -> Vec<String> {
    let now = now(status);
    let mut lines = heading("linemill", &process(status));
    lines.extend(fields(host(status)));
    for (name, listener) in &status.listeners {
        lines.push(String::new());
        lines.extend(heading("listener", name));
        lines.extend(fields(self::listener(listener)));
    }
    for leaving in &status.leaving {
        lines.push(String::new());
        lines.extend(heading("removed listener", &leaving.name));
        lines.extend(fields(vec![("draining", self::leaving(leaving))]));
    }
    for (name, output) in &status.outputs {
        lines.push(String::new());
        lines.extend(heading("output", name));
        lines.extend(fields(outputs::output(output, now)));
    }
    lines.extend(filters::table(&status.filters));
    for trial in &status.trials {
        lines.push(String::new());
        lines.extend(filters::trial(trial));
    }
    lines.push(String::new());
    lines.push("limits".to_owned());
    lines.extend(fields(limits(status)));
    lines.push(String::new());
    lines.extend(generations(status));
    lines.extend(refusal(status));
    lines
}

/// The time at the host.
pub(crate) fn now(status: &Status) -> Option<SystemTime> {
    let started = humantime::parse_rfc3339(&status.started).ok()?;
    let up = Duration::try_from_secs_f64(status.uptime_seconds).ok()?;
    started.checked_add(up)
}

/// The version, the process, and whether it is ready.
pub(crate) fn process(status: &Status) -> String {
    let (version, pid) = (&status.version, status.pid);
    let (up, state) = (span(up(status)), readiness(status));
    format!("{version}, process {pid}, up {up}: {state}")
}

/// How long the host has been serving.
pub(crate) fn up(status: &Status) -> Duration {
    Duration::try_from_secs_f64(status.uptime_seconds).unwrap_or_default()
}

/// Whether the host is ready.
pub(crate) fn readiness(status: &Status) -> &'static str {
    if status.draining {
        "draining"
    } else if status.ready {
        "ready"
    } else {
        "not ready"
    }
}

/// The fields about the host as a whole.
fn host(status: &Status) -> Vec<Field> {
    let mut fields = Vec::new();
    if !status.draining {
        let reasons = status.not_ready.iter();
        fields.extend(reasons.map(|reason| ("", reason.clone())));
    }
    fields.push(("config", config(status)));
    fields.push(("generation", generation(status)));
    fields.push(("last reload", last_reload(status)));
    let disk = disk(status).unwrap_or_else(|| "the same as what is in force".to_owned());
    fields.push(("disk", disk));
    fields
}

/// The configuration file.
pub(crate) fn config(status: &Status) -> String {
    let config = status.config.as_deref();
    config.unwrap_or("none: the built-in one").to_owned()
}

/// The generation in force, and older ones that are still in use.
pub(crate) fn generation(status: &Status) -> String {
    let held = match status.old_generations_held {
        0 => String::new(),
        1 => "; an older one is still in use".to_owned(),
        held => format!("; {held} older ones are still in use"),
    };
    let (number, since) = (status.generation, moment(&status.generation_since));
    format!("{number} since {since}{held}")
}

/// How the last reload ended.
pub(crate) fn last_reload(status: &Status) -> String {
    let last = &status.last_reload;
    if last.successful {
        format!("successful, {}", moment(&last.at))
    } else {
        let (at, success) = (moment(&last.at), moment(&last.last_success));
        format!("refused, {at}; last success {success}")
    }
}

/// Since when the files on disk differ from what is in force, and which; `None` if they do not.
pub(crate) fn disk(status: &Status) -> Option<String> {
    let since = moment(status.disk.since.as_deref()?);
    let what = status.disk.what.join(", ");
    Some(format!(
        "differs from what is in force since {since} ({what})"
    ))
}

/// The fields about a listener.
pub(crate) fn listener(listener: &ListenerStatus) -> Vec<Field> {
    let address = listener.address.as_deref().unwrap_or("not bound yet");
    let tls = if listener.tls { ", TLS" } else { "" };
    let mut fields = vec![
        ("at", format!("{address}, {}{tls}", listener.framing)),
        ("chain", chain(&listener.chain)),
        ("to", listener.to.clone()),
    ];
    if !listener.reply_chain.is_empty() {
        fields.push(("reply chain", chain(&listener.reply_chain)));
    }
    let mut connections = connected(listener);
    if listener.connections_kept > 0 {
        connections += &format!(", {} with earlier settings", listener.connections_kept);
    }
    connections += &after(by_reason("refused", &listener.refused));
    fields.push(("connections", connections));
    let (total, bytes_total) = (&listener.lines, &listener.bytes);
    let mut text = format!("{} in, {} out", count(total.read), count(total.written));
    if total.queued > 0 {
        text += &format!(", {} queued for outputs", count(total.queued));
    }
    text += &after(by_reason("dropped", &total.dropped));
    fields.push(("lines", text));
    let mut text = format!(
        "{} in, {} out",
        bytes(bytes_total.read),
        bytes(bytes_total.written)
    );
    if bytes_total.queued > 0 {
        text += &format!(", {} queued for outputs", bytes(bytes_total.queued));
    }
    fields.push(("bytes", text));
    let rates = &listener.rates;
    let text = format!(
        "{} lines/s in, {} out; {}/s in, {}/s out (last 10 s)",
        rate(rates.lines_in),
        rate(rates.lines_out),
        bytes(rates.bytes_in.round() as u64),
        bytes(rates.bytes_out.round() as u64)
    );
    fields.push(("rates", text));
    let replies = &listener.replies;
    if replies.lines_in + replies.bytes_in > 0 {
        let text = format!(
            "{} lines in, {} out; {} in, {} out",
            count(replies.lines_in),
            count(replies.lines_out),
            bytes(replies.bytes_in),
            bytes(replies.bytes_out)
        );
        fields.push(("replies", text));
    }
    let upstreams = listener.upstreams.iter();
    fields.extend(upstreams.map(|one| ("upstream", own_upstream(one))));
    fields
}

/// How many connections of how many a listener has.
pub(crate) fn connected(listener: &ListenerStatus) -> String {
    format!(
        "{} connected of {}",
        grouped(listener.connections.unsigned_abs()),
        grouped(listener.max_connections as u64)
    )
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

/// The state of an upstream of single connections.
pub(crate) fn own_upstream(upstream: &OwnUpstreamStatus) -> String {
    let (to, state, since) = (&upstream.to, &upstream.state, moment(&upstream.since));
    let mut text = format!("{to} {state} since {since}: {} open", upstream.open);
    if upstream.connecting > 0 {
        text += &format!(", {} connecting", upstream.connecting);
    }
    text += &format!(", {} failed", count(upstream.failed));
    if let Some(reason) = &upstream.reason {
        text += &format!(" ({reason})");
    }
    text
}

/// How many connections a removed listener still has, and for how long.
pub(crate) fn leaving(leaving: &LeavingStatus) -> String {
    let connections = match leaving.connections {
        Some(connections) => format!("{connections} still connected"),
        None => "still has connections, next to the new one of this name".to_owned(),
    };
    let left = leaving
        .seconds_left
        .and_then(|left| Duration::try_from_secs_f64(left).ok());
    let left = left.map_or_else(String::new, |left| format!(", for {} at most", span(left)));
    format!("{connections}{left}")
}

/// The fields about what the host may use.
pub(crate) fn limits(status: &Status) -> Vec<Field> {
    let mut fields = memory(&status.memory);
    if let (Some(open), Some(limit)) = (status.descriptors.open, status.descriptors.limit) {
        let text = format!("{} of {}", grouped(open), grouped(limit));
        fields.push(("descriptors", text));
    }
    if let Some(limit) = status.memory.mappings_limit {
        let (used, refused) = (status.memory.mappings, status.memory.mappings_refused);
        let refused = match refused {
            0 => String::new(),
            refused => format!(", {} requests refused", count(refused)),
        };
        let text = format!("{} of {}{refused}", grouped(used), grouped(limit));
        fields.push(("mappings", text));
    }
    for certificate in &status.certificates {
        let left = expires_in(certificate, now(status));
        let (listener, key) = (&certificate.listener, &certificate.key);
        let at = moment(&certificate.not_after);
        let text = match left {
            Some(left) => format!(
                "`{key}` of listener {listener} expires {at}, in {}",
                span(left)
            ),
            None => format!("`{key}` of listener {listener} EXPIRED {at}"),
        };
        fields.push(("certificate", text));
    }
    fields
}

/// How long a certificate is still valid; `None` if it has expired.
pub(crate) fn expires_in(
    certificate: &CertificateStatus,
    now: Option<SystemTime>,
) -> Option<Duration> {
    let end = humantime::parse_rfc3339(&certificate.not_after).ok()?;
    end.duration_since(now?).ok()
}

/// How much memory of how much is used.
pub(crate) fn memory_used(memory: &MemoryStatus) -> String {
    let limit = match memory.limit {
        Some(limit) => format!("{} ({})", bytes(limit), percent(memory.used, limit)),
        None => "no limit".to_owned(),
    };
    format!("{} of {limit}", bytes(memory.used))
}

fn memory(memory: &MemoryStatus) -> Vec<Field> {
    let text = format!(
        "{}; {} at most, {} resident",
        memory_used(memory),
        bytes(memory.peak),
        bytes(memory.resident)
    );
    let mut fields = vec![("memory", text)];
    let held = memory.holders.iter().filter(|(_, holder)| holder.used > 0);
    let held: Vec<_> = held
        .map(|(name, holder)| format!("{name} {}", bytes(holder.used)))
        .collect();
    if !held.is_empty() {
        fields.push(("  held by", held.join(", ")));
    }
    let refused = memory
        .holders
        .iter()
        .filter(|(_, holder)| holder.refused > 0);
    let refused: Vec<_> = refused
        .map(|(name, holder)| format!("{name} {}", count(holder.refused)))
        .collect();
    if !refused.is_empty() {
        fields.push(("  refused", format!("{}; or delayed", refused.join(", "))));
    }
    fields
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
    lines.extend(fields(vec![("", error.to_owned())]));
    lines
}

#[cfg(test)]
mod tests;
