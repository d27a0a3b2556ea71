//! An upstream under the control of a test: it listens, accepts, refuses, dies and comes back.
//!
//! In: the path of a Unix socket; TCP ports are chosen by the system. Out: each accepted connection,
//! as a [`Client`] that the test reads from and answers on.
//! Not here: threads. A connection waits in the kernel until the test accepts it, as at a busy server.

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
pub struct Upstream {
    address: Address,
    listening: Option<Socket>,
    tls: Option<Arc<ServerConfig>>,
}

#[derive(Debug)]
enum Address {
    /// The socket stays bound and never listens. It holds the port while the upstream is down, and
    /// connections made meanwhile are refused.
    Tcp(
        SocketAddr,
        #[expect(dead_code, reason = "holds the port")] Socket,
    ),
    Unix(PathBuf),
}

impl Upstream {
    /// Listens on a free port.
    pub fn tcp() -> Self {
        Self::tcp_down().and_up()
    }

    /// Holds a free port, but refuses connections until [`up`](Self::up).
    pub fn tcp_down() -> Self {
        let (socket, address) = bound(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        Self {
            address: Address::Tcp(address, socket),
            listening: None,
            tls: None,
        }
    }

    /// As [`tcp`](Self::tcp), with TLS.
    pub fn tls(config: &Arc<ServerConfig>) -> Self {
        Self {
            tls: Some(Arc::clone(config)),
            ..Self::tcp()
        }
    }

    /// Listens on a Unix socket.
    pub fn unix(path: &Path) -> Self {
        let upstream = Self {
            address: Address::Unix(path.to_owned()),
            listening: None,
            tls: None,
        };
        upstream.and_up()
    }

    fn and_up(mut self) -> Self {
        self.up();
        self
    }

    /// Its destination, as written in a configuration.
    pub fn url(&self) -> String {
        match &self.address {
            Address::Tcp(address, _) if self.tls.is_some() => {
                format!("tls://localhost:{}", address.port())
            }
            Address::Tcp(address, _) => format!("tcp://{address}"),
            Address::Unix(path) => format!("unix:{}", path.display()),
        }
    }

    /// Its TCP address.
    pub fn address(&self) -> SocketAddr {
        match &self.address {
            Address::Tcp(address, _) => *address,
            Address::Unix(path) => panic!("{} is not a TCP address", path.display()),
        }
    }

    /// Listens, at the same address as before.
    pub fn up(&mut self) {
        let socket = match &self.address {
            Address::Tcp(address, _) => bound(*address).0,
            Address::Unix(path) => {
                // The file of a closed socket remains.
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

    /// Stops listening: new connections are refused, and those not yet accepted are reset. Accepted
    /// connections stay open.
    pub fn down(&mut self) {
        self.listening = None;
    }

    /// Waits for the next connection, with TLS including the handshake.
    #[track_caller]
    pub fn accept(&self) -> Client {
        let client = eventually("a connection to the upstream", || self.try_accept());
        match &self.tls {
            None => client,
            Some(config) => client.accept_tls(config).expect("a TLS handshake"),
        }
    }

    /// Waits for the next connection; asserts that its TLS handshake with this configuration fails.
    #[track_caller]
    pub fn expect_refused_handshake(&self, config: &Arc<ServerConfig>) {
        let client = eventually("a connection to the upstream", || self.try_accept());
        client.accept_tls(config).expect_err("it is refused");
    }

    /// A connection that waits to be accepted, if any. With TLS, its handshake has not begun.
    pub fn try_accept(&self) -> Option<Client> {
        let listening = self.listening.as_ref().expect("the upstream is up");
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

    /// Asserts that nothing connects for `time`.
    #[track_caller]
    pub fn expect_nobody(&self, time: Duration) {
        std::thread::sleep(time);
        assert!(self.try_accept().is_none(), "a connection");
    }
}

/// A socket that is bound but does not listen, and its address.
pub(crate) fn bound(address: SocketAddr) -> (Socket, SocketAddr) {
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
    use super::Upstream;
    use crate::{Client, Folder};

    #[test]
    fn an_upstream_refuses_accepts_dies_and_comes_back() {
        let mut upstream = Upstream::tcp_down();
        for _ in 0..3 {
            Client::try_connect(upstream.address()).expect_err("it is down");
            upstream.up();
            let mut client = Client::connect(upstream.address());
            client.send(b"question");
            let mut accepted = upstream.accept();
            accepted.expect(b"question");
            upstream.down();
            Client::try_connect(upstream.address()).expect_err("it is down again");
            accepted.send(b"answer");
            client.expect(b"answer");
            client.finish();
            accepted.expect_end();
        }
    }

    #[test]
    #[cfg(unix)]
    fn an_upstream_comes_back_on_a_unix_socket() {
        let folder = Folder::new();
        let path = folder.path().join("upstream");
        let mut upstream = Upstream::unix(&path);
        for _ in 0..2 {
            let mut client = Client::connect_unix(&path);
            let mut accepted = upstream.accept();
            accepted.send(b"answer");
            drop(accepted);
            client.expect(b"answer");
            client.expect_end();
            upstream.down();
            Client::try_connect_unix(&path).expect_err("it is down");
            upstream.up();
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_reset_differs_from_an_end() {
        let upstream = Upstream::tcp();
        let mut client = Client::connect(upstream.address());
        upstream.accept().reset();
        let (rest, end) = client.rest_until_end();
        assert_eq!(rest, b"");
        end.expect_err("a reset is not a FIN");
    }
}
