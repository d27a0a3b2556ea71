//! The first bytes of a plain connection.
//!
//! In: a client's stream. Out: the same stream, and a warning if it begins with a TLS handshake: then the
//! client waits for an answer that a listener without `tls` never gives, and its handshake would be taken
//! for lines without a word. Nothing is waited for, and no byte is changed.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};

use super::connection_span::ConnectionSpan;
use crate::complaints::Complaints;
use crate::net::transport::ReadHalf;

/// A client's stream.
pub(super) struct Opening {
    reader: ReadHalf,
    /// `None` once bytes have been read, and over TLS.
    unread: Option<Box<Unread>>,
}

struct Unread {
    span: ConnectionSpan,
    complaints: Arc<Complaints>,
}

impl Opening {
    /// A stream without TLS, of which nothing has been read.
    pub(super) fn plain(
        reader: ReadHalf,
        span: ConnectionSpan,
        complaints: Arc<Complaints>,
    ) -> Self {
        let unread = Some(Box::new(Unread { span, complaints }));
        Self { reader, unread }
    }

    /// A stream after its TLS handshake.
    pub(super) fn tls(reader: ReadHalf) -> Self {
        Self {
            reader,
            unread: None,
        }
    }

    /// Waits until the client has ended its side or the connection is broken; see
    /// [`ReadHalf::closed`].
    pub(super) fn closed(&self) -> impl Future<Output = ()> + Send {
        self.reader.closed()
    }

    /// Waits until the connection is broken; see [`ReadHalf::reset`].
    pub(super) fn reset(&self) -> impl Future<Output = ()> + Send {
        self.reader.reset()
    }

    /// Whether more bytes may be there; see [`ReadHalf::has_input`].
    pub(super) fn has_input(&self) -> bool {
        self.reader.has_input()
    }
}

impl AsyncRead for Opening {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.reader).poll_read(cx, buffer);
        if this.unread.is_some()
            && matches!(read, Poll::Ready(Ok(())))
            && let Some(unread) = this.unread.take()
            && is_client_hello(&buffer.filled()[before..])
        {
            unread.complaints.tls_to_plain(&unread.span);
        }
        read
    }
}

/// Whether a stream begins as TLS 1.0 to 1.3 do: a handshake record (RFC 8446, section 5.1) with a
/// ClientHello.
fn is_client_hello(bytes: &[u8]) -> bool {
    matches!(bytes, [22, 3, 0..=4, _, _, 1, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_no_handshake() {
        assert!(is_client_hello(&[22, 3, 1, 2, 0, 1, 0, 1, 252]));
        for lines in [&b""[..], b"\x16", b"\x16\x03\x01\n", b"GET / HTTP/1.1\r\n"] {
            assert!(!is_client_hello(lines), "{}", lines.escape_ascii());
        }
    }
}
