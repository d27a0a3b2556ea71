//! Why a next hop could not be reached.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use crate::stream::transport::HandshakeError;

/// Why a next hop could not be reached. The log names the hop beside it.
#[derive(Debug, thiserror::Error)]
pub enum HopError {
    /// Its name has no address.
    #[error("no address of {host} is known: {source}")]
    Unknown {
        /// The name.
        host: String,
        /// What the system said.
        source: io::Error,
    },
    /// No TCP connection came about.
    #[error("cannot connect to {address}: {source}")]
    Tcp {
        /// The last address tried.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The Unix socket could not be connected to.
    #[error("cannot connect: {source}")]
    Unix {
        /// What the system said.
        source: io::Error,
    },
    /// TLS came to nothing.
    #[error("{0}")]
    Tls(#[from] HandshakeError),
    /// It speaks TLS, and the host has not been told whom to trust.
    #[error("nothing is known of whom to trust there")]
    NoTls,
    /// An attempt took too long.
    #[error("no connection within {after:?}")]
    TimedOut {
        /// `connect_timeout`.
        after: Duration,
    },
    /// The deadline came before the end of the first attempt.
    #[error("no connection in time")]
    TooLate,
}
