//! The writer of a next hop that connections share.
//!
//! In: the queue. Out: bytes on one connection at a time, made again with growing pauses whenever
//! it breaks, and counts. A line that a broken connection cut is sent again whole on the next.
//! What the next hop answers is read and thrown away: there is nobody to give it to.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use super::{Item, State};
use crate::stream::activity::since_start;
use crate::stream::backoff::Backoff;
use crate::stream::hop::Hop;
use crate::stream::owed::Owed;
use crate::stream::transport::{ReadHalf, WriteHalf};
use crate::telemetry::metrics::OutputMetrics;

/// Bytes in the writer's hands, at most, beside what is in the queue.
const IN_HAND: usize = 256 * 1024;
/// A connection that lasts for less is not soon made again.
const SHORT: Duration = Duration::from_secs(1);

struct Relay {
    hop: Hop,
    items: UnboundedReceiver<Item>,
    owed: Owed,
    /// Asked to tell when all is written.
    finishing: Vec<oneshot::Sender<()>>,
    state: Arc<State>,
    metrics: OutputMetrics,
}

/// Serves the queue until there is nobody left to fill it.
pub(super) async fn run(
    hop: Hop,
    items: UnboundedReceiver<Item>,
    state: Arc<State>,
    metrics: OutputMetrics,
) {
    let relay = Relay {
        hop,
        items,
        owed: Owed::default(),
        finishing: Vec::new(),
        state,
        metrics,
    };
    relay.run().await;
}

impl Relay {
    async fn run(mut self) {
        let mut backoff = Backoff::default();
        loop {
            let began = Instant::now();
            // Without a deadline it comes back with a connection only.
            let Ok((reader, writer)) = self.hop.connect(None).await else {
                return;
            };
            self.metrics.up.set(1);
            let ended = self.pump(reader, writer).await;
            self.metrics.up.set(0);
            let Err(error) = ended else { return };
            let (whole, again) = self.owed.rewind();
            self.delivered(whole);
            self.metrics.queued.inc_by(again as i64);
            tracing::warn!(next_hop = %self.hop.to(), %error, "connection to the next hop ended; making another");
            if began.elapsed() < SHORT {
                sleep(backoff.next(since_start())).await;
            } else {
                backoff = Backoff::default();
            }
        }
    }

    /// Writes until the connection breaks, which is an error, or the queue ends.
    async fn pump(&mut self, mut reader: ReadHalf, mut writer: WriteHalf) -> io::Result<()> {
        let mut answer = [0; 1024];
        let mut ended = false;
        loop {
            if ended && self.owed.is_done() {
                return writer.shutdown().await;
            }
            if self.owed.is_done() {
                // Those who asked may have gone.
                self.finishing
                    .drain(..)
                    .for_each(|told| told.send(()).unwrap_or_default());
            }
            let (owes, takes) = (!self.owed.is_done(), !ended && self.owed.bytes() < IN_HAND);
            tokio::select! {
                biased;
                read = reader.read(&mut answer) => if read? == 0 {
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it closed the connection"));
                },
                taken = self.owed.write(&mut writer), if owes => {
                    let taken = taken?;
                    self.metrics.bytes.inc_by(taken.bytes as u64);
                    self.metrics.queued.dec_by(taken.bytes as i64);
                    self.delivered(taken.lines);
                }
                item = self.items.recv(), if takes => match item {
                    Some(Item::Batch(batch, room)) => self.owed.push_from(batch.bytes, batch.lines, batch.framing, Some(room)),
                    Some(Item::Finish(told)) => self.finishing.push(told),
                    None => ended = true,
                },
            }
        }
    }

    fn delivered(&self, lines: u64) {
        self.metrics.lines.inc_by(lines);
        self.state.left(lines);
    }
}
