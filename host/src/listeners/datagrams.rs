//! Receiving lines in datagrams, for a listener without connections.
//!
//! In: a socket that receives datagrams, and the [`Snapshot`]s in force. Out: their lines, through the
//! chain into the sinks; what could not be processed is counted. All datagrams are one stream, so the
//! work at a time is bounded as it is for one connection; what comes faster waits in the kernel.
//! Not here: how datagrams become a stream (`datagram_reader`).

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::datagram_reader::{DatagramBuffer, DatagramReader, Retirement};
use super::metrics::{DatagramDrop, ListenerMetrics};
use crate::connections::datagrams;
use crate::connections::end::End;
use crate::connections::metrics::LineMetrics;
use crate::generation::{Service, Snapshot};
use crate::net::datagrams::DatagramSocket;
use linemill_telemetry::Gate;

/// How often the kernel's count of dropped datagrams is read, and the file of a Unix socket looked for.
const LOOK: Duration = Duration::from_secs(2);
/// Pause after an error of the socket or the end of a sink, which may occur again at once.
const PAUSE: Duration = Duration::from_millis(100);
/// The most datagrams that are counted when they are left at the end.
const LEFT: u64 = 1_000_000;

/// Receives for one listener.
pub(super) struct Datagrams {
    pub(super) socket: Arc<DatagramSocket>,
    /// Whether somebody else receives on `socket` afterwards.
    pub(super) outlives: bool,
    pub(super) listener: Arc<str>,
    /// Whether another socket has replaced this one.
    pub(super) retired: watch::Receiver<bool>,
    pub(super) snapshot: watch::Receiver<Snapshot>,
    pub(super) metrics: Arc<ListenerMetrics>,
    pub(super) line_metrics: Arc<LineMetrics>,
}

impl Datagrams {
    /// Receives until the listener has drained, or has another socket.
    pub(super) async fn serve(self) {
        let mut known = 0;
        tokio::select! {
            () = self.receive() => {}
            () = self.watch(&mut known) => {}
        }
        self.count_kernel_drops(&mut known).await;
    }

    async fn receive(&self) {
        let log = Gate::default();
        while let Some(service) = self.service() {
            let end = datagrams::serve(
                self.reader(service),
                Arc::clone(&self.listener),
                self.snapshot.clone(),
                Arc::clone(&self.line_metrics),
            );
            let end = end.await;
            let is_draining = self.snapshot.borrow().drain_until(&self.listener).is_some();
            match end {
                None | Some(End::Drained) => break,
                Some(_) if is_draining || *self.retired.borrow() => break,
                // The framing has changed.
                Some(End::Eof) => {}
                Some(end) => {
                    let reason = end.reason().label();
                    if let Some(not_logged) = log.pass() {
                        let error = end.error().map(ToString::to_string);
                        tracing::warn!(
                            listener = &*self.listener,
                            reason,
                            error,
                            not_logged,
                            "the stream of datagrams ended, and begins anew"
                        );
                    }
                    if end.error().is_some() {
                        sleep(PAUSE).await;
                    }
                }
            }
        }
        self.count_left();
    }

    fn reader(&self, service: Arc<Service>) -> DatagramReader {
        DatagramReader {
            socket: Arc::clone(&self.socket),
            listener: Arc::clone(&self.listener),
            snapshot: self.snapshot.clone(),
            retirement: Retirement::of(self.retired.clone()),
            metrics: Arc::clone(&self.metrics),
            framing: service.lines.framing,
            service,
            buffer: DatagramBuffer::new(),
        }
    }

    /// The service in force; `None` when the listener has been removed.
    fn service(&self) -> Option<Arc<Service>> {
        let snapshot = self.snapshot.borrow();
        snapshot.generation().services.get(&*self.listener).cloned()
    }

    /// Counts what waits in the socket when the grace period is over, unless it is left to others.
    fn count_left(&self) {
        if self.outlives {
            return;
        }
        let mut buffer = DatagramBuffer::new();
        let mut left = 0;
        while left < LEFT && self.socket.receive_now(buffer.room()).is_ok() {
            left += 1;
        }
        if left > 0 {
            let dropped = self.metrics.datagrams_dropped.of(DatagramDrop::Drain);
            dropped.inc_by(left);
            tracing::warn!(
                listener = &*self.listener,
                left,
                "datagrams lost: they were not processed within the grace period"
            );
        }
    }

    /// Counts what the kernel drops, and keeps the file of a Unix socket, as long as there is either.
    async fn watch(&self, known: &mut u64) {
        while self.count_kernel_drops(known).await || self.socket.check_file() {
            sleep(LOOK).await;
        }
        std::future::pending().await
    }

    /// Counts what the kernel has dropped beyond `known`. Returns whether it says so at all.
    async fn count_kernel_drops(&self, known: &mut u64) -> bool {
        let socket = Arc::clone(&self.socket);
        // The table has a line for each socket of the system.
        let read = spawn_blocking(move || socket.kernel_drops());
        let Ok(Some(drops)) = read.await else {
            return false;
        };
        let new = drops.saturating_sub(*known);
        if new > 0 {
            *known = drops;
            let dropped = self.metrics.datagrams_dropped.of(DatagramDrop::Kernel);
            dropped.inc_by(new);
            tracing::warn!(
                listener = &*self.listener,
                dropped = new,
                "datagrams dropped by the kernel: its receive buffer was full"
            );
        }
        true
    }
}
