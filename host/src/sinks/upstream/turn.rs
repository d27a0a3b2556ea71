//! One read from an upstream, or one write to it.
//!
//! In: a half of a connection, and a queue. Out: what was read or written. Cancelling a read or a write
//! loses nothing.
//! Not here: whose turn it is, and what has been acknowledged (`connection`).

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::receipts::Receipts;
use crate::net::transport::{ReadHalf, WriteHalf, is_truncated};
use crate::sinks::queue_reader::QueueReader;

/// Longest write over TLS. It fits one record, which is flushed before the next, so that it is
/// known to the byte what has been written.
const TLS_PIECE: usize = 16 * 1024;

/// What one turn of writing did.
pub(super) enum Turn {
    /// `count` bytes were taken, and then the line they are in lacks `line` bytes. `flushed`: the system
    /// has them.
    Wrote {
        count: usize,
        line: usize,
        flushed: bool,
    },
    Flushed,
    /// Nothing more will come from the queue.
    Finished,
}

/// Reads some of the answers; 0 is their end. Many peers end TLS without close_notify: rsyslog, for one.
/// Answers are discarded, so it does no harm if they were cut off.
pub(super) async fn read(reader: &mut ReadHalf, answers: &mut [u8]) -> io::Result<usize> {
    match reader.read(answers).await {
        Err(error) if is_truncated(&error) => Ok(0),
        read => read,
    }
}

/// Writes or flushes once, at most `most` bytes, or one line if `most` says so.
pub(super) async fn write(
    writer: &mut WriteHalf,
    queue: &mut QueueReader,
    receipts: &Receipts,
    most: Option<usize>,
) -> io::Result<Turn> {
    if receipts.is_unflushed() {
        writer.flush().await?;
        return Ok(Turn::Flushed);
    }
    if most == Some(0) {
        queue.finished().await;
        return Ok(Turn::Finished);
    }
    if !queue.ready().await {
        return Ok(Turn::Finished);
    }
    let line = most.map(|most| most.min(queue.line()));
    let (block, from) = queue.bytes();
    let left = block.len() - from;
    let piece = match writer {
        WriteHalf::TlsClient(_) | WriteHalf::TlsServer(_) => TLS_PIECE,
        _ => left,
    };
    let most = line.unwrap_or(left).min(piece);
    let count = writer.write(&block[from..from + most]).await?;
    if count == 0 {
        return Err(io::ErrorKind::WriteZero.into());
    }
    Ok(Turn::Wrote {
        count,
        line: line.map_or(0, |line| line - count),
        flushed: is_flushed(writer).await,
    })
}

/// Flushes if that takes no wait, and returns whether it did. The peer may have a record, and close,
/// before the next turn: a record that only seems to wait would be sent twice.
async fn is_flushed(writer: &mut WriteHalf) -> bool {
    let flush = |cx: &mut Context<'_>| match Pin::new(&mut *writer).poll_flush(cx) {
        Poll::Ready(Ok(())) => Poll::Ready(true),
        // The next turn waits, or fails in the same way.
        Poll::Ready(Err(_)) | Poll::Pending => Poll::Ready(false),
    };
    poll_fn(flush).await
}

/// Whether the peer of a Unix socket has closed it, which shows at once. Of TCP it shows later.
#[cfg(unix)]
pub(super) fn is_closed(writer: &WriteHalf) -> bool {
    use std::pin::pin;
    use std::task::Waker;

    let WriteHalf::Unix(writer) = writer else {
        return false;
    };
    let ready = pin!(writer.ready(tokio::io::Interest::WRITABLE));
    match ready.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(ready)) => ready.is_write_closed(),
        Poll::Ready(Err(_)) => true,
        Poll::Pending => false,
    }
}

#[cfg(not(unix))]
pub(super) fn is_closed(_: &WriteHalf) -> bool {
    false
}
