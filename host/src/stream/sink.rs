//! Where a stream's lines go after its chain.
//!
//! In: whole lines. Out: bytes to the client, or to an output that connections share.
//! Not here: how long a write may take (`connection`).

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncWrite, AsyncWriteExt, Stdout};
use tokio::sync::Mutex;

use crate::config::settings::Framing;
use crate::lines::Lines;

/// The host's standard output, shared by connections: each batch of lines goes out whole.
pub type SharedStdout = Arc<Mutex<Stdout>>;

/// Where lines go. `W` is the way back to the client.
pub enum Sink<W> {
    /// Back to the client.
    Reply(W),
    /// To standard output; the client gets nothing but the end of the stream.
    Stdout {
        /// The way to the client.
        client: W,
        /// The output.
        output: SharedStdout,
    },
}

impl<W: AsyncWrite + Unpin> Sink<W> {
    /// Makes lines fit to be written: on a shared output none may go without a terminator.
    pub(super) fn prepare(&self, mut lines: Lines, framing: Framing) -> Vec<u8> {
        if matches!(self, Self::Stdout { .. }) {
            lines.terminate(framing);
        }
        lines.into_bytes()
    }

    /// Writes some of `bytes` and says how many. A shared output takes all or fails.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Reply(client) => client.write(bytes).await,
            Self::Stdout { output, .. } => {
                let mut output = output.lock().await;
                output.write_all(bytes).await?;
                output.flush().await?;
                Ok(bytes.len())
            }
        }
    }

    /// Hands over what the writer may still hold.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Reply(client) => client.flush().await,
            Self::Stdout { .. } => Ok(()),
        }
    }

    /// Ends the way to the client: it sees the end of the stream.
    pub(super) async fn close(&mut self) -> io::Result<()> {
        match self {
            Self::Reply(client) | Self::Stdout { client, .. } => client.shutdown().await,
        }
    }
}
