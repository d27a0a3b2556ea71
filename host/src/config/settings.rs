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
pub use super::when::When;

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
}

/// One `[[listener]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct ListenerSettings {
    /// Unique name; in logs and metrics.
    pub name: String,
    /// Where it listens.
    pub bind: Address,
    /// Names of filters, in order; empty passes lines untouched.
    pub chain: Vec<String>,
    /// Where lines go after the chain.
    pub to: Destination,
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
    /// How lines are ended where they go; `None` as they come.
    pub to_framing: Option<Framing>,
    /// How much output may be owed.
    pub watermarks: Watermarks,
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

/// Where lines go after the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// How much output may be owed, bytes; `low` is no more than `high`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watermarks {
    /// With more than this, nothing is read.
    pub high: usize,
    /// With no more than this, reading goes on.
    pub low: usize,
}

/// Limits on input.
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
            chain: vec!["rot13".to_owned()],
            to: Destination::Reply,
            lines: LineSettings::default(),
            idle_timeout: Some(Duration::from_secs(60)),
            line_timeout: Some(Duration::from_secs(30)),
            write_timeout: Some(Duration::from_secs(30)),
            max_connections: 10_000,
            to_framing: None,
            watermarks: Watermarks::default(),
            rate: None,
            total_rate: None,
            tls: None,
            bind_place: Place::default(),
            places: Places::default(),
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
