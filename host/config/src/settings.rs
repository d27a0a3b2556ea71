//! The validated configuration: what the rest of the host works with.
//!
//! In: nothing; these are plain values, made by [`super::load`] or by `Default`.
//! Out: [`Settings`], in which every reference resolves and every number is in range.
//! Not here: TOML (see `file`), comparing two configurations (see `diff`), reading plugins.

mod filter;
mod hop;
mod limits;
mod listener;
mod stage;
mod token;
mod trial;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::place::{Place, Places};
pub use filter::{FilterSettings, FilterTest, Grant, Handover, Isolation, OnError, PluginRef};
pub use hop::{Destination, HopTls};
pub use limits::{CompileLimits, Limits};
pub use listener::{ListenerSettings, Rate, Tls, Watermarks};
pub use stage::{StageSettings, When};
pub use token::Token;
pub use trial::{By, Trial, TrialKind, trial_name};

/// A whole configuration. Every filter that a chain names is in `filters`.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Table `[host]`.
    pub host: HostSettings,
    /// Tables `[[listener]]`, in the order of the file; names are unique.
    pub listeners: Vec<ListenerSettings>,
    /// Tables `[filter.NAME]` by name.
    pub filters: BTreeMap<String, FilterSettings>,
    /// The file they are from.
    pub place: Place,
}

/// Table `[host]`.
#[derive(Debug, Clone, PartialEq)]
pub struct HostSettings {
    /// Address of the admin endpoint; `None` when it is off.
    pub admin: Option<Address>,
    /// What requests to it must show; `None`: nothing.
    pub admin_token: Option<Token>,
    /// Grace period for connections at SIGTERM.
    pub drain: Duration,
    /// Folders where a bare plugin name is looked up, before the bundled ones. Relative paths
    /// have been resolved against the folder of the configuration file.
    pub plugins: Vec<PathBuf>,
    /// When to go back to the generation before by itself; `None`: never.
    pub rollback: Option<Rollback>,
    /// The folder for trap capsules; `None`: none are written.
    pub capsules: Option<PathBuf>,
    /// Stack of a guest, bytes.
    pub stack: usize,
    /// Bounds of the process that compiles a plugin.
    pub compile: CompileLimits,
    /// Where the keys stand.
    pub places: Places,
}

/// Table `rollback` of `[host]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rollback {
    /// A filter that fails a larger share of its lines
    pub share: Share,
    /// within this time after the swap that brought it is taken back.
    pub window: Duration,
}

/// A share of something, in hundredths of a percent: 1 to 10,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share(pub(super) u32);

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

impl Default for HostSettings {
    fn default() -> Self {
        Self {
            admin: None,
            admin_token: None,
            rollback: None,
            capsules: None,
            drain: Duration::from_secs(10),
            plugins: vec![PathBuf::from("plugins")],
            stack: 512 * 1024,
            compile: CompileLimits::default(),
            places: Places::default(),
        }
    }
}
