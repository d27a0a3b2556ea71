//! Where one direction's lines go after its chain.
//!
//! In: what came out of a chain. Out: bytes owed to a socket, or batches for outputs that
//! connections share. Not here: how long a write may take (`way`).

use std::io;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::sleep_until;

use super::connection::SharedStdout;
use super::end::End;
use super::owed::{Owed, Taken};
use crate::config::settings::Framing;
use crate::filter::chain::Flow;
use crate::generation::{Framings, Orders};
use crate::telemetry::metrics::{ListenerMetrics, WayMetrics};

/// Where lines go.
pub(super) struct Outlet<W> {
    main: Main<W>,
    owed: Owed,
}

/// Where the lines go that no filter sends elsewhere.
pub(super) enum Main<W> {
    /// To a socket of this connection's own.
    Socket(W),
    /// To standard output.
    Shared(SharedStdout),
}

impl<W: AsyncWrite + Unpin> Outlet<W> {
    pub(super) fn new(main: Main<W>) -> Self {
        Self {
            main,
            owed: Owed::default(),
        }
    }

    /// Bytes owed to the socket.
    pub(super) fn owed(&self) -> usize {
        self.owed.bytes()
    }

    /// Whether the socket has all, down to the last byte.
    pub(super) fn is_done(&self) -> bool {
        self.owed.is_done()
    }

    /// The quick way: puts all lines among what is owed. Gives `flow` back when it takes another.
    pub(super) fn owe(&mut self, flow: Flow, framings: Framings) -> Result<Option<Flow>, End> {
        if matches!(self.main, Main::Shared(_)) {
            return Ok(Some(flow));
        }
        let lines = flow.lines.len() as u64;
        self.owed.push(flow.lines.into_bytes(), lines);
        let _ = framings;
        flow.close.map_or(Ok(None), |close| Err(End::Filter(close)))
    }

    /// The long way: waits until every output has taken its lines.
    pub(super) async fn hand_over(
        &mut self,
        mut flow: Flow,
        framings: Framings,
        orders: watch::Receiver<Orders>,
        counts: &WayMetrics,
        metrics: &ListenerMetrics,
    ) -> Result<(), End> {
        let Main::Shared(output) = &self.main else {
            return Ok(());
        };
        let lines = flow.lines.len() as u64;
        flow.lines.terminate(framings.to);
        let bytes = flow.lines.into_bytes();
        let writing = async {
            let mut output = output.lock().await;
            output.write_all(&bytes).await?;
            output.flush().await
        };
        tokio::select! {
            biased;
            written = writing => written.map_err(End::Unwritable)?,
            () = grace_ends(orders) => {
                metrics.dropped_closed.inc_by(lines);
                return Err(End::Drained);
            }
        }
        counts.bytes_out.inc_by(bytes.len() as u64);
        counts.lines_out.inc_by(lines);
        flow.close.map_or(Ok(()), |close| Err(End::Filter(close)))
    }

    /// Writes some of what is owed.
    pub(super) async fn write(&mut self) -> io::Result<Taken> {
        match &mut self.main {
            Main::Socket(socket) => self.owed.write(socket).await,
            Main::Shared(_) => Ok(Taken::default()),
        }
    }

    /// Ends the way to the socket: its peer sees the end of the stream.
    pub(super) async fn close(&mut self) -> io::Result<()> {
        match &mut self.main {
            Main::Socket(socket) => socket.shutdown().await,
            Main::Shared(_) => Ok(()),
        }
    }

    /// Gives up what is owed: lines taken whole that have not been counted yet, and lines lost.
    pub(super) fn abandon(&mut self, framing: Framing) -> (u64, u64) {
        self.owed.abandon(framing)
    }
}

/// Waits until the host drains and its grace period is over.
pub(super) async fn grace_ends(mut orders: watch::Receiver<Orders>) {
    loop {
        let until = orders.borrow_and_update().drain_until;
        if let Some(until) = until {
            return sleep_until(until).await;
        }
        if orders.changed().await.is_err() {
            return;
        }
    }
}
