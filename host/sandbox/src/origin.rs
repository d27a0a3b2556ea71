//! Where a stream's lines come from: what filters may be told, and what logs and records name.
//!
//! In: what the host knows of a connection. Out: [`Origin`]. Not here: who shows it (`imports::stream`,
//! `supervise`).

use std::net::SocketAddr;
use std::sync::Arc;

use crate::ClientNetwork;

/// Where a stream's lines come from.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The listener that accepted the connection; `None` for lines that come from no listener.
    pub listener: Option<Arc<str>>,
    /// The client's address, if it has one.
    pub peer: Option<SocketAddr>,
    /// The names in the client's TLS handshake; `None` if there are none.
    pub tls: Option<Arc<TlsNames>>,
    /// The number of the connection among all of the process; 0 for lines that come from none.
    pub connection: u64,
    /// The lines come from many clients that cannot be told apart, as datagrams do.
    pub many: bool,
    /// The lines are the answers of an upstream.
    pub reply: bool,
}

/// The names in the TLS handshake of a client.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsNames {
    /// The name by which it asked for the host (server name indication, RFC 6066).
    pub server: Option<Box<str>>,
    /// The name in its certificate by which it was admitted.
    pub client: Option<Box<str>>,
}

impl Origin {
    /// Whose lines they are. The machines of one link are one client here: a client must not seem to be many
    /// by changing its address.
    pub(crate) fn client(&self) -> Option<ClientNetwork> {
        self.peer.map(|peer| ClientNetwork::with_link(peer.ip()))
    }
}
