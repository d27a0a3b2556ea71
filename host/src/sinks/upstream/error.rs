//! Why an upstream could not be reached.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use crate::net::transport::HandshakeError;

/// Why an upstream could not be reached. The text does not name it: the log line does.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The name did not resolve to an address.
    #[error("no address of {host} is known: {source}")]
    Unknown {
        /// The name.
        host: String,
        /// The system's error.
        source: io::Error,
    },
    /// TCP could not connect to any of the addresses.
    #[error("cannot connect to {address}: {source}")]
    Tcp {
        /// The last address tried.
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
    /// The Unix socket could not be connected to.
    #[error("cannot connect: {source}")]
    Unix {
        /// The system's error.
        source: io::Error,
    },
    /// The TLS handshake failed.
    #[error("{0}")]
    Tls(#[from] HandshakeError),
    /// The destination is `tls://`, and there are no certificates to trust.
    #[error("no trust anchors configured for this upstream; set `to_tls.ca`")]
    NoTls,
    /// An attempt took too long.
    #[error("no connection within {after:?}")]
    TimedOut {
        /// `connect_timeout`.
        after: Duration,
    },
    /// The deadline passed during the first attempt.
    #[error("no connection in time")]
    TooLate,
}

impl ConnectError {
    /// Whether nothing listens there.
    pub(super) fn is_refused(&self) -> bool {
        let kind = match self {
            Self::Tcp { source, .. } | Self::Unix { source } => source.kind(),
            _ => return false,
        };
        // The file of a Unix socket is removed, or nobody listens on it any more.
        matches!(
            kind,
            io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound
        )
    }
}
