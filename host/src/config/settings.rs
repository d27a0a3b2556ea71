//! The validated configuration: what the rest of the host works with.
//!
//! In: nothing; these are plain values, made by [`super::load`] or by `Default`.
//! Out: [`Settings`], in which every reference resolves and every number is in range.
//! Not here: TOML (see `file`), comparing two configurations (see `diff`), reading plugins.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::report::{Place, Places};

/// A whole configuration. Every filter that a chain names is in `filters`.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Table `[host]`.
    pub host: HostSettings,
    /// Tables `[[listener]]`, in the order of the file; names are unique.
    pub listeners: Vec<ListenerSettings>,
    /// Tables `[filter.NAME]` by name.
    pub filters: BTreeMap<String, FilterSettings>,
}

/// Table `[host]`.
#[derive(Debug, Clone, PartialEq)]
pub struct HostSettings {
    /// Address of the admin endpoint; `None` when it is off.
    pub admin: Option<Address>,
    /// Grace period for connections at SIGTERM.
    pub drain: Duration,
    /// Folders where a bare plugin name is looked up, before the bundled ones. Relative paths
    /// have been resolved against the folder of the configuration file.
    pub plugins: Vec<PathBuf>,
    /// Where `admin` stands in the file.
    pub admin_place: Place,
}

/// A local address to listen on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// `IP:PORT` or `[IPv6]:PORT`; port 0 lets the system choose.
    Tcp(SocketAddr),
    /// `unix:PATH`.
    Unix(PathBuf),
    /// `systemd` or `systemd:NAME`: a socket that systemd has opened and hands over. With a name,
    /// the one of that `FileDescriptorName`; without, the only one.
    Systemd(Option<String>),
}

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
    /// How lines become bytes for everything but the client; `None`: as `lines.framing`.
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

/// A stage of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageSettings {
    /// Name of a filter; it is in [`Settings::filters`].
    pub filter: String,
    /// Which lines the filter sees, the others go round it; `None`: all.
    pub when: Option<When>,
}

/// A condition on the content of a line: a regular expression that matches somewhere in it.
/// Two are equal when their patterns are the same text.
#[derive(Debug, Clone)]
pub struct When(regex::bytes::Regex);

/// Where lines go after the chain.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Destination {
    /// Back to the client.
    Reply,
    /// The host's standard output.
    Stdout,
    /// `tcp://HOST:PORT`.
    Tcp(String),
    /// `tls://HOST:PORT`.
    Tls(String),
    /// `unix:PATH`.
    Unix(PathBuf),
    /// `file:PATH`.
    File(PathBuf),
}

/// How bytes become lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineSettings {
    /// What ends a line.
    pub framing: Framing,
    /// Longest content in bytes, terminator not counted; at least 1.
    pub max_line: usize,
    /// What becomes of a longer line.
    pub oversize: Oversize,
    /// What becomes of the unterminated rest at a clean end of stream.
    pub partial: Partial,
}

/// What ends a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// LF; a CR right before it belongs to the terminator.
    Lf,
    /// CR LF only.
    Crlf,
    /// NUL.
    Nul,
    /// RFC 6587 octet counting.
    Octet,
}

/// What becomes of a line longer than `max_line`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oversize {
    /// Every `max_line` bytes become a line of their own.
    Split,
    /// The first `max_line` bytes are kept, with the terminator.
    Truncate,
    /// The line is left out.
    Drop,
    /// The connection ends, with no part of the line.
    Close,
}

/// What becomes of the unterminated rest at a clean end of stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partial {
    /// It is a line without a terminator.
    Emit,
    /// It is left out and counted.
    Drop,
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

/// TLS to next hops.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct HopTls {
    /// Authorities that vouch for the next hop, PEM; `None`: those that the system trusts.
    pub ca: Option<PathBuf>,
    /// Certificate chain to show it, PEM; there is one exactly when there is a `key`.
    pub cert: Option<PathBuf>,
    /// Private key of `cert`, PEM.
    pub key: Option<PathBuf>,
    /// The name its certificate must have; `None`: the host of the destination.
    pub name: Option<String>,
}

/// One `[filter.NAME]`.
#[derive(Debug, Clone, PartialEq)]
pub struct FilterSettings {
    /// The table's name.
    pub name: String,
    /// Where the component is: a name to look up, or a path.
    pub plugin: PluginRef,
    /// The digest the component must have.
    pub sha256: Option<[u8; 32]>,
    /// What the filter is given at its start: always a JSON object.
    pub settings: serde_json::Value,
    /// What becomes of a line that fails.
    pub on_error: OnError,
    /// Linear memory of one instance, bytes.
    pub memory: usize,
    /// CPU time of one call.
    pub deadline: Duration,
    /// What the filter may import.
    pub grant: Vec<Grant>,
    /// Who shares an instance.
    pub isolation: Isolation,
    /// Largest plugin file taken, bytes.
    pub size: u64,
    /// Examples that must hold before the filter goes live.
    pub tests: Vec<FilterTest>,
    /// Where `plugin` (or else the table) stands in the file.
    pub place: Place,
    /// Where the other keys stand.
    pub places: Places,
}

/// How a configuration names a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PluginRef {
    /// A bare name: looked up as `NAME.wasm` in the host's plugin folders, then among the bundled.
    Name(String),
    /// A path, resolved against the folder of the configuration file.
    Path(PathBuf),
}

/// What becomes of a line that fails or traps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// It goes on unfiltered.
    Pass,
    /// It is left out.
    Drop,
    /// The connection closes, after the output of the lines before it.
    Close,
}

/// Something a filter may import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// Writing to the host's log.
    Log,
    /// Reading clocks.
    Clock,
    /// Random bytes.
    Random,
    /// A WASI with nothing behind it.
    Wasi,
}

/// Who shares an instance of a filter that says it keeps no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// Connections share instances of a filter that keeps no state.
    Auto,
    /// Every connection has its own, always.
    Connection,
}

/// One example: these lines in, those lines out.
#[derive(Debug, Clone, PartialEq)]
pub struct FilterTest {
    /// Lines given, without terminators.
    pub input: Vec<Vec<u8>>,
    /// Lines that must come.
    pub output: Vec<Vec<u8>>,
    /// Where the example stands in the file.
    pub place: Place,
}

// === impls ===

impl Default for HostSettings {
    fn default() -> Self {
        Self {
            admin: None,
            drain: Duration::from_secs(10),
            plugins: vec![PathBuf::from("plugins")],
            admin_place: Place::default(),
        }
    }
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

impl StageSettings {
    /// A stage whose filter sees every line.
    pub fn always(filter: impl Into<String>) -> Self {
        Self {
            filter: filter.into(),
            when: None,
        }
    }
}

impl When {
    /// The condition that `pattern` matches.
    ///
    /// # Errors
    /// When `pattern` is no regular expression, or too large a one.
    pub fn new(pattern: &str) -> Result<Self, regex::Error> {
        regex::bytes::Regex::new(pattern).map(Self)
    }

    /// Whether it holds for a line's content.
    pub fn is_match(&self, content: &[u8]) -> bool {
        self.0.is_match(content)
    }

    /// The pattern.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl PartialEq for When {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for When {}

impl Default for Watermarks {
    fn default() -> Self {
        Self {
            high: 32 * 1024,
            low: 8 * 1024,
        }
    }
}

impl Default for LineSettings {
    fn default() -> Self {
        Self {
            framing: Framing::Lf,
            max_line: 16 * 1024,
            oversize: Oversize::Split,
            partial: Partial::Emit,
        }
    }
}

impl Tls {
    /// Longest handshake when nothing else is said.
    pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
}

impl FilterSettings {
    /// A filter of which nothing is said but where its plugin is.
    pub fn new(name: &str, plugin: PluginRef) -> Self {
        Self {
            name: name.to_owned(),
            plugin,
            sha256: None,
            settings: serde_json::Value::Object(serde_json::Map::new()),
            on_error: OnError::Pass,
            memory: 16 * 1024 * 1024,
            deadline: Duration::from_millis(50),
            grant: Vec::new(),
            isolation: Isolation::Auto,
            size: 4 * 1024 * 1024,
            tests: Vec::new(),
            place: Place::default(),
            places: Places::default(),
        }
    }
}
