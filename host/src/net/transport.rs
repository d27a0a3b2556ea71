//! What carries a stream's bytes: TCP, a Unix socket, or TLS over either.
//!
//! In: a socket that is connected. Out: two halves, one to read and one to write, of the same type
//! for every transport, and the [`Peer`] at the other end.
//! Not here: listening and connecting, certificates (`crate::net::tls`), and when a stream ends.
//!
//! A TLS stream that ends without the peer's close_notify may have been cut off by somebody else.
//! Reading it gives [`io::ErrorKind::UnexpectedEof`] then, which nothing else does: see
//! [`is_truncated`].

mod half;
mod handshake;

use std::fmt;
use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr};
#[cfg(any(target_os = "linux", target_os = "android"))]
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

#[cfg(unix)]
use rustix::net::{RecvFlags, recv};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpStream, tcp};
#[cfg(unix)]
use tokio::net::{UnixStream, unix};
use tokio_rustls::{client, server};

use super::own_sockets::OwnSocket;
use super::tcp::set_user_timeout;
pub use half::Half;
pub use handshake::{HandshakeError, HandshakeFailure};

/// A connected socket without TLS.
#[derive(Debug)]
pub enum Plain {
    /// TCP.
    Tcp(TcpStream),
    /// A Unix socket.
    #[cfg(unix)]
    Unix(UnixStream),
}

/// The half of a stream to read from.
#[derive(Debug)]
pub enum ReadHalf {
    /// TCP.
    Tcp(tcp::OwnedReadHalf),
    /// A Unix socket.
    #[cfg(unix)]
    Unix(unix::OwnedReadHalf),
    /// TLS with a client.
    TlsServer(Half<server::TlsStream<Plain>>),
    /// TLS with an upstream.
    TlsClient(Half<client::TlsStream<Plain>>),
    /// One of these, of a connection that the host has made itself.
    Own(Box<OwnHalf>),
}

/// A half of a connection that the host has made itself, known as such while it is open.
#[derive(Debug)]
pub struct OwnHalf {
    half: ReadHalf,
    _known: OwnSocket,
}

/// The half of a stream to write to. Over TLS, written bytes may wait for a flush. Shutting it down
/// ends this direction only: close_notify over TLS, then FIN.
#[derive(Debug)]
pub enum WriteHalf {
    /// TCP.
    Tcp(tcp::OwnedWriteHalf),
    /// A Unix socket.
    #[cfg(unix)]
    Unix(unix::OwnedWriteHalf),
    /// TLS with a client.
    TlsServer(Half<server::TlsStream<Plain>>),
    /// TLS with an upstream.
    TlsClient(Half<client::TlsStream<Plain>>),
}

/// Who is at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// An IP address and a port.
    Ip(SocketAddr),
    /// A process of this machine, by a Unix socket.
    Unix,
}

/// Whether reading failed because a TLS stream ended without close_notify.
pub fn is_truncated(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::UnexpectedEof
}

// === impl Plain ===

impl Plain {
    /// Ends the connection when its peer acknowledges or takes nothing for `limit` or 90 seconds,
    /// whichever is longer; see [`tcp::set_user_timeout`](crate::net::tcp::set_user_timeout). A Unix
    /// socket's peer cannot vanish.
    pub fn set_user_timeout(&self, limit: Option<Duration>) {
        match self {
            Self::Tcp(stream) => set_user_timeout(stream, limit),
            #[cfg(unix)]
            Self::Unix(_) => {}
        }
    }

    /// Waits for input, and copies some into `buffer` without taking it. Returns how much; 0 is the
    /// end of the stream.
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.peek(buffer).await,
            #[cfg(unix)]
            Self::Unix(stream) => {
                stream
                    .async_io(Interest::READABLE, || {
                        let (_, count) = recv(stream, &mut *buffer, RecvFlags::PEEK)?;
                        Ok(count)
                    })
                    .await
            }
        }
    }

    /// Whether input may be there, as far as is known without asking the system.
    fn has_input(&self) -> bool {
        match self {
            Self::Tcp(stream) => has_input(|look| stream.try_io(Interest::READABLE, look)),
            #[cfg(unix)]
            Self::Unix(stream) => has_input(|look| stream.try_io(Interest::READABLE, look)),
        }
    }

    /// Another handle on the socket, for one who waits for its end while others read and write.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn another(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Tcp(stream) => {
                let socket = stream.as_fd().try_clone_to_owned()?;
                Self::Tcp(TcpStream::from_std(socket.into())?)
            }
            Self::Unix(stream) => {
                let socket = stream.as_fd().try_clone_to_owned()?;
                Self::Unix(UnixStream::from_std(socket.into())?)
            }
        })
    }

    /// The address at which it was accepted; `None` for a Unix socket.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.local_addr().ok(),
            #[cfg(unix)]
            Self::Unix(_) => None,
        }
    }

    /// Whether its other end is this process, if that shows: for Unix sockets only.
    pub fn is_of_this_process(&self) -> bool {
        match self {
            Self::Tcp(_) => false,
            #[cfg(unix)]
            Self::Unix(stream) => {
                let pid = stream.peer_cred().ok().and_then(|peer| peer.pid());
                pid.and_then(|pid| u32::try_from(pid).ok()) == Some(std::process::id())
            }
        }
    }

    /// Splits it into two halves, which two tasks may use.
    pub fn into_split(self) -> (ReadHalf, WriteHalf) {
        match self {
            Self::Tcp(stream) => {
                let (reader, writer) = stream.into_split();
                (ReadHalf::Tcp(reader), WriteHalf::Tcp(writer))
            }
            #[cfg(unix)]
            Self::Unix(stream) => {
                let (reader, writer) = stream.into_split();
                (ReadHalf::Unix(reader), WriteHalf::Unix(writer))
            }
        }
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for Plain {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
        }
    }
}

// === impl ReadHalf ===

impl ReadHalf {
    /// The same half, of a connection that is known as the host's own until it is dropped.
    pub fn known_as(self, own: Option<OwnSocket>) -> Self {
        match own {
            Some(known) => Self::Own(Box::new(OwnHalf {
                half: self,
                _known: known,
            })),
            None => self,
        }
    }

    /// Whether input may be there, as far as is known without asking the system. What TLS has decrypted
    /// already does not count.
    pub fn has_input(&self) -> bool {
        match self {
            Self::Tcp(half) => has_input(|look| half.as_ref().try_io(Interest::READABLE, look)),
            #[cfg(unix)]
            Self::Unix(half) => has_input(|look| half.as_ref().try_io(Interest::READABLE, look)),
            Self::TlsServer(half) => half.look(|stream| stream.get_ref().0.has_input()),
            Self::TlsClient(half) => half.look(|stream| stream.get_ref().0.has_input()),
            Self::Own(own) => own.half.has_input(),
        }
    }

    /// The TCP socket, without TLS.
    #[cfg(test)]
    pub(crate) fn tcp(&self) -> Option<&TcpStream> {
        match self {
            Self::Tcp(half) => Some(half.as_ref()),
            Self::Own(own) => own.half.tcp(),
            _ => None,
        }
    }

    /// Waits until the connection is broken. Never ready on systems other than Linux.
    pub async fn reset(&self) {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        self.ready(Interest::ERROR).await;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        std::future::pending().await
    }

    /// Waits until the peer has ended its side or the connection is broken, without taking any of the
    /// bytes before. Never ready on systems other than Linux.
    pub async fn closed(&self) {
        // Priority: ready when reading is closed, and not when there are merely bytes to read. An error
        // ends the connection, too.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        self.ready(Interest::PRIORITY | Interest::ERROR).await;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        std::future::pending().await
    }

    /// Waits until the socket is ready for one of `interest`.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    async fn ready(&self, interest: Interest) {
        let half = match self {
            Self::Own(own) => &own.half,
            half => half,
        };
        match half {
            Self::Tcp(half) => drop(half.ready(interest).await),
            Self::Unix(half) => drop(half.ready(interest).await),
            Self::TlsServer(half) => {
                until(half.look(|stream| stream.get_ref().0.another()), interest).await;
            }
            Self::TlsClient(half) => {
                until(half.look(|stream| stream.get_ref().0.another()), interest).await;
            }
            // It holds none of its own kind.
            Self::Own(_) => std::future::pending().await,
        }
    }
}

/// Whether the runtime knows that a socket is ready: only then `try_io` looks.
fn has_input(try_io: impl FnOnce(fn() -> io::Result<()>) -> io::Result<()>) -> bool {
    try_io(|| Ok(())).is_ok()
}

/// Waits until a socket is `ready`; indefinitely if there is no descriptor for another handle on it.
#[cfg(any(target_os = "linux", target_os = "android"))]
async fn until(socket: io::Result<Plain>, ready: Interest) {
    match socket {
        Ok(Plain::Tcp(socket)) => drop(socket.ready(ready).await),
        Ok(Plain::Unix(socket)) => drop(socket.ready(ready).await),
        Err(_) => std::future::pending().await,
    }
}

/// Implements [`AsyncRead`] by the variant's own.
macro_rules! reads {
    ($type:ident: $($(#[$when:meta])? $variant:ident),+) => {
        impl AsyncRead for $type {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffer: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                match self.get_mut() {
                    $($(#[$when])? Self::$variant(from) => Pin::new(from).poll_read(cx, buffer),)+
                }
            }
        }
    };
}

/// Implements [`AsyncWrite`] by the variant's own.
macro_rules! writes {
    ($type:ident: $($(#[$when:meta])? $variant:ident),+) => {
        impl AsyncWrite for $type {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                match self.get_mut() {
                    $($(#[$when])? Self::$variant(to) => Pin::new(to).poll_write(cx, bytes),)+
                }
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                slices: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                match self.get_mut() {
                    $($(#[$when])? Self::$variant(to) => {
                        Pin::new(to).poll_write_vectored(cx, slices)
                    })+
                }
            }

            fn is_write_vectored(&self) -> bool {
                match self {
                    $($(#[$when])? Self::$variant(to) => to.is_write_vectored(),)+
                }
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                match self.get_mut() {
                    $($(#[$when])? Self::$variant(to) => Pin::new(to).poll_flush(cx),)+
                }
            }

            fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                match self.get_mut() {
                    $($(#[$when])? Self::$variant(to) => Pin::new(to).poll_shutdown(cx),)+
                }
            }
        }
    };
}

reads!(Plain: Tcp, #[cfg(unix)] Unix);
writes!(Plain: Tcp, #[cfg(unix)] Unix);
reads!(ReadHalf: Tcp, #[cfg(unix)] Unix, TlsServer, TlsClient, Own);
writes!(WriteHalf: Tcp, #[cfg(unix)] Unix, TlsServer, TlsClient);

impl AsyncRead for OwnHalf {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().half).poll_read(cx, buffer)
    }
}

// === impl Peer ===

impl Peer {
    /// IP address and port; `None` for a Unix socket.
    pub fn socket(&self) -> Option<SocketAddr> {
        match self {
            Self::Ip(address) => Some(*address),
            Self::Unix => None,
        }
    }

    /// The IP address; `None` for a Unix socket. An IPv4 address mapped into IPv6, as sockets for
    /// both give it, comes out as IPv4.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Ip(address) => Some(address.ip().to_canonical()),
            Self::Unix => None,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => {
                SocketAddr::new(address.ip().to_canonical(), address.port()).fmt(f)
            }
            Self::Unix => f.write_str("unix"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_address_is_the_ipv4_address() {
        let mapped = Peer::Ip("[::ffff:192.0.2.7]:80".parse().expect("an address"));
        assert_eq!(mapped.ip(), Some(IpAddr::from([192, 0, 2, 7])));
        assert_eq!(mapped.to_string(), "192.0.2.7:80");
        let other = Peer::Ip("[2001:db8::7]:80".parse().expect("an address"));
        assert_eq!(other.to_string(), "[2001:db8::7]:80");
        assert_eq!(Peer::Unix.ip(), None);
    }
}
