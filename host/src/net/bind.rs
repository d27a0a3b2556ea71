//! Binding: from an address of the configuration to a socket that accepts.
//!
//! In: the address with its options, and the sockets that systemd handed over. Out: a [`Socket`],
//! or a report of why the host cannot listen there.
//! Not here: what happens to connections.

mod datagrams;
mod last;
mod systemd;
mod tcp;
#[cfg(unix)]
mod unix;

use std::fmt;
use std::io;
use std::sync::Arc;

use socket2::SockRef;
use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;

use super::datagrams::DatagramSocket;
use super::tcp::set_up;
use super::transport::{Peer, Plain};
use linemill_config::settings::{Address, ListenerSettings, Mode};
use linemill_config::{Place, Problem, is_shortage};

pub use last::{LAST_ARRIVALS, is_of_one_connection};
pub use systemd::SystemdSockets;
pub(in crate::net) use tcp::share_port;
#[cfg(unix)]
pub(in crate::net) use unix::{KeptFile, SocketFile, bind_datagrams_anew};

/// Connections that the system may accept ahead of the host. The system may allow fewer: on Linux
/// `net.core.somaxconn` (listen(2)).
pub const BACKLOG: i32 = 4096;

/// Where to listen, and how.
#[derive(Debug, Clone, Copy)]
pub struct BindRequest<'a> {
    /// The address.
    pub address: &'a Address,
    /// Whether `[::]` refuses IPv4 connections.
    pub ipv6_only: bool,
    /// Whether other processes may listen on the same port.
    pub reuse_port: bool,
    /// Who may connect to a Unix socket.
    pub access: Access,
    /// What the address is for, as reports put it.
    pub whose: &'a str,
    /// The place of the address in the configuration.
    pub place: &'a Place,
}

/// A socket that accepts connections or receives datagrams. A Unix socket's file is removed with it, and
/// made again if somebody else removes it.
#[derive(Debug)]
pub struct Socket {
    inner: Inner,
    name: Address,
    /// Whether systemd has it, too: it stays open when this host closes it.
    outlives: bool,
}

#[derive(Debug)]
enum Inner {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(unix::KeptSocket),
    Datagrams(Arc<DatagramSocket>),
    /// Opened by systemd, as its file was.
    #[cfg(unix)]
    UnixOfSystemd(UnixListener),
}

/// Who may connect to a Unix socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// As the process's umask says.
    Umask,
    /// Only this user.
    Owner,
    /// As the mode of the file says.
    Mode(u32),
}

/// What the socket of a listener is bound by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindSettings {
    /// The address.
    pub address: Address,
    /// Whether `[::]` refuses IPv4 connections.
    pub ipv6_only: bool,
    /// Whether other processes may listen on the same port.
    pub reuse_port: bool,
    /// The mode of a Unix socket's file; `None` leaves it to the umask.
    pub mode: Option<Mode>,
}

// === impl BindSettings ===

impl BindSettings {
    /// Those of `listener`.
    pub fn of(listener: &ListenerSettings) -> Self {
        Self {
            address: listener.bind.clone(),
            ipv6_only: listener.ipv6_only,
            reuse_port: listener.reuse_port,
            mode: listener.bind_mode,
        }
    }

    /// Whether one socket can serve both: sharing of the port, and the mode of a Unix socket's file, can
    /// be set at any time.
    pub fn same_socket(&self, other: &Self) -> bool {
        self.address == other.address && self.ipv6_only == other.ipv6_only
    }

    /// How to bind the address, which stands at `place`.
    pub fn request<'a>(&'a self, whose: &'a str, place: &'a Place) -> BindRequest<'a> {
        BindRequest {
            address: &self.address,
            ipv6_only: self.ipv6_only,
            reuse_port: self.reuse_port,
            access: Access::of(self.mode),
            whose,
            place,
        }
    }
}

// === impl BindRequest ===

impl<'a> BindRequest<'a> {
    /// An address without options. A Unix socket is for this user only.
    pub fn new(address: &'a Address, whose: &'a str, place: &'a Place) -> Self {
        Self {
            address,
            ipv6_only: false,
            reuse_port: false,
            access: Access::Owner,
            whose,
            place,
        }
    }

    /// Binds the address while `old` sockets, which will close, may still be in the way: each shares its
    /// port meanwhile, and afterwards only if its flag says so.
    ///
    /// # Errors
    /// As [`bind`](Self::bind).
    pub fn bind_beside(
        mut self,
        old: &[(&Socket, bool)],
        bind: impl FnOnce(Self) -> Result<Socket, Problem>,
    ) -> Result<Socket, Problem> {
        self.reuse_port |= !old.is_empty();
        for (socket, _) in old {
            socket.share_port(true);
        }
        let bound = bind(self);
        for (socket, shares) in old {
            socket.share_port(*shares);
        }
        bound
    }

    /// Binds the address. `systemd:` addresses take one of the sockets of `systemd`.
    ///
    /// # Errors
    /// When the address is not available, or another program listens there.
    pub fn bind(self, systemd: &mut SystemdSockets) -> Result<Socket, Problem> {
        let bound = match self.address {
            Address::Tcp(address) => tcp::bind(*address, self.ipv6_only, self.reuse_port),
            #[cfg(unix)]
            Address::Unix(path) => unix::bind(path, self.access),
            #[cfg(unix)]
            Address::Unixgram(path) => unix::bind_datagrams(path, self.access),
            #[cfg(not(unix))]
            Address::Unix(_) | Address::Unixgram(_) => Err(Problem::new(
                "this system has no Unix sockets",
                "use an IP address and a port",
            )),
            Address::Udp(address) => datagrams::bind(*address, self.ipv6_only, self.reuse_port),
            Address::Systemd(name) => systemd.take(name.as_deref()),
        };
        bound.map_err(|problem| problem.of(self.whose).at(self.place))
    }
}

// === impl Access ===

impl Access {
    /// As a listener's `bind_mode` says.
    pub fn of(mode: Option<Mode>) -> Self {
        mode.map_or(Self::Umask, |mode| Self::Mode(mode.bits()))
    }

    /// The mode of the socket's file; `None` leaves it to the umask.
    #[cfg(unix)]
    fn mode(self) -> Option<u32> {
        match self {
            Self::Umask => None,
            Self::Owner => Some(0o600),
            Self::Mode(mode) => Some(mode),
        }
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
            outlives: false,
        })
    }

    #[cfg(unix)]
    fn unix(socket: unix::KeptSocket, path: std::path::PathBuf) -> Self {
        Self {
            name: Address::Unix(path),
            inner: Inner::Unix(socket),
            outlives: false,
        }
    }

    #[cfg(unix)]
    fn unix_of_systemd(
        socket: std::os::unix::net::UnixListener,
        path: std::path::PathBuf,
    ) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self {
            name: Address::Unix(path),
            inner: Inner::UnixOfSystemd(UnixListener::from_std(socket)?),
            outlives: true,
        })
    }

    fn datagrams_at(name: Address, socket: Arc<DatagramSocket>) -> Self {
        Self {
            inner: Inner::Datagrams(socket),
            name,
            outlives: false,
        }
    }

    /// The socket, if it receives datagrams.
    pub fn datagrams(&self) -> Option<&Arc<DatagramSocket>> {
        match &self.inner {
            Inner::Datagrams(socket) => Some(socket),
            _ => None,
        }
    }

    /// Whether the socket stays open for others when this host closes it.
    pub fn outlives(&self) -> bool {
        self.outlives
    }

    /// The address it listens on; instead of port 0, the port that the system chose.
    pub fn name(&self) -> &Address {
        &self.name
    }

    /// The TCP socket; `None` for any other.
    pub fn into_tcp(self) -> Option<TcpListener> {
        match self.inner {
            Inner::Tcp(socket) => Some(socket),
            #[cfg(unix)]
            Inner::Unix(_) | Inner::UnixOfSystemd(_) => None,
            Inner::Datagrams(_) => None,
        }
    }

    /// Lets other sockets listen on the same port, or no longer does. Sockets that share it already are not
    /// affected. Of no effect for a Unix socket.
    pub fn share_port(&self, share: bool) {
        match &self.inner {
            // Failing that, a socket that needs the port cannot be bound, which is reported there.
            Inner::Tcp(socket) => drop(tcp::share_port(&SockRef::from(socket), share)),
            Inner::Datagrams(socket) => socket.share_port(share),
            #[cfg(unix)]
            Inner::Unix(_) | Inner::UnixOfSystemd(_) => {}
        }
    }

    /// Lets those connect to a Unix socket, or send datagrams to it, whom `access` allows. The umask decides
    /// only when the socket's file is made. Of no effect for other sockets.
    pub fn set_access(&self, access: Access) {
        let set = match &self.inner {
            #[cfg(unix)]
            Inner::Unix(socket) => socket.set_access(access),
            Inner::Datagrams(socket) => socket.set_access(access),
            _ => Ok(()),
        };
        if let Err(error) = set {
            tracing::warn!(socket = %self.name, %error, "cannot change the mode of the socket's file");
        }
    }

    /// Waits for the next connection; indefinitely on a socket that receives datagrams. No connection is
    /// lost when the future is dropped before it is
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
            Inner::Datagrams(_) => std::future::pending().await,
            #[cfg(unix)]
            Inner::Unix(socket) => Ok((Plain::Unix(socket.accept().await?), Peer::Unix)),
            #[cfg(unix)]
            Inner::UnixOfSystemd(socket) => {
                let (stream, _) = socket.accept().await?;
                Ok((Plain::Unix(stream), Peer::Unix))
            }
        }
    }
}

/// The system refused to listen on `address`.
fn cannot_listen(address: impl fmt::Display, error: &io::Error, hint: &str) -> Problem {
    Problem::new(format!("cannot listen on {address}: {error}"), hint)
        .passing_if(is_shortage(error))
}
