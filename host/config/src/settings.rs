//! The validated configuration: what the rest of the host works with.
//!
//! In: nothing; these are plain values, made by [`super::load`] or by `Default`.
//! Out: [`Settings`], in which every reference resolves and every number is in range.
//! Not here: TOML (see `validate`), comparing two configurations (see `diff`), reading plugins.

mod admin_name;
mod chain_test;
mod client_name;
mod destination;
mod filter;
mod host;
mod limits;
mod listener;
mod log;
mod mode;
mod networks;
mod outside_values;
mod proxy_protocol;
mod readiness;
mod rollback;
mod stage;
mod tls;
mod token;
mod traffic;
mod trial;
mod watch;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

pub use super::plugin_ref::PluginRef;
pub use super::share::Share;
use crate::problem::place::{Place, Source};
pub use admin_name::AdminName;
pub use chain_test::{ChainTest, Expected};
pub use client_name::ClientName;
pub use destination::{Destination, FailOver, NotFailOver};
pub use filter::{FilterSettings, FilterTest, Grant, Handover, Isolation, OnError};
pub use host::HostSettings;
pub use limits::{CompileLimits, Limits, Retire, StoreLimits};
pub use listener::ListenerSettings;
pub use log::{LogFilter, LogFormat, LogLevel, LogSettings};
pub use mode::Mode;
pub use networks::{Networks, network};
pub use outside_values::OutsideValues;
pub use proxy_protocol::ProxyProtocol;
pub use readiness::Readiness;
pub use rollback::Rollback;
pub use stage::{StageSettings, When};
pub use tls::{Tls, UpstreamTls};
pub use token::Token;
pub use traffic::{Rate, Watermarks};
pub use trial::{By, Trial, TrialKind, trial_name};
pub use watch::Watch;

/// A whole configuration. Every filter that a chain names is in `filters`.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Table `[host]`.
    pub host: HostSettings,
    /// Tables `[[listener]]`, in the order of the file; names are unique.
    pub listeners: Vec<ListenerSettings>,
    /// Tables `[filter.NAME]` by name.
    pub filters: BTreeMap<String, FilterSettings>,
    /// Tables `[[test]]`, in the order of the file.
    pub tests: Vec<ChainTest>,
    /// The main file they are from.
    pub place: Place,
    /// The main file, and those that it includes.
    pub sources: Sources,
    /// Values that are not in these files.
    pub outside: OutsideValues,
}

/// The files of a configuration as they were read. Equality ignores them, as for [`Place`].
#[derive(Debug, Clone, Default)]
pub struct Sources(pub Vec<Arc<Source>>);

impl PartialEq for Sources {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Settings {
    /// Whether another process may listen on the port of a listener at the same time.
    pub fn shares_a_port(&self) -> bool {
        self.listeners.iter().any(|listener| listener.reuse_port)
    }
}

/// A local address to listen on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// `IP:PORT` or `[IPv6]:PORT`; port 0 lets the system choose.
    Tcp(SocketAddr),
    /// `unix:PATH`.
    Unix(PathBuf),
    /// `udp://IP:PORT`: datagrams. Port 0 lets the system choose.
    Udp(SocketAddr),
    /// `unixgram:PATH`: datagrams of a Unix socket.
    Unixgram(PathBuf),
    /// `systemd` or `systemd:NAME`: a socket that systemd has opened and hands over. With a name,
    /// the one of that `FileDescriptorName`; without, the only one.
    Systemd(Option<String>),
}

impl Address {
    /// Whether sockets at both addresses share a port of the machine: the system may then refuse one of
    /// them.
    pub fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tcp(one), Self::Tcp(other)) | (Self::Udp(one), Self::Udp(other)) => {
                one.port() == other.port()
            }
            _ => false,
        }
    }
}
