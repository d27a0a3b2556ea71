//! One end of a connection, over TCP, a Unix socket or TLS.
//!
//! In: an address, or a connection that an [`Upstream`](crate::Upstream) accepted. Out: the bytes
//! the other end sent and how it ended the connection, asserted in [`expect`]. Every wait is bounded
//! by [`PATIENCE`](crate::PATIENCE). Not here: lines, beyond counting LFs.

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
    /// Connects. Nagle's algorithm is off, so each `send` leaves at once.
    pub fn connect(address: SocketAddr) -> Self {
        Self::try_connect(address).expect("the listener accepts")
    }

    /// As [`connect`](Self::connect), where the listener may refuse.
    ///
    /// # Errors
    /// The error of the system, when nothing accepts there.
    pub fn try_connect(address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.connect_timeout(&address.into(), PATIENCE)?;
        Ok(Self::of(socket))
    }

    /// Its local address.
    pub fn local(&self) -> SocketAddr {
        let address = self.socket.local_addr().expect("it is connected");
        address.as_socket().expect("not a Unix socket")
    }

    /// Connects from this local address.
    pub fn connect_from(from: IpAddr, address: SocketAddr) -> Self {
        let socket =
            Socket::new(Domain::for_address(address), Type::STREAM, None).expect("a socket");
        socket
            .bind(&SocketAddr::from((from, 0)).into())
            .expect("an address of this machine");
        socket
            .connect_timeout(&address.into(), PATIENCE)
            .expect("the listener accepts");
        Self::of(socket)
    }

    /// Connects with a receive buffer of about `bytes`, so that unread data stays in the host.
    pub fn with_little_room(address: SocketAddr, bytes: usize) -> Self {
        let socket =
            Socket::new(Domain::for_address(address), Type::STREAM, None).expect("a socket");
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
    /// The error of the system, when nothing accepts there.
    pub fn try_connect_unix(path: &Path) -> io::Result<Self> {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.connect(&SockAddr::unix(path)?)?;
        Ok(Self::of(socket))
    }

    /// Connects by TLS, for the name `localhost`, and waits until the handshake is done.
    ///
    /// # Errors
    /// What stopped the handshake. In TLS 1.3 (RFC 8446, 4.4) a server rejects the client's
    /// certificate only afterwards: see [`expect_refusal`](Self::expect_refusal).
    pub fn connect_tls(address: SocketAddr, config: &Arc<ClientConfig>) -> io::Result<Self> {
        Self::connect(address).start_tls(config)
    }

    /// Starts TLS on a connection on which something else came first, as
    /// [`connect_tls`](Self::connect_tls) does.
    ///
    /// # Errors
    /// What stopped the handshake.
    pub fn start_tls(self, config: &Arc<ClientConfig>) -> io::Result<Self> {
        let name = ServerName::try_from("localhost").expect("a name");
        let session = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
        self.handshake(session.into())
    }

    /// Performs the server's side of a TLS handshake on an accepted connection.
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

    /// Wraps a connected socket.
    pub(crate) fn of(socket: Socket) -> Self {
        // Fails on Unix sockets, which do not need it.
        let _ = socket.set_tcp_nodelay(true);
        let client = Self { socket, tls: None };
        client.read_within(PATIENCE);
        client.write_within(PATIENCE);
        client
    }

    /// A second handle on the same connection, for another thread. Not with TLS.
    pub fn another(&self) -> Self {
        assert!(self.tls.is_none(), "a TLS session cannot be shared");
        Self {
            socket: self.socket.try_clone().expect("a socket can be cloned"),
            tls: None,
        }
    }

    /// The certificate that the other end presented.
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
                Err(error) => panic!("{error} after {sent} bytes were sent"),
            }
        }
    }

    /// Writes what the socket accepts within `wait`; returns how much, or `None` when the other end
    /// has closed.
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

    /// Sends `line` again and again until neither the other end nor the kernel has taken a byte for
    /// `wait`. Returns how many bytes were sent; the last line may be incomplete.
    pub fn fill(&mut self, line: &[u8], wait: Duration) -> usize {
        let lines = line.repeat((64 * 1024usize).div_ceil(line.len()) + 1);
        let mut sent = 0;
        while let Some(count @ 1..) = self.offer(&lines[sent % line.len()..], wait) {
            sent += count;
        }
        sent
    }

    /// Half-closes: ends the input; output can still come. With TLS, close_notify is sent first.
    pub fn finish(&mut self) {
        match self.tls.as_deref_mut() {
            Some(Connection::Client(session)) => session.send_close_notify(),
            Some(Connection::Server(session)) => session.send_close_notify(),
            None => {}
        }
        // These fail if the other end has closed; the next read reports that better.
        let _ = self.flush();
        self.cut();
    }

    /// Half-closes the TCP connection without close_notify: in TLS, a truncation.
    pub fn cut(&self) {
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    /// Resets the connection: data in flight is lost in both directions.
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

pub(crate) fn is_timeout(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
