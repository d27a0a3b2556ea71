//! A next hop under the test's control: it listens, accepts, refuses, dies and comes back.
//!
//! In: an address of the system's choice, or the path of a Unix socket. Out: each connection that
//! it accepts, as a [`Client`] that the test reads from and answers with.
//! Not here: threads. A connection is accepted when the test asks for it; until then it waits in
//! the kernel, as with a server that is busy.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use socket2::{Domain, SockAddr, Socket, Type};

use crate::{Client, eventually};

/// A server that a host connects to.
#[derive(Debug)]
pub struct Hop {
    place: Place,
    listening: Option<Socket>,
    tls: Option<Arc<ServerConfig>>,
}

#[derive(Debug)]
enum Place {
    /// The socket is bound all the time and never listens: nobody else gets the port while the
    /// hop is down, and who connects then is refused.
    Tcp(
        SocketAddr,
        #[expect(dead_code, reason = "holds the port")] Socket,
    ),
    Unix(PathBuf),
}

impl Hop {
    /// Listens on a port of its own.
    pub fn tcp() -> Self {
        Self::tcp_down().and_up()
    }

    /// Has a port of its own and refuses connections until it is [`up`](Self::up).
    pub fn tcp_down() -> Self {
        let (socket, address) = bound(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        Self {
            place: Place::Tcp(address, socket),
            listening: None,
            tls: None,
        }
    }

    /// As [`tcp`](Self::tcp), and speaks TLS.
    pub fn tls(config: &Arc<ServerConfig>) -> Self {
        Self {
            tls: Some(Arc::clone(config)),
            ..Self::tcp()
        }
    }

    /// Listens on a Unix socket.
    pub fn unix(path: &Path) -> Self {
        let hop = Self {
            place: Place::Unix(path.to_owned()),
            listening: None,
            tls: None,
        };
        hop.and_up()
    }

    fn and_up(mut self) -> Self {
        self.up();
        self
    }

    /// What a configuration calls it.
    pub fn url(&self) -> String {
        match &self.place {
            Place::Tcp(address, _) if self.tls.is_some() => {
                format!("tls://localhost:{}", address.port())
            }
            Place::Tcp(address, _) => format!("tcp://{address}"),
            Place::Unix(path) => format!("unix:{}", path.display()),
        }
    }

    /// Its TCP address.
    pub fn address(&self) -> SocketAddr {
        match &self.place {
            Place::Tcp(address, _) => *address,
            Place::Unix(path) => panic!("{} is no TCP address", path.display()),
        }
    }

    /// Listens, again at the same place.
    pub fn up(&mut self) {
        let socket = match &self.place {
            Place::Tcp(address, _) => bound(*address).0,
            Place::Unix(path) => {
                // A socket that nobody listens on stays where it is.
                let _ = std::fs::remove_file(path);
                let socket = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
                let address = SockAddr::unix(path).expect("a short path");
                socket.bind(&address).expect("a path of its own");
                socket
            }
        };
        socket.listen(128).expect("a bound socket listens");
        socket
            .set_nonblocking(true)
            .expect("a fresh socket takes options");
        self.listening = Some(socket);
    }

    /// Listens no more: who connects is refused, and who waited to be accepted is reset.
    /// Connections that were accepted are not touched.
    pub fn down(&mut self) {
        self.listening = None;
    }

    /// The next connection. By TLS the handshake is done.
    #[track_caller]
    pub fn accept(&self) -> Client {
        let client = eventually("a connection to the next hop", || self.try_accept());
        match &self.tls {
            None => client,
            Some(config) => client.accept_tls(config).expect("a TLS handshake"),
        }
    }

    /// Asserts that the next connection's handshake fails, with these settings.
    #[track_caller]
    pub fn expect_refused_handshake(&self, config: &Arc<ServerConfig>) {
        let client = eventually("a connection to the next hop", || self.try_accept());
        client.accept_tls(config).expect_err("it is refused");
    }

    /// A connection that waits to be accepted, if there is one. By TLS nothing was said yet.
    pub fn try_accept(&self) -> Option<Client> {
        let listening = self.listening.as_ref().expect("the hop is up");
        match listening.accept() {
            Ok((socket, _)) => {
                socket
                    .set_nonblocking(false)
                    .expect("a fresh socket takes options");
                Some(Client::of(socket))
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => panic!("accept: {error}"),
        }
    }

    /// Asserts that nobody connects for `time`.
    #[track_caller]
    pub fn expect_nobody(&self, time: Duration) {
        std::thread::sleep(time);
        assert!(self.try_accept().is_none(), "a connection");
    }
}

/// A socket with a name, which does not listen yet.
fn bound(address: SocketAddr) -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).expect("a socket");
    socket
        .set_reuse_address(true)
        .expect("a fresh socket takes options");
    socket.bind(&address.into()).expect("a port of its own");
    let address = socket.local_addr().ok().and_then(|name| name.as_socket());
    (socket, address.expect("it has a name"))
}

#[cfg(test)]
mod tests {
    use super::Hop;
    use crate::{Client, Folder};

    #[test]
    fn it_refuses_accepts_dies_and_comes_back() {
        let mut hop = Hop::tcp_down();
        for _ in 0..3 {
            Client::try_connect(hop.address()).expect_err("it is down");
            hop.up();
            let mut client = Client::connect(hop.address());
            client.send(b"question");
            let mut accepted = hop.accept();
            accepted.expect(b"question");
            hop.down();
            Client::try_connect(hop.address()).expect_err("it is down again");
            accepted.send(b"answer");
            client.expect(b"answer");
            client.finish();
            accepted.expect_end();
        }
    }

    #[test]
    #[cfg(unix)]
    fn it_comes_back_on_a_unix_socket() {
        let folder = Folder::new();
        let path = folder.path().join("hop");
        let mut hop = Hop::unix(&path);
        for _ in 0..2 {
            let mut client = Client::connect_unix(&path);
            let mut accepted = hop.accept();
            accepted.send(b"answer");
            drop(accepted);
            client.expect(b"answer");
            client.expect_end();
            hop.down();
            Client::try_connect_unix(&path).expect_err("it is down");
            hop.up();
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_reset_is_told_from_an_end() {
        let hop = Hop::tcp();
        let mut client = Client::connect(hop.address());
        hop.accept().reset();
        let (rest, end) = client.rest_until_end();
        assert_eq!(rest, b"");
        end.expect_err("a reset is no FIN");
    }
}
