//! What a listener does with its connections, as one generation has it.
//!
//! In: validated settings, with the chains and certificates built of them. Out: [`Service`], which
//! listeners and connections read and never change.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::complaints::Complaints;
use crate::net::bind::BindSettings;
use crate::net::tls;
use crate::rate::bursts::Bursts;
use crate::rate::{Limits, Throttle};
use crate::sinks::egress::{Egress, Sink};
use crate::sinks::framings::Framings;
use linemill_budget::{Budget, Holder, Lease, NoRoom, Urgency};
use linemill_config::settings::{
    Address, Destination, ListenerSettings, Networks, ProxyProtocol, Rate, Readiness, Watermarks,
};
use linemill_framing::{Framing, LineSettings, Unfit};
use linemill_sandbox::ClientNetwork;
use linemill_sandbox::chain::Chain;
use linemill_sandbox::verdict::Rules;

/// What a listener does with its connections.
pub struct Service {
    /// The filters that a client's lines go through.
    pub chain: Arc<Chain>,
    /// The filters that an upstream's answers go through.
    pub reply_chain: Arc<Chain>,
    /// Where lines go after their chain.
    pub egress: Arc<Egress>,
    /// All destinations of its lines, those of its filters' failed lines included.
    pub destinations: Vec<Destination>,
    /// How clients connect, and frame their lines.
    pub ingress: Arc<Ingress>,
    /// Limits what the log says about clients; kept from generation to generation.
    pub complaints: Arc<Complaints>,
    /// How a client's bytes become lines.
    pub lines: LineSettings,
    /// How lines are framed for their sinks.
    pub to_framing: Framing,
    /// What happens to a line that contains a terminator of the framing in which it leaves.
    pub to_unfit: Unfit,
    /// Longest time without a byte in either direction.
    pub idle_timeout: Option<Duration>,
    /// Longest time from a line's first byte to its terminator.
    pub line_timeout: Option<Duration>,
    /// Longest time without write progress.
    pub write_timeout: Option<Duration>,
    /// Longest single attempt to connect to an upstream.
    pub connect_timeout: Duration,
    /// Connections served at a time.
    pub max_connections: usize,
    /// The most of these from one client, which is an IPv4 address or an IPv6 network; `None` for no limit.
    pub max_per_address: Option<usize>,
    /// Which clients may connect, by their address.
    pub admission: Admission,
    /// The peers whose PROXY protocol headers are believed; `None` when connections have no header.
    pub proxies: Option<Networks>,
    /// Longest TLS handshake, and longest wait for a PROXY protocol header.
    pub handshake_timeout: Duration,
    /// TLS with clients; `None` for plain.
    pub tls: Option<Arc<tls::Server>>,
    /// TLS with its `tls://` sinks; `None` when it has none.
    pub to_tls: Option<Arc<tls::Client>>,
    /// How much output may be queued per direction of a connection before reading stops, in bytes.
    pub watermarks: Watermarks,
    /// The outputs of this listener that must be up for the host to be ready.
    pub readiness: Readiness,
    /// How fast each connection may send.
    pub rate: Option<Rate>,
    /// What clients have left of the bursts of `rate`; kept from generation to generation.
    pub(crate) bursts: Arc<Bursts>,
    /// How fast all connections together may send.
    pub total: Option<Total>,
    /// The memory of the host.
    pub budget: Arc<Budget>,
}

/// What an open connection needs in any case, in bytes: its task, its socket's buffers on this side, and a
/// short partial line. An idle one has 3 KiB.
const CONNECTION: u64 = 8 << 10;
/// What TLS needs in addition.
const TLS: u64 = 40 << 10;

/// A `total_rate` with what has been used of it. A reload that does not change the rate keeps both.
#[derive(Clone)]
pub struct Total {
    rate: Rate,
    limits: Arc<Limits>,
}

/// Which clients may connect, by their address.
#[derive(Debug, Clone, Default)]
pub struct Admission {
    /// Everybody if `None`.
    pub allow: Option<Networks>,
    /// Takes precedence over `allow`.
    pub deny: Networks,
}

/// The directions of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the client.
    Forward,
    /// From the upstream to the client.
    Reply,
}

/// What cannot change for a connection that has been accepted: a connection keeps what it began with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ingress {
    bind: BindSettings,
    tls: bool,
    framing: Framing,
}

impl Ingress {
    fn of(settings: &ListenerSettings) -> Self {
        Self {
            bind: BindSettings::of(settings),
            tls: settings.tls.is_some(),
            framing: settings.lines.framing,
        }
    }
}

impl Service {
    /// The service that `settings` ask for, with these chains and this TLS. What has been used of a
    /// `total_rate` is taken over from `before`, the service in force.
    pub fn new(
        settings: &ListenerSettings,
        chain: Arc<Chain>,
        reply_chain: Arc<Chain>,
        egress: Egress,
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
        let own = settings.destinations().map(|(_, to)| to);
        let stages = chain.stages().iter().chain(reply_chain.stages());
        let of_filters = stages.filter_map(|stage| stage.filter().settings().quarantine.as_ref());
        let destinations = own.chain(of_filters).cloned().collect();
        Self {
            chain,
            reply_chain,
            destinations,
            complaints: before.map_or_else(Arc::default, |before| Arc::clone(&before.complaints)),
            egress: Arc::new(egress),
            ingress: Arc::new(Ingress::of(settings)),
            lines: settings.lines,
            to_framing: settings.to_framing.unwrap_or(settings.lines.framing),
            to_unfit: settings.to_unfit,
            idle_timeout: settings.idle_timeout,
            line_timeout: settings.line_timeout,
            write_timeout: settings.write_timeout,
            connect_timeout: settings.connect_timeout,
            max_connections: settings.max_connections,
            max_per_address: settings.max_per_address,
            admission: Admission {
                allow: settings.allow.clone(),
                deny: settings.deny.clone(),
            },
            proxies: (settings.proxy_protocol == ProxyProtocol::Accept)
                .then(|| settings.trust.clone()),
            handshake_timeout: settings.handshake_timeout,
            tls,
            to_tls,
            watermarks: settings.watermarks,
            readiness: settings.readiness,
            rate: settings.rate,
            bursts: before.map_or_else(Arc::default, |before| Arc::clone(&before.bursts)),
            total,
            budget: Budget::unlimited(),
        }
    }

    /// Whether its lines go to the upstream of this name.
    pub fn leads_to_upstream(&self, name: &str) -> bool {
        let upstreams = self.destinations.iter().flat_map(Destination::upstreams);
        upstreams.into_iter().any(|to| to.to_string() == name)
    }

    /// Whether its lines go to the Unix socket of `other`, by whatever path.
    #[cfg(unix)]
    pub fn leads_to_file_of(&self, other: &Self) -> bool {
        use std::os::unix::fs::MetadataExt as _;

        let identity = |path: &std::path::Path| {
            let data = path.metadata().ok()?;
            Some((data.dev(), data.ino()))
        };
        let Address::Unix(bind) = &other.ingress.bind.address else {
            return false;
        };
        let bind = identity(bind);
        let leads = |to: &Destination| match to {
            Destination::Unix(path) => bind.is_some() && identity(path) == bind,
            _ => false,
        };
        let upstreams = self.destinations.iter().flat_map(Destination::upstreams);
        upstreams.into_iter().any(leads)
    }

    /// The same service, whose connections have their memory from `budget`.
    pub fn within(mut self, budget: &Arc<Budget>) -> Self {
        self.budget = Arc::clone(budget);
        self
    }

    /// Memory that a connection needs in any case, without own instances.
    ///
    /// # Errors
    /// When there is no room for another connection.
    pub(crate) fn connection_memory(&self) -> Result<Lease, NoRoom> {
        let tls = u64::from(self.tls.is_some()) * TLS;
        let upstream = u64::from(matches!(self.egress.to, Sink::Upstreams(_))) * CONNECTION;
        let bytes = CONNECTION + tls + upstream;
        self.budget
            .try_lease(Holder::Connections, bytes, Urgency::New)
    }

    /// Whether `other` shows and trusts the same certificates.
    pub fn same_tls(&self, other: &Self) -> bool {
        self.tls.as_ref().map(Arc::as_ptr) == other.tls.as_ref().map(Arc::as_ptr)
            && self.to_tls.as_ref().map(Arc::as_ptr) == other.to_tls.as_ref().map(Arc::as_ptr)
    }

    /// The filters of one direction.
    pub fn chain(&self, direction: Direction) -> &Arc<Chain> {
        match direction {
            Direction::Forward => &self.chain,
            Direction::Reply => &self.reply_chain,
        }
    }

    /// How the lines of one direction are framed.
    pub fn framings(&self, direction: Direction) -> Framings {
        let (from, to) = match direction {
            Direction::Forward => (self.lines.framing, self.to_framing),
            Direction::Reply => (self.to_framing, self.lines.framing),
        };
        Framings {
            from,
            to,
            unfit: self.to_unfit,
        }
    }

    /// How bytes framed by `framing` become lines.
    pub fn lines(&self, framing: Framing) -> LineSettings {
        LineSettings {
            framing,
            ..self.lines
        }
    }

    /// What filters may return for lines framed by `framing`.
    pub fn rules(&self, framing: Framing) -> Rules {
        Rules::of(LineSettings {
            framing,
            ..self.lines
        })
    }

    /// The rates for one direction of a connection. Answers have none.
    /// `client` is the address of the client, if it has one.
    pub(crate) fn throttle(&self, direction: Direction, client: Option<SocketAddr>) -> Throttle {
        if direction == Direction::Reply {
            return Throttle::default();
        }
        let own = self.rate.as_ref().map(|rate| {
            let client = client.map(|client| ClientNetwork::of(client.ip()));
            (Limits::new(rate), self.bursts.of(client))
        });
        let own = own.as_ref().map(|(limits, used)| (limits, used));
        Throttle::new(own, self.total.as_ref().map(|total| &*total.limits))
    }
}
