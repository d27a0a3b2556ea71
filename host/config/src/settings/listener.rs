//! A listener's settings.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::{Address, Destination, HopTls, StageSettings};
use crate::place::{Place, Places};
use linemill_framing::{Framing, LineSettings};

/// One `[[listener]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct ListenerSettings {
    /// Unique name; in logs and metrics.
    pub name: String,
    /// Where it listens.
    pub bind: Address,
    /// Whether an IPv6 address takes IPv6 only; otherwise `[::]` takes IPv4 too. Only ever true
    /// with an IPv6 address.
    pub ipv6_only: bool,
    /// Whether others may listen on the same port: `SO_REUSEPORT`. Only ever true with an IP address.
    pub reuse_port: bool,
    /// The stages lines go through, in order; empty passes lines untouched.
    pub chain: Vec<StageSettings>,
    /// Where lines go after the chain, `routes.rest` included.
    pub to: Destination,
    /// How lines are framed where they go, and how a next hop frames its answers; `None`: as
    /// `lines.framing`.
    pub to_framing: Option<Framing>,
    /// TLS to the `tls://` ones of `to`, `routes` and `tee`; `None`: its defaults.
    pub to_tls: Option<HopTls>,
    /// Whether all clients share one connection to `to`. Only ever true with a next hop that is
    /// a socket.
    pub shared: bool,
    /// The stages that answers of the next hop go through on their way to the client. Empty
    /// unless `to` is a socket and not shared.
    pub reply_chain: Vec<StageSettings>,
    /// Where lines go that a filter sends by a route, by the route's name. Never
    /// [`Destination::Reply`]; never has `rest`, which is `to`.
    pub routes: BTreeMap<String, Destination>,
    /// Who gets a copy of what goes on to `to`; distinct, and neither `to` nor
    /// [`Destination::Reply`].
    pub tee: Vec<Destination>,
    /// Longest single attempt to reach a next hop.
    pub connect_timeout: Duration,
    /// Most bytes that wait for one output that connections share: a file, standard output, a
    /// shared next hop, a route, a tee.
    pub buffer: usize,
    /// When a connection that is owed output is not read from.
    pub watermarks: Watermarks,
    /// How bytes become lines.
    pub lines: LineSettings,
    /// Close after this long without a byte either way; `None` (written `"0s"`) never.
    pub idle_timeout: Option<Duration>,
    /// Close this long after a line's first byte when its terminator has not come; `None` never.
    pub line_timeout: Option<Duration>,
    /// Close after this long with output owed and no write progress; `None` never.
    pub write_timeout: Option<Duration>,
    /// Connections served at a time; further ones are closed at once.
    pub max_connections: usize,
    /// Of these, the most of one IP address; `None`: no limit.
    pub max_per_address: Option<usize>,
    /// Limits a connection's input; `None` when absent.
    pub rate: Option<Rate>,
    /// Limits the input of all connections together; `None` when absent.
    pub total_rate: Option<Rate>,
    /// TLS; `None` for plain.
    pub tls: Option<Tls>,
    /// Where `bind` stands in the file.
    pub bind_place: Place,
    /// Where the other keys stand.
    pub places: Places,
}

/// When to stop reading from a connection, and when to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watermarks {
    /// Nothing is read while more bytes than these are owed; at least 1.
    pub high: usize,
    /// Reading goes on once no more bytes than these are owed; at most `high`.
    pub low: usize,
}

/// Limits on the input of a connection, or of all of a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Bytes a second.
    pub bytes: Option<u64>,
    /// Lines a second.
    pub lines: Option<u64>,
    /// Bytes that may come at once.
    pub burst: Option<u64>,
}

/// TLS of a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// Certificate chain, PEM.
    pub cert: PathBuf,
    /// Private key, PEM.
    pub key: PathBuf,
    /// Authorities whose client certificates are required; `None` asks for none.
    pub client_ca: Option<PathBuf>,
    /// Longest handshake.
    pub handshake_timeout: Duration,
}

impl Default for ListenerSettings {
    /// What `linemill serve` runs without a configuration.
    fn default() -> Self {
        Self {
            name: "rot13".to_owned(),
            bind: Address::Tcp(SocketAddr::from(([127, 0, 0, 1], 40713))),
            ipv6_only: false,
            reuse_port: false,
            chain: vec![StageSettings::always("rot13")],
            to: Destination::Reply,
            to_framing: None,
            to_tls: None,
            shared: false,
            reply_chain: Vec::new(),
            routes: BTreeMap::new(),
            tee: Vec::new(),
            connect_timeout: Duration::from_secs(5),
            buffer: 1024 * 1024,
            watermarks: Watermarks::default(),
            lines: LineSettings::default(),
            idle_timeout: Some(Duration::from_secs(60)),
            line_timeout: Some(Duration::from_secs(30)),
            write_timeout: Some(Duration::from_secs(30)),
            max_connections: 10_000,
            max_per_address: None,
            rate: None,
            total_rate: None,
            tls: None,
            bind_place: Place::default(),
            places: Places::default(),
        }
    }
}

impl ListenerSettings {
    /// The stages of both chains.
    pub fn stages(&self) -> impl Iterator<Item = &StageSettings> {
        self.chain.iter().chain(&self.reply_chain)
    }
}

impl Default for Watermarks {
    fn default() -> Self {
        Self {
            high: 32 * 1024,
            low: 8 * 1024,
        }
    }
}

impl Tls {
    /// Longest handshake when nothing else is said.
    pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
}
