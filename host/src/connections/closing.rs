//! Closing a client's stream so that what was sent to it arrives.
//!
//! In: an [`End`], and what closes the host's side. Out: a FIN for the client where the end allows
//! it, and a count of the lines that it had sent meanwhile.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

use super::context::Context;
use super::end::End;
use crate::connections::metrics::LineMetrics;
use linemill_framing::{Framing, blocks};

/// How long the host waits for the client's FIN after its own: closing a socket with unread bytes
/// would reset it, and the client could lose answers that are still on their way (RFC 9293, 3.6.1).
pub(super) const LINGER: Duration = Duration::from_secs(1);

/// Closes a client's stream. Created before the stream ends, because its listener may no longer
/// exist then.
pub(super) struct Closing {
    /// How the client's lines are framed.
    framing: Framing,
    pub(super) metrics: Arc<LineMetrics>,
}

impl Closing {
    /// `None` when the listener is gone.
    pub(super) fn of(context: &Context) -> Option<Self> {
        Some(Self {
            framing: context.service()?.lines.framing,
            metrics: Arc::clone(&context.metrics),
        })
    }

    /// Sends the client a FIN by `shutdown`, and waits for the client's own. Lines that it had sent
    /// meanwhile count as `dropped`.
    pub(super) async fn close<R: AsyncRead + Unpin>(
        &self,
        end: &End,
        shutdown: impl Future<Output = io::Result<()>>,
        reader: &mut R,
        dropped: &Counter,
    ) {
        if !end.sends_fin() {
            return;
        }
        let closed = timeout(LINGER, shutdown).await;
        // After its own FIN a client sends nothing more.
        if closed.is_ok_and(|closed| closed.is_ok()) && !matches!(end, End::Eof) {
            self.linger(reader, dropped).await;
        }
    }

    /// Reads and discards until the client ends its side, for [`LINGER`] at most.
    async fn linger<R: AsyncRead + Unpin>(&self, reader: &mut R, dropped: &Counter) {
        let mut block = blocks::take(0);
        let reading = async {
            while reader.read_buf(&mut block).await.is_ok_and(|read| read > 0) {
                let lines = self.framing.count_in(&block);
                dropped.inc_by(lines as u64);
                block.clear();
            }
        };
        // Either way the stream is over.
        drop(timeout(LINGER, reading).await);
    }
}
