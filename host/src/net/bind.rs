//! Binding: from an address of the configuration to a socket that accepts.
//!
//! In: the address with its options, and the sockets that systemd handed over. Out: a [`Socket`],
//! or a report of why the host cannot listen there.
//! Not here: what happens to connections.

mod systemd;
mod tcp;
#[cfg(unix)]
mod unix;

use std::fmt;
use std::io;

use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;

use super::tcp::set_up;
use super::transport::{Peer, Plain};
use linemill_config::settings::{Address, ListenerSettings};
use linemill_config::{Place, Problem};

pub use systemd::SystemdSockets;

/// Connections that the system may accept ahead of the host. The system may allow fewer: on Linux
/// `net.core.somaxconn` (listen(2)).
const BACKLOG: i32 = 4096;

/// Where to listen, and how.
#[derive(Debug, Clone, Copy)]
pub struct BindRequest<'a> {
    /// The address.
    pub address: &'a Address,
    /// Whether `[::]` refuses IPv4 connections.
    pub ipv6_only: bool,
    /// Whether other processes may listen on the same port.
    pub reuse_port: bool,
    /// Whether only the same user may connect to a Unix socket.
    pub private: bool,
    /// What the address is for, as reports put it.
    pub whose: &'a str,
    /// The place of the address in the configuration.
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
    /// `_file` is `None` when systemd created the file: then it is not ours to remove.
    #[cfg(unix)]
    Unix {
        // Dropped in this order: while the file exists, somebody listens.
        _file: Option<unix::SocketFile>,
        socket: UnixListener,
    },
}

/// Binds the address of a listener.
///
/// # Errors
/// When the address is not available, or another program listens there.
pub fn bind(settings: &ListenerSettings, systemd: &mut SystemdSockets) -> Result<Socket, Problem> {
    let whose = format!("listener `{}`", settings.name);
    let request = BindRequest {
        address: &settings.bind,
        ipv6_only: settings.ipv6_only,
        reuse_port: settings.reuse_port,
        private: false,
        whose: &whose,
        place: &settings.bind_place,
    };
    request.bind(systemd)
}

// === impl BindRequest ===

impl<'a> BindRequest<'a> {
    /// An address without options. A Unix socket is for this user only.
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

    /// Binds the address. `systemd:` addresses take one of the sockets of `systemd`.
    ///
    /// # Errors
    /// When the address is not available, or another program listens there.
    pub fn bind(self, systemd: &mut SystemdSockets) -> Result<Socket, Problem> {
        let bound = match self.address {
            Address::Tcp(address) => tcp::bind(*address, self.ipv6_only, self.reuse_port),
            #[cfg(unix)]
            Address::Unix(path) => unix::bind(path, self.private),
            #[cfg(not(unix))]
            Address::Unix(_) => Err(Problem::new(
                "this system has no Unix sockets",
                "use an IP address and a port",
            )),
            Address::Systemd(name) => systemd.take(name.as_deref()),
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

    /// The address it listens on; instead of port 0, the port that the system chose.
    pub fn name(&self) -> &Address {
        &self.name
    }

    /// The TCP socket; `None` for a Unix socket.
    pub fn into_tcp(self) -> Option<TcpListener> {
        match self.inner {
            Inner::Tcp(socket) => Some(socket),
            #[cfg(unix)]
            Inner::Unix { .. } => None,
        }
    }

    /// Waits for the next connection. No connection is lost when the future is dropped before it is
    /// ready.
    ///
    /// # Errors
    /// When the connection is gone already, or the system has no descriptor or memory for it.
    pub async fn accept(&self) -> io::Result<(Plain, Peer)> {
        match &self.inner {
            Inner::Tcp(socket) => {
                let (stream, peer) = socket.accept().await?;
                set_up(&stream);
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

/// The system refused to listen on `address`.
fn cannot_listen(address: impl fmt::Display, error: &io::Error, hint: &str) -> Problem {
    Problem::new(format!("cannot listen on {address}: {error}"), hint)
}
