//! The one thing that data plane and control plane share: what is in force now.
//!
//! In: chains and settings, put together by the control plane. Out: [`Snapshot`], which every
//! listener and connection watches and follows between two batches of lines.
//! Not here: building chains, serving connections, the order of going over (`publish`).

#[cfg(test)]
mod model;
mod publish;
mod runtime {
    pub(super) use std::sync::Mutex;
    pub(super) use tokio::sync::watch;
}

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::rate::{Limits, Throttle};
use crate::tls;
use linemill_config::settings::{ListenerSettings, Rate, Watermarks};
use linemill_framing::{Framing, LineSettings};
use linemill_sandbox::chain::Chain;
use linemill_sandbox::filter::Filter;
use linemill_sandbox::verdict::Rules;
pub use publish::{InForce, Lease, Leases, Use};

/// What the data plane is to do, as of now.
#[derive(Clone)]
pub struct Snapshot {
    /// The chains in force, and who uses them.
    pub in_force: InForce<Generation>,
    /// Set once the host drains: when connections end, whatever still comes.
    pub drain_until: Option<Instant>,
}

/// Everything that a swap puts in place at once.
pub struct Generation {
    /// 1 at start, one more for each swap.
    pub number: u64,
    /// By listener name.
    pub services: HashMap<String, Arc<Service>>,
    /// Listeners that are gone, and when their last connections end at the latest.
    pub leaving: HashMap<String, Instant>,
    /// Grace period for connections when the host stops, or their listener is removed.
    pub drain: Duration,
    /// By name: all filters of the configuration, whether a chain uses them or not.
    pub filters: HashMap<String, Arc<Filter>>,
}

/// What a listener does with its connections.
pub struct Service {
    /// The filters that a client's lines go through.
    pub chain: Arc<Chain>,
    /// The filters that a next hop's answers go through.
    pub reply_chain: Arc<Chain>,
    /// How a client's bytes become lines.
    pub lines: LineSettings,
    /// How lines are framed where they go.
    pub to_framing: Framing,
    /// Longest time without a byte either way.
    pub idle_timeout: Option<Duration>,
    /// Longest time from a line's first byte to its terminator.
    pub line_timeout: Option<Duration>,
    /// Longest time without write progress.
    pub write_timeout: Option<Duration>,
    /// Longest single attempt to reach a next hop.
    pub connect_timeout: Duration,
    /// Connections served at a time.
    pub max_connections: usize,
    /// Of these, the most of one IP address.
    pub max_per_address: Option<usize>,
    /// TLS with clients; `None` for plain.
    pub tls: Option<Arc<tls::Server>>,
    /// TLS with the `tls://` ones of its outputs; `None` when it has none.
    pub to_tls: Option<Arc<tls::Client>>,
    /// How much output may be owed.
    pub watermarks: Watermarks,
    /// What each connection may send.
    pub rate: Option<Rate>,
    /// What all may send together, and what they have.
    pub total: Option<Total>,
}

/// A `total_rate` with what has been used of it: a swap that leaves it alone keeps it.
#[derive(Clone)]
pub struct Total {
    rate: Rate,
    limits: Arc<Limits>,
}

/// The directions of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// From the client.
    Forward,
    /// From the next hop to the client.
    Back,
}

/// How lines of one direction are framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Framings {
    /// As they come.
    pub from: Framing,
    /// As they go.
    pub to: Framing,
}

impl Snapshot {
    /// A first generation, watched from here on.
    pub fn first(generation: Generation) -> (watch::Sender<Self>, watch::Receiver<Self>) {
        watch::channel(Self {
            in_force: InForce::new(Arc::new(generation)),
            drain_until: None,
        })
    }

    /// Puts `generation` in force for all. Returns who uses the one before.
    pub fn publish(snapshot: &watch::Sender<Self>, generation: Arc<Generation>) -> Arc<Leases> {
        publish::publish(snapshot, |snapshot| &mut snapshot.in_force, generation)
    }

    /// Looks at the orders, and takes a seat at what is in force. `connection` says whether the
    /// seat counts as a connection's.
    pub fn subscribe(snapshot: &mut watch::Receiver<Self>, connection: bool) -> (Self, Lease) {
        publish::subscribe(snapshot, |snapshot| &snapshot.in_force, connection)
    }

    /// The chains in force.
    pub fn generation(&self) -> &Arc<Generation> {
        &self.in_force.value
    }

    /// When the connections of `listener` end at the latest, if they are to end.
    pub fn drain_until(&self, listener: &str) -> Option<Instant> {
        let leaving = self.in_force.value.leaving.get(listener).copied();
        match (self.drain_until, leaving) {
            (Some(all), Some(own)) => Some(all.min(own)),
            (all, own) => all.or(own),
        }
    }
}

impl Service {
    /// What `settings` ask for, with these chains and this TLS, after the service that was in force
    /// `before`.
    pub fn new(
        settings: &ListenerSettings,
        chain: Arc<Chain>,
        reply_chain: Arc<Chain>,
        tls: Option<Arc<tls::Server>>,
        to_tls: Option<Arc<tls::Client>>,
        before: Option<&Self>,
    ) -> Self {
        let total = settings.total_rate.map(|rate| {
            let kept = before.and_then(|before| before.total.clone());
            kept.filter(|kept| kept.rate == rate)
                .unwrap_or_else(|| Total {
                    rate,
                    limits: Arc::new(Limits::new(&rate)),
                })
        });
        Self {
            chain,
            reply_chain,
            lines: settings.lines,
            to_framing: settings.to_framing.unwrap_or(settings.lines.framing),
            idle_timeout: settings.idle_timeout,
            line_timeout: settings.line_timeout,
            write_timeout: settings.write_timeout,
            connect_timeout: settings.connect_timeout,
            max_connections: settings.max_connections,
            max_per_address: settings.max_per_address,
            tls,
            to_tls,
            watermarks: settings.watermarks,
            rate: settings.rate,
            total,
        }
    }

    /// Whether it shows and trusts the same certificates.
    pub fn same_tls(&self, other: &Self) -> bool {
        self.tls.as_ref().map(Arc::as_ptr) == other.tls.as_ref().map(Arc::as_ptr)
            && self.to_tls.as_ref().map(Arc::as_ptr) == other.to_tls.as_ref().map(Arc::as_ptr)
    }

    /// The filters of one direction.
    pub fn chain(&self, side: Side) -> &Arc<Chain> {
        match side {
            Side::Forward => &self.chain,
            Side::Back => &self.reply_chain,
        }
    }

    /// How lines of one direction come and go.
    pub fn framings(&self, side: Side) -> Framings {
        let (from, to) = match side {
            Side::Forward => (self.lines.framing, self.to_framing),
            Side::Back => (self.to_framing, self.lines.framing),
        };
        Framings { from, to }
    }

    /// How bytes of one direction become lines.
    pub fn lines(&self, side: Side) -> LineSettings {
        LineSettings {
            framing: self.framings(side).from,
            ..self.lines
        }
    }

    /// What its streams ask of filters. A filter may make a line four times as long as the
    /// longest that comes in.
    pub fn rules(&self, side: Side) -> Rules {
        Rules {
            framing: self.framings(side).from,
            max_output: 4 * self.lines.max_line,
        }
    }

    /// The rates that one direction of a new connection keeps to. Answers have none.
    pub(crate) fn throttle(&self, side: Side) -> Throttle {
        if side == Side::Back {
            return Throttle::default();
        }
        let own = self.rate.as_ref().map(Limits::new);
        let total = self.total.as_ref().map(|total| &*total.limits);
        Throttle::new(own.iter().chain(total))
    }
}
