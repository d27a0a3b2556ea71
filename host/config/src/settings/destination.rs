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
