//! Where the host listens: from an address of the configuration to a socket that accepts.
//!
//! In: the address, and what goes with it; the sockets that systemd handed over. Out: a
//! [`Socket`], or a report of why the host cannot listen there.
//! Not here: what becomes of connections.

mod systemd;
mod tcp;
#[cfg(unix)]
mod unix;

use std::fmt;
use std::io;

use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;

use crate::stream::transport::{Peer, Plain};
use linemill_config::settings::{Address, ListenerSettings};
use linemill_config::{Place, Problem};

pub use systemd::Handed;

/// Connections that the system accepts ahead of the host; it may allow fewer
/// (`net.core.somaxconn`).
const BACKLOG: i32 = 4096;

/// Where to listen, and for whom.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The address.
    pub address: &'a Address,
    /// Whether an IPv6 address takes IPv6 only.
    pub ipv6_only: bool,
    /// Whether others may listen on the same port.
    pub reuse_port: bool,
    /// Whether a Unix socket is for this user alone.
    pub private: bool,
    /// Who wants it, for reports.
    pub whose: &'a str,
    /// Where the address stands in the configuration.
    pub place: &'a Place,
}

/// A socket that accepts connections. A Unix socket's file is removed with it.
#[derive(Debug)]
pub struct Socket {
    inner: Inner,
    name: Address,
}

#[derive(Debug)]
enum Inner {
    Tcp(TcpListener),
    /// The file is `None` when it is not ours: systemd made it.
    #[cfg(unix)]
    Unix {
        // Dropped in this order: as long as the file is there, somebody listens.
        _file: Option<unix::SocketFile>,
        socket: UnixListener,
    },
}

/// Listens where a listener's settings say.
///
/// # Errors
/// When nobody can listen there, or somebody does.
pub fn bind(settings: &ListenerSettings, handed: &mut Handed) -> Result<Socket, Problem> {
    let whose = format!("listener `{}`", settings.name);
    let wanted = Wanted {
        address: &settings.bind,
        ipv6_only: settings.ipv6_only,
        reuse_port: settings.reuse_port,
        private: false,
        whose: &whose,
        place: &settings.bind_place,
    };
    wanted.bind(handed)
}

// === impl Wanted ===

impl<'a> Wanted<'a> {
    /// An address with nothing to go with it, for this user alone where that can be said.
    pub fn new(address: &'a Address, whose: &'a str, place: &'a Place) -> Self {
        Self {
            address,
            ipv6_only: false,
            reuse_port: false,
            private: true,
            whose,
            place,
        }
    }

    /// Listens there.
    ///
    /// # Errors
    /// When nobody can listen there, or somebody does.
    pub fn bind(self, handed: &mut Handed) -> Result<Socket, Problem> {
        let bound = match self.address {
            Address::Tcp(address) => tcp::bind(*address, self.ipv6_only, self.reuse_port),
            #[cfg(unix)]
            Address::Unix(path) => unix::bind(path, self.private),
            #[cfg(not(unix))]
            Address::Unix(_) => Err(Problem::new(
                "Unix sockets are not to be had on this system",
                "use an IP address and a port",
            )),
            Address::Systemd(name) => handed.take(name.as_deref()),
        };
        bound.map_err(|problem| problem.of(self.whose).at(self.place))
    }
}

// === impl Socket ===

impl Socket {
    fn tcp(socket: std::net::TcpListener) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let socket = TcpListener::from_std(socket)?;
        Ok(Self {
            name: Address::Tcp(socket.local_addr()?),
            inner: Inner::Tcp(socket),
        })
    }

    #[cfg(unix)]
    fn unix(
        socket: std::os::unix::net::UnixListener,
        path: std::path::PathBuf,
        file: Option<unix::SocketFile>,
    ) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self {
            name: Address::Unix(path),
            inner: Inner::Unix {
                _file: file,
                socket: UnixListener::from_std(socket)?,
            },
        })
    }

    /// Where it listens: with the port that the system chose, when it did.
    pub fn name(&self) -> &Address {
        &self.name
    }

    /// The TCP socket; `None` when it is another.
    pub fn into_tcp(self) -> Option<TcpListener> {
        match self.inner {
            Inner::Tcp(socket) => Some(socket),
            #[cfg(unix)]
            Inner::Unix { .. } => None,
        }
    }

    /// Takes the next connection. Nothing is lost when the future is dropped before it is ready.
    ///
    /// # Errors
    /// When the connection has gone already, or the system has no descriptor or memory for it.
    pub async fn accept(&self) -> io::Result<(Plain, Peer)> {
        match &self.inner {
            Inner::Tcp(socket) => {
                let (stream, peer) = socket.accept().await?;
                // Lines are answered as they come; failing that, they are merely later.
                drop(stream.set_nodelay(true));
                Ok((Plain::Tcp(stream), Peer::Ip(peer)))
            }
            #[cfg(unix)]
            Inner::Unix { socket, .. } => {
                let (stream, _) = socket.accept().await?;
                Ok((Plain::Unix(stream), Peer::Unix))
            }
        }
    }
}

/// `address` cannot be listened on for the system's reason.
fn cannot_listen(address: impl fmt::Display, error: &io::Error, hint: &str) -> Problem {
    Problem::new(format!("cannot listen on {address}: {error}"), hint)
}
