//! Quarantine: where a filter's failed lines go when its `on_error` is `quarantine`.
//!
//! In: a failed line, why it failed, and where it came from. Out: one JSON object per line, each
//! followed by a line feed, offered to a sink. The stream never waits: a line that the sink does not
//! accept is lost, since it must not continue through the chain. Losses are logged at most once per
//! second.
//! Not here: the sink, which the host's egress owns; which lines failed (`supervisor`).

use std::borrow::Cow;
use std::net::SocketAddr;
use std::time::SystemTime;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use humantime::format_rfc3339_micros;
use prometheus_client::metrics::counter::Counter;
use serde::Serialize;

use crate::Digest;
use crate::FaultKind;
use crate::origin::Origin;
use linemill_telemetry::Gate;

/// Offers bytes to a sink without waiting. Returns whether the sink accepted them.
pub type Offer = Box<dyn Fn(Vec<u8>) -> bool + Send + Sync>;

/// The quarantine of one filter.
pub struct Quarantine {
    offer: Offer,
    /// The destination's name, for the log.
    to: String,
    /// Limits how often lost lines are logged.
    log: Gate,
}

/// Why a line failed, and where it came from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) filter: &'a str,
    pub(crate) plugin: Digest,
    pub(crate) kind: FaultKind,
    pub(crate) reason: &'a str,
    pub(crate) origin: &'a Origin,
}

/// The JSON object of a line. `base64` is there only if the content is not UTF-8.
#[derive(Serialize)]
struct Entry<'a> {
    time: String,
    filter: &'a str,
    plugin: String,
    kind: &'a str,
    reason: &'a str,
    listener: Option<&'a str>,
    connection: Option<SocketAddr>,
    line: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

impl Quarantine {
    /// A quarantine whose lines go to the destination `to`, by `offer`.
    pub fn new(to: String, offer: Offer) -> Self {
        Self {
            offer,
            to,
            log: Gate::default(),
        }
    }

    /// Offers a failed line to the sink, and counts it in `kept` if the sink accepted it.
    pub(crate) fn take(&self, case: Case<'_>, content: &[u8], kept: &Counter) {
        if entry(case, content, SystemTime::now()).is_some_and(|entry| (self.offer)(entry)) {
            kept.inc();
        } else if let Some(held) = self.log.pass() {
            tracing::error!(
                filter = case.filter,
                to = self.to,
                not_logged = held,
                "quarantine full or gone: a line was lost"
            );
        }
    }
}

/// The JSON object of a line, with a line feed.
fn entry(case: Case<'_>, content: &[u8], now: SystemTime) -> Option<Vec<u8>> {
    let line = String::from_utf8_lossy(content);
    let entry = Entry {
        time: format_rfc3339_micros(now).to_string(),
        filter: case.filter,
        plugin: case.plugin.to_string(),
        kind: case.kind.label(),
        reason: case.reason,
        listener: case.origin.listener.as_deref(),
        connection: case.origin.peer,
        base64: matches!(line, Cow::Owned(_)).then(|| BASE64_STANDARD.encode(content)),
        line,
    };
    // Writing to memory does not fail.
    let mut bytes = serde_json::to_vec(&entry).ok()?;
    bytes.push(b'\n');
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_object() {
        let origin = Origin {
            listener: Some("logs".into()),
            peer: Some("192.0.2.1:7".parse().expect("an address")),
            ..Origin::default()
        };
        let case = Case {
            filter: "json",
            plugin: Digest([0xab; 32]),
            kind: FaultKind::Verdict,
            reason: "no \"object\"\n",
            origin: &origin,
        };
        let text = |content: &[u8]| {
            let bytes = entry(case, content, SystemTime::UNIX_EPOCH).expect("it is written");
            String::from_utf8(bytes).expect("it is text")
        };
        let plugin = "ab".repeat(32);
        let head = format!(
            r#"{{"time":"1970-01-01T00:00:00.000000Z","filter":"json","plugin":"{plugin}","kind":"verdict","reason":"no \"object\"\n","listener":"logs","connection":"192.0.2.1:7","line":"#
        );
        assert_eq!(text("ü\r".as_bytes()), format!("{head}\"ü\\r\"}}\n"));
        assert_eq!(
            text(b"a\xff"),
            format!("{head}\"a\u{fffd}\",\"base64\":\"Yf8=\"}}\n")
        );
    }
}
