//! One end of a connection: bytes out, bytes in, and how it ended.
//!
//! In: an address, or what a [`Hop`](crate::Hop) accepted. Out: what the other end did with the
//! bytes, asserted in [`expect`]. It is over TCP, a Unix socket or TLS, and does not know lines
//! beyond counting LFs. Every wait is bounded by [`PATIENCE`](crate::PATIENCE).

mod expect;

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection, Stream};
use socket2::{Domain, SockAddr, Socket, Type};

use crate::PATIENCE;

/// A connection to a host, or from one.
#[derive(Debug)]
pub struct Client {
    socket: Socket,
    tls: Option<Box<Connection>>,
}

impl Client {
    /// Connects, with Nagle's algorithm off so that each `send` is a segment of its own.
    pub fn connect(address: SocketAddr) -> Self {
        Self::try_connect(address).expect("the listener accepts")
    }

    /// As [`connect`](Self::connect), where the listener may refuse.
    ///
    /// # Errors
    /// The system's, when nothing accepts there.
    pub fn try_connect(address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.connect_timeout(&address.into(), PATIENCE)?;
        Ok(Self::of(socket))
    }

    /// Its own address.
    pub fn local(&self) -> SocketAddr {
        let address = self.socket.local_addr().expect("it is connected");
        address.as_socket().expect("it is no Unix socket")
    }

    /// Connects from this address of the machine.
    pub fn connect_from(from: IpAddr, address: SocketAddr) -> Self {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None);
        let socket = socket.expect("a socket");
        socket
            .bind(&SocketAddr::from((from, 0)).into())
            .expect("an address of this machine");
        socket
            .connect_timeout(&address.into(), PATIENCE)
            .expect("the listener accepts");
        Self::of(socket)
    }

    /// Connects with room for only so many bytes that have not been read, as far as the system
    /// allows: then what is not read waits in the host.
    pub fn with_little_room(address: SocketAddr, bytes: usize) -> Self {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None);
        let socket = socket.expect("a socket");
        socket
            .set_recv_buffer_size(bytes)
            .expect("a fresh socket takes options");
        socket
            .connect_timeout(&address.into(), PATIENCE)
            .expect("the listener accepts");
        Self::of(socket)
    }

    /// Connects to a Unix socket.
    pub fn connect_unix(path: &Path) -> Self {
        Self::try_connect_unix(path).expect("the listener accepts")
    }

    /// As [`connect_unix`](Self::connect_unix), where nothing may listen.
    ///
    /// # Errors
    /// The system's, when nothing accepts there.
    pub fn try_connect_unix(path: &Path) -> io::Result<Self> {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.connect(&SockAddr::unix(path)?)?;
        Ok(Self::of(socket))
    }

    /// Connects by TLS, for the name `localhost`, and waits until the handshake is done.
    ///
    /// # Errors
    /// What stopped the handshake. A server that wants another certificate of the client says so
    /// only afterwards, by TLS 1.3: see [`expect_refusal`](Self::expect_refusal).
    pub fn connect_tls(address: SocketAddr, config: &Arc<ClientConfig>) -> io::Result<Self> {
        let name = ServerName::try_from("localhost").expect("a name");
        let session = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
        Self::connect(address).handshake(session.into())
    }

    /// The server's side of TLS on a connection that was accepted.
    ///
    /// # Errors
    /// What stopped the handshake.
    pub fn accept_tls(self, config: &Arc<ServerConfig>) -> io::Result<Self> {
        let session = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
        self.handshake(session.into())
    }

    fn handshake(mut self, mut session: Connection) -> io::Result<Self> {
        while session.is_handshaking() {
            session.complete_io(&mut &self.socket)?;
        }
        self.tls = Some(Box::new(session));
        Ok(self)
    }

    /// A connection that is there already.
    pub(crate) fn of(socket: Socket) -> Self {
        // A Unix socket has no such algorithm.
        let _ = socket.set_tcp_nodelay(true);
        let client = Self { socket, tls: None };
        client.read_within(PATIENCE);
        client.write_within(PATIENCE);
        client
    }

    /// The same connection once more, for another thread. Not over TLS.
    pub fn another(&self) -> Self {
        assert!(self.tls.is_none(), "a TLS session has one end");
        Self {
            socket: self.socket.try_clone().expect("a socket can be cloned"),
            tls: None,
        }
    }

    /// The certificate that the other end showed.
    pub fn certificate(&self) -> Option<CertificateDer<'static>> {
        let chain = self.tls.as_ref()?.peer_certificates()?;
        Some(chain.first()?.clone().into_owned())
    }

    /// Writes all of `bytes`.
    #[track_caller]
    pub fn send(&mut self, bytes: &[u8]) {
        let mut sent = 0;
        while sent < bytes.len() {
            match self.write(&bytes[sent..]) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => panic!("the other end takes no more: {error}, after {sent} bytes"),
            }
        }
    }

    /// Writes what goes at once or within `wait`; `None` when the other end has closed.
    pub fn offer(&mut self, bytes: &[u8], wait: Duration) -> Option<usize> {
        self.write_within(wait);
        let written = match self.write(bytes) {
            Ok(count) => Some(count),
            Err(error) if is_timeout(error.kind()) => Some(0),
            Err(_) => None,
        };
        self.write_within(PATIENCE);
        written
    }

    /// Offers `line` again and again until neither the other end nor the kernel has taken a byte
    /// for `wait`: how many bytes went, perhaps ending within a line.
    pub fn fill(&mut self, line: &[u8], wait: Duration) -> usize {
        let lines = line.repeat((64 * 1024usize).div_ceil(line.len()) + 1);
        let mut sent = 0;
        while let Some(count @ 1..) = self.offer(&lines[sent % line.len()..], wait) {
            sent += count;
        }
        sent
    }

    /// Ends the input: a half-close, output can still come.
    pub fn finish(&mut self) {
        match self.tls.as_deref_mut() {
            Some(Connection::Client(session)) => session.send_close_notify(),
            Some(Connection::Server(session)) => session.send_close_notify(),
            None => {}
        }
        // One that has already closed makes these errors, which the next read shows better.
        let _ = self.flush();
        self.cut();
    }

    /// Ends the input of the TCP connection and says nothing of it in TLS: a truncation.
    pub fn cut(&self) {
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    /// Ends the connection with a reset: what is under way is lost both ways.
    pub fn reset(self) {
        self.socket
            .set_linger(Some(Duration::ZERO))
            .expect("an open socket takes options");
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut socket = &self.socket;
        match self.tls.as_deref_mut() {
            None => socket.write(bytes),
            Some(Connection::Client(session)) => Stream::new(session, &mut socket).write(bytes),
            Some(Connection::Server(session)) => Stream::new(session, &mut socket).write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut socket = &self.socket;
        match self.tls.as_deref_mut() {
            None => Ok(()),
            Some(Connection::Client(session)) => Stream::new(session, &mut socket).flush(),
            Some(Connection::Server(session)) => Stream::new(session, &mut socket).flush(),
        }
    }

    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut socket = &self.socket;
        match self.tls.as_deref_mut() {
            None => socket.read(bytes),
            Some(Connection::Client(session)) => Stream::new(session, &mut socket).read(bytes),
            Some(Connection::Server(session)) => Stream::new(session, &mut socket).read(bytes),
        }
    }

    fn read_within(&self, time: Duration) {
        self.socket
            .set_read_timeout(Some(time))
            .expect("an open socket takes options");
    }

    fn write_within(&self, time: Duration) {
        self.socket
            .set_write_timeout(Some(time))
            .expect("an open socket takes options");
    }
}

/// What ROT13 makes of `bytes`.
pub fn rot13(bytes: &[u8]) -> Vec<u8> {
    let turn = |byte: u8| match byte {
        b'a'..=b'm' | b'A'..=b'M' => byte + 13,
        b'n'..=b'z' | b'N'..=b'Z' => byte - 13,
        _ => byte,
    };
    bytes.iter().copied().map(turn).collect()
}

/// Expects `line` again and again, `length` bytes in all; the last may be cut.
///
/// # Panics
/// When other bytes came, or more or fewer.
#[track_caller]
pub fn assert_repeats(got: &[u8], line: &[u8], length: usize) {
    assert_eq!(got.len(), length);
    assert!(
        got.chunks(line.len())
            .all(|chunk| chunk == &line[..chunk.len()]),
        "a line was changed"
    );
}

pub(crate) fn is_timeout(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
