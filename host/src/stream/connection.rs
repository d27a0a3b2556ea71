//! One connection from its first byte to its last: one direction, or two with a next hop.
//!
//! In: the client's reader and writer, where its lines go, and the [`Orders`] in force. Out: an
//! [`End`], with everything written that could be and the rest counted.
//! Not here: accepting, what happens to lines on their way (`way`).

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, Stdout};
use tokio::sync::{Mutex, watch};
use tokio::time::timeout;

use super::activity::Activity;
use super::end::End;
use super::outlet::{Main, Outlet};
use super::way::Way;
use crate::blocks;
use crate::config::settings::Framing;
use crate::generation::{Orders, Side};
use crate::telemetry::metrics::ListenerMetrics;

/// How long the host waits, after its own FIN, for the client's: closing a socket with unread
/// bytes would reset it and take back answers that are on their way (RFC 9293, 3.6.1).
const LINGER: Duration = Duration::from_secs(1);

/// The host's standard output, shared by connections: each batch of lines goes out whole.
pub type SharedStdout = Arc<Mutex<Stdout>>;

/// A client's stream, to be served.
pub struct Connection<R, W> {
    way: Way<R, W>,
    /// The way to the client, when lines go elsewhere.
    client: Option<W>,
    metrics: ListenerMetrics,
    framing: Framing,
}

/// Where the lines of a connection go.
#[derive(Clone)]
pub enum Sink {
    /// Back to the client.
    Reply,
    /// To standard output; the client gets nothing but the end of the stream.
    Stdout(SharedStdout),
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Connection<R, W> {
    /// A stream of listener `listener`, or `None` when the orders know no such listener.
    pub fn new(
        reader: R,
        writer: W,
        sink: Sink,
        listener: Arc<str>,
        orders: watch::Receiver<Orders>,
        metrics: ListenerMetrics,
    ) -> Option<Self> {
        let framing = orders
            .borrow()
            .generation
            .services
            .get(&*listener)?
            .lines
            .framing;
        let (main, client) = match sink {
            Sink::Reply => (Main::Socket(writer), None),
            Sink::Stdout(output) => (Main::Shared(output), Some(writer)),
        };
        let (outlet, active) = (Outlet::new(main), Arc::new(Activity::new()));
        let way = Way::new(
            reader,
            outlet,
            Side::Forward,
            listener,
            orders,
            metrics.clone(),
            active,
        )?;
        Some(Self {
            way,
            client,
            metrics,
            framing,
        })
    }

    /// Serves the stream to its end.
    pub async fn serve(mut self) -> End {
        let end = self.way.serve().await;
        self.way.abandon();
        if end.closes_politely() {
            let closed = timeout(LINGER, async {
                match &mut self.client {
                    Some(client) => tokio::io::AsyncWriteExt::shutdown(client).await,
                    None => self.way.outlet.close().await,
                }
            });
            if closed.await.is_ok_and(|closed| closed.is_ok()) && !matches!(end, End::Eof) {
                self.linger().await;
            }
        }
        end
    }

    /// Reads on, to no end, until the client has seen ours.
    async fn linger(&mut self) {
        let mut block = blocks::take(0);
        let reading = async {
            while self
                .way
                .reader
                .read_buf(&mut block)
                .await
                .is_ok_and(|read| read > 0)
            {
                let lines = self.framing.count_in(&block);
                self.metrics.dropped_closed.inc_by(lines as u64);
                block.clear();
            }
        };
        // Either way the stream is over.
        drop(timeout(LINGER, reading).await);
    }
}
