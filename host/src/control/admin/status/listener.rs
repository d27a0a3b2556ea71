//! What `/status` says about listeners: those in force, and those that a reload has removed.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::time;
use crate::control::admin::Admin;
use crate::control::sampler::{Rates, Subject};
use crate::generation::{Generation, Service};
use crate::listeners::view::ListenerView;
use crate::sinks::egress::Sink;
use crate::sinks::outage::UpstreamState;
use linemill_config::Keyword as _;
use linemill_sandbox::chain::Chain;

/// A listener of the generation in force.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ListenerStatus {
    /// The address that it listens on, with the port that the system chose; `null` until it does.
    pub address: Option<String>,
    /// How its clients frame lines.
    pub framing: String,
    /// Whether its clients use TLS.
    pub tls: bool,
    /// Its filters, in order.
    pub chain: Vec<String>,
    /// The filters that answers of its upstreams pass through.
    pub reply_chain: Vec<String>,
    /// Where its lines go: `reply`, or a destination. A list of upstreams has commas.
    pub to: String,
    /// Connections open now.
    pub connections: i64,
    /// Those among them that keep earlier settings until they end.
    pub connections_kept: i64,
    /// The most connections that may be open.
    pub max_connections: usize,
    /// Connections accepted so far.
    pub accepted: u64,
    /// Connections closed at once, by reason.
    pub refused: BTreeMap<String, u64>,
    /// Datagrams received so far.
    pub datagrams: u64,
    /// Lines from its clients.
    pub lines: LineCounts,
    /// Bytes from its clients.
    pub bytes: ByteCounts,
    /// Lines and bytes from upstreams of single connections to its clients.
    pub replies: ReplyCounts,
    /// How fast lines come and go now.
    pub rates: RateStatus,
    /// The upstreams to which each connection has a connection of its own; empty if there are none.
    pub upstreams: Vec<OwnUpstreamStatus>,
}

/// Lines of the clients of a listener, since the host or the listener started.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LineCounts {
    /// Read from clients.
    #[serde(rename = "in")]
    pub read: u64,
    /// Written to clients, or to upstreams of single connections.
    #[serde(rename = "out")]
    pub written: u64,
    /// Taken into the queues of outputs, which count what they deliver.
    pub queued: u64,
    /// Longer than `max_line`.
    pub oversized: u64,
    /// Dropped by the host, by reason.
    pub dropped: BTreeMap<String, u64>,
}

/// Bytes of the clients of a listener.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ByteCounts {
    /// Read from clients.
    #[serde(rename = "in")]
    pub read: u64,
    /// Written to clients, or to upstreams of single connections.
    #[serde(rename = "out")]
    pub written: u64,
    /// Taken into the queues of outputs.
    pub queued: u64,
}

/// What came from upstreams of single connections.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ReplyCounts {
    /// Lines read from upstreams.
    pub lines_in: u64,
    /// Lines written to clients.
    pub lines_out: u64,
    /// Bytes read from upstreams.
    pub bytes_in: u64,
    /// Bytes written to clients.
    pub bytes_out: u64,
}

/// Means per second, over the last 10 seconds.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RateStatus {
    /// Lines read.
    pub lines_in: f64,
    /// Lines written or queued.
    pub lines_out: f64,
    /// Bytes read.
    pub bytes_in: f64,
    /// Bytes written or queued.
    pub bytes_out: f64,
}

/// An upstream to which each connection of a listener has a connection of its own.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OwnUpstreamStatus {
    /// The upstream, as written in the configuration.
    pub to: String,
    /// `up`, `down`, or `unknown` if no connection to it has been tried, or none has proven itself.
    pub state: String,
    /// Why it is down.
    pub reason: Option<String>,
    /// Since when it is up, down or unknown.
    pub since: String,
    /// Connections to it that are open now.
    pub open: i64,
    /// Attempts to connect to it that are under way.
    pub connecting: i64,
    /// Attempts that have failed, and connections that ended before they proved themselves.
    pub failed: u64,
}

/// A listener that a reload has removed, and whose connections drain.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LeavingStatus {
    /// Its name.
    pub name: String,
    /// The address that it listened on.
    pub address: Option<String>,
    /// Connections that are still open; `null` if a listener of the same name is in force again.
    pub connections: Option<i64>,
    /// Seconds after which they are cut; `null` if a listener of the same name is in force again.
    pub seconds_left: Option<f64>,
}

/// The listeners in force, by name.
pub(super) fn listeners(
    admin: &Admin,
    generation: &Generation,
    views: &[Arc<ListenerView>],
) -> BTreeMap<String, ListenerStatus> {
    let services = generation.services.iter();
    let status = services.map(|(name, service)| {
        let view = in_force(views, name);
        (name.clone(), listener(admin, name, service, view))
    });
    status.collect()
}

/// The listeners that have been removed.
pub(super) fn leaving(generation: &Generation, views: &[Arc<ListenerView>]) -> Vec<LeavingStatus> {
    let gone = views.iter().filter(|view| {
        let current = generation.services.contains_key(view.name());
        let newest = in_force(views, view.name());
        !(current && newest.is_some_and(|newest| Arc::ptr_eq(newest, view)))
    });
    let status = gone.map(|view| {
        // One of the same name counts in the same series.
        let alone = !generation.services.contains_key(view.name());
        let until = generation.leaving.get(view.name());
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        LeavingStatus {
            name: view.name().to_owned(),
            address: view.address(),
            connections: alone.then(|| view.metrics().connections.get()),
            seconds_left: left.map(|left| left.as_secs_f64()),
        }
    });
    status.collect()
}

/// The newest listener of a name.
fn in_force<'a>(views: &'a [Arc<ListenerView>], name: &str) -> Option<&'a Arc<ListenerView>> {
    views.iter().rev().find(|view| view.name() == name)
}

fn listener(
    admin: &Admin,
    name: &str,
    service: &Service,
    view: Option<&Arc<ListenerView>>,
) -> ListenerStatus {
    let names = |chain: &Chain| {
        let stages = chain.stages().iter();
        stages
            .map(|stage| stage.filter().name().to_owned())
            .collect()
    };
    let mut status = ListenerStatus {
        framing: service.lines.framing.keyword().to_owned(),
        tls: service.tls.is_some(),
        chain: names(&service.chain),
        reply_chain: names(&service.reply_chain),
        to: service.egress.to.shown(),
        max_connections: service.max_connections,
        upstreams: match &service.egress.to {
            Sink::Upstreams(list) => list.own_states().into_iter().map(upstream).collect(),
            Sink::Reply | Sink::Shared(_) => Vec::new(),
        },
        ..ListenerStatus::default()
    };
    let Some(view) = view else { return status };
    let (metrics, lines) = (view.metrics(), view.lines());
    let totals = lines.totals();
    let rates = admin
        .sampler
        .rates(&Subject::Listener(name.to_owned()), totals.sampled());
    status.address = view.address();
    status.connections = metrics.connections.get();
    status.connections_kept = lines.kept.get();
    status.accepted = metrics.accepted.get();
    status.refused = metrics.refused.values().map(of_label).collect();
    status.datagrams = metrics.datagrams.get();
    status.lines = LineCounts {
        read: totals.lines_in,
        written: totals.lines_out,
        queued: totals.lines_queued,
        oversized: lines.oversized.get(),
        dropped: lines.dropped.values().map(of_label).collect(),
    };
    status.bytes = ByteCounts {
        read: totals.bytes_in,
        written: totals.bytes_out,
        queued: totals.bytes_queued,
    };
    status.replies = ReplyCounts {
        lines_in: totals.reply_lines_in,
        lines_out: totals.reply_lines_out,
        bytes_in: totals.reply_bytes_in,
        bytes_out: totals.reply_bytes_out,
    };
    status.rates = rate(rates);
    status
}

fn of_label(
    (label, counter): (&'static str, &prometheus_client::metrics::counter::Counter),
) -> (String, u64) {
    (label.to_owned(), counter.get())
}

fn rate([lines_in, lines_out, bytes_in, bytes_out]: Rates) -> RateStatus {
    RateStatus {
        lines_in,
        lines_out,
        bytes_in,
        bytes_out,
    }
}

fn upstream(
    (state, counts): (UpstreamState, crate::sinks::upstream::OwnCounts),
) -> OwnUpstreamStatus {
    OwnUpstreamStatus {
        state: state.shown().to_owned(),
        since: time(state.since),
        to: state.to,
        reason: state.reason,
        open: counts.open,
        connecting: counts.connecting,
        failed: counts.failed,
    }
}
