//! Where lines go.

use std::path::PathBuf;

use crate::host_port::HostPort;

/// Where lines go after the chain.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Destination {
    /// Back to the client.
    Reply,
    /// The host's standard output.
    Stdout,
    /// `tcp://HOST:PORT`.
    Tcp(HostPort),
    /// `tls://HOST:PORT`.
    Tls(HostPort),
    /// `unix:PATH`.
    Unix(PathBuf),
    /// `file:PATH`.
    File(PathBuf),
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
