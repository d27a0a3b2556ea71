//! What a direction of a connection reads from.
//!
//! In: a reader. Out: the same, and whether its peer is still there, which matters while lines wait
//! for a sink and nothing is read.

use tokio::io::AsyncRead;

use crate::net::transport::ReadHalf;

/// A reader that may know more of its peer than the bytes it sends.
pub trait Source: AsyncRead + Unpin {
    /// Waits until the peer sends no more: it has sent its FIN, or the connection is broken. Bytes
    /// that it sent before may still be unread. Takes none of them. Never ready if that cannot be
    /// known.
    fn gone(&self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }

    /// Waits until the connection is broken. Takes no bytes. Never ready if that cannot be known.
    fn broken(&self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }

    /// Whether more bytes may be there, as far as that is known without reading.
    fn has_input(&self) -> bool {
        false
    }

    /// Gives up what the connection holds of its listener's limits, because the peer has gone and
    /// only lines that it sent are left.
    fn leave(&mut self) {}
}

impl Source for ReadHalf {
    fn gone(&self) -> impl Future<Output = ()> + Send {
        self.closed()
    }

    fn broken(&self) -> impl Future<Output = ()> + Send {
        self.reset()
    }

    fn has_input(&self) -> bool {
        Self::has_input(self)
    }
}
