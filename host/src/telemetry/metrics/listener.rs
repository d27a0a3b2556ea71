//! What listeners count: connections, the lines of both directions, and lines that the host leaves
//! out.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::pump::{PumpFamilies, PumpMetrics};
use crate::generation::Direction;
use linemill_telemetry::add;

#[derive(Debug)]
pub(super) struct ListenerFamilies {
    connections: Family<ByListener, Gauge>,
    accepted: Family<ByListener, Counter>,
    refused: Family<ByListenerReason, Counter>,
    closed: Family<ByListenerReason, Counter>,
    /// From clients, and from next hops.
    pumps: [PumpFamilies; 2],
    oversized: Family<ByListener, Counter>,
    dropped: Family<ByListenerReason, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ByListener {
    listener: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByListenerReason {
    listener: String,
    reason: String,
}

/// What one listener counts.
#[derive(Debug, Clone)]
pub struct ListenerMetrics {
    name: String,
    /// Connections open now.
    pub connections: Gauge,
    /// Connections taken.
    pub accepted: Counter,
    refused: [Counter; Refused::ALL.len()],
    forward: PumpMetrics,
    reply: PumpMetrics,
    /// Lines longer than `max_line`, whatever became of them.
    pub oversized: Counter,
    /// Unterminated rests left out: `partial = "drop"`, or the connection broke.
    pub dropped_partial: Counter,
    /// Lines left out for their length.
    pub dropped_oversize: Counter,
    /// Lines read but not written because the connection ended first.
    pub dropped_closed: Counter,
    /// Lines that the next hop of the connection's own did not take.
    pub dropped_next_hop: Counter,
    /// Lines that `to_framing` cannot hold.
    pub dropped_framing: Counter,
    /// Copies that a `tee` had no room for.
    pub dropped_tee: Counter,
    closed: Family<ByListenerReason, Counter>,
}

/// Why a connection is closed at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// `max_connections` are open.
    Full,
    /// `max_per_address` of its address are.
    Address,
}

impl ListenerFamilies {
    pub(super) fn new(r: &mut Registry) -> Self {
        Self {
            connections: add(r, "connections", "Connections open"),
            accepted: add(r, "connections_accepted", "Connections taken"),
            refused: add(
                r,
                "connections_refused",
                "Connections closed at once, by reason",
            ),
            closed: add(r, "connections_closed", "Connections ended, by reason"),
            pumps: [
                PumpFamilies::new(r, "", "from clients"),
                PumpFamilies::new(r, "reply_", "from next hops"),
            ],
            oversized: add(r, "lines_oversized", "Lines longer than max_line"),
            dropped: add(r, "lines_dropped", "Lines left out by the host, by reason"),
        }
    }

    pub(super) fn of(&self, name: &str) -> ListenerMetrics {
        let label = ByListener {
            listener: name.to_owned(),
        };
        let dropped = |reason: &str| {
            let label = ByListenerReason {
                listener: name.to_owned(),
                reason: reason.to_owned(),
            };
            self.dropped.get_or_create_owned(&label)
        };
        ListenerMetrics {
            name: name.to_owned(),
            connections: self.connections.get_or_create_owned(&label),
            accepted: self.accepted.get_or_create_owned(&label),
            refused: Refused::ALL.map(|reason| {
                let label = ByListenerReason {
                    listener: name.to_owned(),
                    reason: reason.label().to_owned(),
                };
                self.refused.get_or_create_owned(&label)
            }),
            forward: self.pumps[0].of(&label),
            reply: self.pumps[1].of(&label),
            oversized: self.oversized.get_or_create_owned(&label),
            dropped_partial: dropped("partial"),
            dropped_oversize: dropped("oversize"),
            dropped_closed: dropped("closed"),
            dropped_next_hop: dropped("next_hop"),
            dropped_framing: dropped("framing"),
            dropped_tee: dropped("tee"),
            closed: self.closed.clone(),
        }
    }
}

impl Refused {
    const ALL: [Self; 2] = [Self::Full, Self::Address];

    fn label(self) -> &'static str {
        match self {
            Self::Full => "max_connections",
            Self::Address => "max_per_address",
        }
    }
}

impl ListenerMetrics {
    /// What is counted of one direction.
    pub fn pump(&self, direction: Direction) -> &PumpMetrics {
        match direction {
            Direction::Forward => &self.forward,
            Direction::Reply => &self.reply,
        }
    }

    /// The listener's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Counts a connection that was closed at once.
    pub fn refused(&self, why: Refused) {
        self.refused[why as usize].inc();
    }

    /// Counts a connection's end.
    pub fn closed(&self, reason: &str) {
        let label = ByListenerReason {
            listener: self.name.clone(),
            reason: reason.to_owned(),
        };
        self.closed.get_or_create(&label).inc();
    }
}
