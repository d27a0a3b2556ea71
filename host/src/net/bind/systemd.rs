//! Sockets that systemd has opened and handed over (sd_listen_fds(3)). They queue connections before
//! the host starts and while it restarts.
//!
//! In: the environment, read once. Out: a socket for each listener that asks for one, for connections or
//! for datagrams.

use super::Socket;
use linemill_config::Problem;

const UNIT: &str = "start the host by a .socket unit of systemd, or write an address";

/// The sockets that were handed over, until a listener takes them.
#[derive(Default)]
pub struct SystemdSockets {
    /// In the order of their descriptors.
    sockets: Vec<Named>,
}

/// A socket that was handed over.
struct Named {
    /// `None` once it has been taken.
    name: Option<String>,
    /// `None` if it is of no kind that a listener can use, or has been taken.
    #[cfg(unix)]
    socket: Option<Handed>,
}

/// The kinds of sockets.
#[cfg(unix)]
enum Handed {
    Tcp(std::net::TcpListener),
    Unix(std::os::unix::net::UnixListener),
    Udp(std::net::UdpSocket),
    Unixgram(std::os::unix::net::UnixDatagram),
}

impl SystemdSockets {
    /// The sockets meant for this process. A second call finds none: the first removes the
    /// environment variables.
    #[cfg(unix)]
    pub fn from_env() -> Self {
        // `ListenFd` removes the other variables.
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut handed = listenfd::ListenFd::from_env();
        let (mut names, count) = (names.split(':'), handed.len());
        let named = |at| Named {
            // systemd calls a socket without a name `unknown`.
            name: Some(
                names
                    .next()
                    .filter(|name| !name.is_empty())
                    .unwrap_or("unknown")
                    .to_owned(),
            ),
            socket: Handed::take(&mut handed, at),
        };
        Self {
            sockets: (0..count).map(named).collect(),
        }
    }

    /// Finds no socket: there is no systemd on this system.
    #[cfg(not(unix))]
    pub fn from_env() -> Self {
        Self::default()
    }

    /// The names of the sockets that nobody has taken.
    pub fn left(&self) -> impl Iterator<Item = &str> {
        self.sockets.iter().filter_map(|one| one.name.as_deref())
    }

    /// Whether the socket that would be taken is for datagrams.
    pub fn is_datagram(&self, name: Option<&str>) -> bool {
        #[cfg(unix)]
        return self.find(name).is_some_and(|at| {
            let socket = &self.sockets[at].socket;
            matches!(socket, Some(Handed::Udp(_) | Handed::Unixgram(_)))
        });
        #[cfg(not(unix))]
        {
            let _ = name;
            false
        }
    }

    /// The first remaining socket of this name; without a name, the only one.
    fn find(&self, name: Option<&str>) -> Option<usize> {
        let mut sockets = self.sockets.iter();
        match name {
            Some(name) => sockets.position(|one| one.name.as_deref() == Some(name)),
            None if self.sockets.len() > 1 => None,
            None => sockets.position(|one| one.name.is_some()),
        }
    }

    /// Takes the first remaining socket of this name; without a name, the only one.
    ///
    /// # Errors
    /// When there is no such socket, several could be meant, or it does not listen.
    pub(super) fn take(&mut self, name: Option<&str>) -> Result<Socket, Problem> {
        let wanted = name.map_or_else(|| "systemd".into(), |name| format!("systemd:{name}"));
        if self.sockets.is_empty() {
            let problem = format!("{wanted}: systemd has handed no socket over");
            return Err(Problem::new(problem, UNIT));
        }
        let Some(at) = self.find(name) else {
            let names: Vec<_> = self
                .left()
                .map(|name| format!("`systemd:{name}`"))
                .collect();
            let (problem, hint) = if names.is_empty() {
                (
                    "all sockets that systemd has handed over are taken",
                    "give each listener a .socket unit of its own".to_owned(),
                )
            } else if name.is_none() {
                (
                    "systemd has handed several sockets over",
                    format!("name one of {}", names.join(", ")),
                )
            } else {
                (
                    "systemd has handed over no socket of that name",
                    format!(
                        "there are {}; FileDescriptorName= in the .socket unit gives a name",
                        names.join(", ")
                    ),
                )
            };
            return Err(Problem::new(format!("{wanted}: {problem}"), hint));
        };
        let socket = self.open(at)?;
        self.sockets[at].name = None;
        Ok(socket)
    }

    #[cfg(unix)]
    fn open(&mut self, at: usize) -> Result<Socket, Problem> {
        let refused = |problem: String| {
            let hint = "the .socket unit must have ListenStream= and Accept=no, or ListenDatagram=";
            Problem::new(
                format!("the socket that systemd handed over: {problem}"),
                hint,
            )
        };
        let failed = |error: std::io::Error| refused(error.to_string());
        let handed = &mut self.sockets[at].socket;
        let is_usable = match handed {
            Some(handed) => handed.is_usable().map_err(failed)?,
            None => false,
        };
        match handed.take_if(|_| is_usable) {
            Some(handed) => handed.open().map_err(failed),
            None => Err(refused("it does not accept connections".into())),
        }
    }

    #[cfg(not(unix))]
    fn open(&mut self, _: usize) -> Result<Socket, Problem> {
        Err(Problem::new("there is no systemd on this system", UNIT))
    }
}

#[cfg(unix)]
impl Handed {
    /// The socket at this place, if it is of one of these kinds.
    fn take(sockets: &mut listenfd::ListenFd, at: usize) -> Option<Self> {
        // One of another kind stays where it is.
        if let Ok(Some(socket)) = sockets.take_tcp_listener(at) {
            return Some(Self::Tcp(socket));
        }
        if let Ok(Some(socket)) = sockets.take_unix_listener(at) {
            return Some(Self::Unix(socket));
        }
        if let Ok(Some(socket)) = sockets.take_udp_socket(at) {
            return Some(Self::Udp(socket));
        }
        let unixgram = sockets.take_unix_datagram(at).ok().flatten();
        unixgram.map(Self::Unixgram)
    }

    /// Whether it accepts connections, or receives datagrams.
    fn is_usable(&self) -> std::io::Result<bool> {
        use socket2::SockRef;
        match self {
            Self::Tcp(socket) => SockRef::from(socket).is_listener(),
            Self::Unix(socket) => SockRef::from(socket).is_listener(),
            Self::Udp(_) | Self::Unixgram(_) => Ok(true),
        }
    }

    fn open(self) -> std::io::Result<Socket> {
        use crate::net::datagrams::DatagramSocket;
        use linemill_config::settings::Address;
        use std::sync::Arc;

        let socket = match self {
            Self::Tcp(socket) => Socket::tcp(socket)?,
            Self::Unix(socket) => {
                let path = path(&socket.local_addr()?);
                Socket::unix_of_systemd(socket, path)?
            }
            Self::Udp(socket) => {
                let name = Address::Udp(socket.local_addr()?);
                Socket::datagrams_at(name, Arc::new(DatagramSocket::udp(socket)?))
            }
            Self::Unixgram(socket) => {
                let name = Address::Unixgram(path(&socket.local_addr()?));
                Socket::datagrams_at(name, Arc::new(DatagramSocket::unix_of_systemd(socket)?))
            }
        };
        Ok(Socket {
            outlives: true,
            ..socket
        })
    }
}

/// The path of a Unix socket; empty if it has none.
#[cfg(unix)]
fn path(address: &std::os::unix::net::SocketAddr) -> std::path::PathBuf {
    let path = address.as_pathname().map(std::path::Path::to_owned);
    path.unwrap_or_default()
}
