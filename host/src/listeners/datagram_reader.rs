//! Datagrams as one stream of lines.
//!
//! In: a socket that receives datagrams, and the [`Snapshot`]s in force. Out: bytes, in which every
//! datagram ends with a terminator of the listener's framing. The stream ends when the listener drains
//! or gets another socket and nothing waits in this one, and when a reload has changed the framing.
//! Not here: whom a datagram may come from (`admission`), what happens to the bytes (`connections`).

use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::watch;

use super::connection_span::ConnectionSpan;
use super::metrics::{DatagramDrop, ListenerMetrics, RefusalReason};
use crate::connections::source::Source;
use crate::generation::{Service, Snapshot};
use crate::net::datagrams::{Datagram, DatagramSocket};
use crate::net::transport::Peer;
use linemill_framing::Framing;

/// Longest datagram that is taken whole, in bytes: longer than any by UDP.
const LONGEST: usize = 64 << 10;
/// Room for a terminator.
const TERMINATOR: usize = 2;
/// Datagrams taken together, so that refused ones do not keep other tasks waiting.
const TOGETHER: usize = 256;

/// Reads the datagrams of a listener.
pub(super) struct DatagramReader {
    pub(super) socket: Arc<DatagramSocket>,
    pub(super) listener: Arc<str>,
    pub(super) snapshot: watch::Receiver<Snapshot>,
    /// When another socket replaces this one.
    pub(super) retirement: Retirement,
    pub(super) metrics: Arc<ListenerMetrics>,
    /// The service in force, or the last one.
    pub(super) service: Arc<Service>,
    /// What ends the lines of this stream.
    pub(super) framing: Framing,
    pub(super) buffer: DatagramBuffer,
}

/// A datagram that has been received, and how much of it has been read.
pub(super) struct DatagramBuffer {
    bytes: Box<[u8]>,
    /// What is still to be read.
    rest: Range<usize>,
}

/// Waits until another socket has replaced this one.
pub(super) struct Retirement(Option<Pin<Box<dyn Future<Output = ()> + Send>>>);

impl Retirement {
    pub(super) fn of(mut retired: watch::Receiver<bool>) -> Self {
        Self(Some(Box::pin(async move {
            if retired.wait_for(|retired| *retired).await.is_err() {
                // The listener has ended, and drains.
                std::future::pending().await
            }
        })))
    }

    /// Whether it has been replaced; wakes the task when it is.
    fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        if let Some(waiting) = &mut self.0
            && waiting.as_mut().poll(cx).is_ready()
        {
            self.0 = None;
        }
        self.0.is_none()
    }
}

/// What the reader has to do, by the snapshot in force.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Now {
    /// Receive.
    Receive,
    /// Take what is there, and end.
    Finish,
    /// End.
    End,
}

impl DatagramReader {
    /// Follows the snapshot in force.
    fn follow(&mut self) -> Now {
        let snapshot = self.snapshot.borrow();
        let services = &snapshot.generation().services;
        let Some(service) = services.get(&*self.listener) else {
            // It has been removed. Its last networks apply to what was sent before.
            return Now::Finish;
        };
        if service.lines.framing != self.framing {
            return Now::End;
        }
        self.service = Arc::clone(service);
        if snapshot.drain_until(&self.listener).is_some() {
            Now::Finish
        } else {
            Now::Receive
        }
    }

    /// Keeps the datagram in the buffer, with a terminator, or drops it.
    fn take(&mut self, datagram: Datagram) {
        self.metrics.datagrams.inc();
        if let Some(reason) = self.service.admission.refusal(datagram.peer) {
            let (label, network) = match reason {
                RefusalReason::Denied => (DatagramDrop::Denied, "deny"),
                _ => (DatagramDrop::NotAllowed, "allow"),
            };
            self.metrics.datagrams_dropped.of(label).inc();
            let complaints = &self.service.complaints;
            complaints.refusal(reason, &self.span(datagram.peer), |not_logged| {
                tracing::warn!(not_logged, "datagram dropped, because of `{network}`");
            });
            return;
        }
        if datagram.is_cut {
            self.metrics.datagrams_cut.inc();
        }
        let (bytes, mut end) = (&mut self.buffer.bytes, datagram.length);
        let terminator = self.framing.terminator();
        if end > 0 && !bytes[..end].ends_with(terminator) {
            bytes[end..end + terminator.len()].copy_from_slice(terminator);
            end += terminator.len();
        }
        self.buffer.rest = 0..end;
    }

    fn span(&self, peer: Peer) -> ConnectionSpan {
        ConnectionSpan {
            listener: Arc::clone(&self.listener),
            peer,
            generation: self.snapshot.borrow().generation().number,
            number: None,
        }
    }
}

impl DatagramBuffer {
    pub(super) fn new() -> Self {
        Self {
            bytes: vec![0; LONGEST + TERMINATOR].into(),
            rest: 0..0,
        }
    }

    /// Where a datagram goes.
    pub(super) fn room(&mut self) -> &mut [u8] {
        &mut self.bytes[..LONGEST]
    }

    fn read(&mut self, into: &mut ReadBuf<'_>) {
        let count = into.remaining().min(self.rest.len());
        let end = self.rest.start + count;
        into.put_slice(&self.bytes[self.rest.start..end]);
        self.rest.start = end;
    }
}

/// Nobody is there who could go.
impl Source for DatagramReader {}

impl AsyncRead for DatagramReader {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = into.filled().len();
        let now = match this.follow() {
            Now::Receive if this.retirement.poll(cx) => Now::Finish,
            now => now,
        };
        for _ in 0..TOGETHER {
            this.buffer.read(into);
            if into.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            let received = match now {
                Now::End => return Poll::Ready(Ok(())),
                Now::Receive => this.socket.try_receive(this.buffer.room()),
                Now::Finish => this.socket.receive_now(this.buffer.room()),
            };
            match received {
                Ok(datagram) => this.take(datagram),
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                    return Poll::Ready(Err(error));
                }
                Err(_) if into.filled().len() > before || now == Now::Finish => {
                    return Poll::Ready(Ok(()));
                }
                Err(_) => match this.socket.poll_ready(cx) {
                    Poll::Ready(ready) => ready?,
                    Poll::Pending => return Poll::Pending,
                },
            }
        }
        if into.filled().len() > before {
            return Poll::Ready(Ok(()));
        }
        // All of them were refused or empty.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[cfg(test)]
mod tests;
