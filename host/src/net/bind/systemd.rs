//! Sockets that systemd has opened and handed over (sd_listen_fds(3)). They queue connections before
//! the host starts and while it restarts.
//!
//! In: the environment, read once. Out: a socket for each listener that asks for one.

use super::Socket;
use linemill_config::Problem;

const UNIT: &str = "start the host by a .socket unit of systemd, or write an address";

/// The sockets that were handed over, until a listener takes them.
#[derive(Default)]
pub struct SystemdSockets {
    /// The name of each descriptor, in order; `None` once it has been taken.
    names: Vec<Option<String>>,
    #[cfg(unix)]
    sockets: Option<listenfd::ListenFd>,
}

impl SystemdSockets {
    /// The sockets meant for this process. A second call finds none: the first removes the
    /// environment variables.
    #[cfg(unix)]
    pub fn from_env() -> Self {
        // `ListenFd` removes the other variables.
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let sockets = listenfd::ListenFd::from_env();
        let mut names = names.split(':');
        // systemd calls a socket without a name `unknown`.
        let name = |_| {
            Some(
                names
                    .next()
                    .filter(|name| !name.is_empty())
                    .unwrap_or("unknown")
                    .to_owned(),
            )
        };
        Self {
            names: (0..sockets.len()).map(name).collect(),
            sockets: Some(sockets),
        }
    }

    /// Finds no socket: there is no systemd on this system.
    #[cfg(not(unix))]
    pub fn from_env() -> Self {
        Self::default()
    }

    /// The names of the sockets that nobody has taken.
    pub fn left(&self) -> impl Iterator<Item = &str> {
        self.names.iter().filter_map(Option::as_deref)
    }

    /// Takes the first remaining socket of this name; without a name, the only one.
    ///
    /// # Errors
    /// When there is no such socket, several could be meant, or it does not listen.
    pub(super) fn take(&mut self, name: Option<&str>) -> Result<Socket, Problem> {
        let wanted = name.map_or_else(|| "systemd".into(), |name| format!("systemd:{name}"));
        if self.names.is_empty() {
            let problem = format!("{wanted}: systemd has handed no socket over");
            return Err(Problem::new(problem, UNIT));
        }
        let found = match name {
            Some(name) => self
                .names
                .iter()
                .position(|one| one.as_deref() == Some(name)),
            None if self.names.len() > 1 => None,
            None => self.names.iter().position(Option::is_some),
        };
        let Some(at) = found else {
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
        self.names[at] = None;
        Ok(socket)
    }

    #[cfg(unix)]
    fn open(&mut self, at: usize) -> Result<Socket, Problem> {
        use socket2::SockRef;
        let refused = |problem: String| {
            let hint = "the .socket unit must have ListenStream= and Accept=no";
            Problem::new(
                format!("the socket that systemd handed over: {problem}"),
                hint,
            )
        };
        let failed = |error: std::io::Error| refused(error.to_string());
        let not_listening = || refused("it does not accept connections".into());
        let Some(sockets) = &mut self.sockets else {
            return Err(not_listening());
        };
        if let Ok(Some(socket)) = sockets.take_tcp_listener(at) {
            if !SockRef::from(&socket).is_listener().map_err(failed)? {
                return Err(not_listening());
            }
            let socket = Socket::tcp(socket).map_err(failed)?;
            return Ok(Socket {
                outlives: true,
                ..socket
            });
        }
        let socket = sockets
            .take_unix_listener(at)
            .map_err(failed)?
            .ok_or_else(not_listening)?;
        if !SockRef::from(&socket).is_listener().map_err(failed)? {
            return Err(not_listening());
        }
        let address = socket.local_addr().map_err(failed)?;
        let path = address.as_pathname().map(std::path::Path::to_owned);
        Socket::unix_of_systemd(socket, path.unwrap_or_default()).map_err(failed)
    }

    #[cfg(not(unix))]
    fn open(&mut self, _: usize) -> Result<Socket, Problem> {
        Err(Problem::new("there is no systemd on this system", UNIT))
    }
}
