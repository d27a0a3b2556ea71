//! The validated configuration: what the rest of the host works with.
//!
//! In: nothing; these are plain values, made by [`super::load`] or by `Default`.
//! Out: [`Settings`], in which every reference resolves and every number is in range.
//! Not here: TOML (see `file`), comparing two configurations (see `diff`), reading plugins.

mod filter;
mod hop;
mod host;
mod limits;
mod listener;
mod stage;
mod token;
mod trial;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::place::Place;
pub use filter::{FilterSettings, FilterTest, Grant, Handover, Isolation, OnError, PluginRef};
pub use hop::{Destination, HopTls};
pub use host::HostSettings;
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
