//! Writing to an upstream that connections share: one connection, replaced when it breaks.
//!
//! In: bytes from a queue. Out: the same on a connection; a line that was cut when it broke goes
//! whole on the next one. What the upstream sends is read and discarded, so that it can go on
//! sending, and so that its end is noticed while there is nothing to write.
//! Not here: how to connect (`super`).

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep, timeout};

use super::Upstream;
use crate::net::transport::{ReadHalf, WriteHalf};
use crate::sinks::backoff::Backoff;
use crate::sinks::queue_reader::{QueueReader, WriterEnd};

/// A connection that has lasted this long counts as up. If it breaks earlier, the outage is not
/// over, and the next attempt waits longer than the last one: an upstream that accepts and closes is
/// down, too.
const SETTLED: Duration = Duration::from_secs(1);
/// How long the upstream has for its FIN after the host's: closing earlier could reset the
/// connection and lose bytes in flight.
const LINGER: Duration = Duration::from_secs(1);
/// Longest write over TLS. It fits one record, which is flushed before the next, so that it is
/// known to the byte what has been written.
const TLS_PIECE: usize = 16 * 1024;

/// Writes until nothing more will come.
pub(in crate::sinks) async fn run(upstream: &Upstream, queue: &mut QueueReader) -> WriterEnd {
    let mut backoff = Backoff::default();
    loop {
        let (mut reader, mut writer) = connect(upstream, queue, &mut backoff).await;
        queue.metrics().up.set(1);
        let since = Instant::now();
        let settled = async {
            sleep(SETTLED).await;
            upstream.outage().over();
            std::future::pending().await
        };
        let result = tokio::select! {
            biased;
            // First: nothing must be written to an upstream that has gone.
            gone = read_to_end(&mut reader) => Err(gone),
            written = write(&mut writer, queue) => written,
            never = settled => never,
        };
        let Err(error) = result else {
            close(&mut reader, &mut writer).await;
            return WriterEnd::Done;
        };
        drop((reader, writer));
        queue.rewind();
        queue.metrics().up.set(0);
        queue.metrics().failures.inc();
        upstream.outage().failed(&error);
        if since.elapsed() < SETTLED {
            sleep(backoff.pause()).await;
        } else {
            backoff.reset();
        }
    }
}

async fn connect(
    upstream: &Upstream,
    queue: &QueueReader,
    backoff: &mut Backoff,
) -> (ReadHalf, WriteHalf) {
    loop {
        match upstream.connect().await {
            Ok(halves) => return halves,
            Err(error) => {
                queue.metrics().failures.inc();
                upstream.outage().failed(&error);
                sleep(backoff.pause()).await;
            }
        }
    }
}

/// Writes until nothing more will come.
async fn write(writer: &mut WriteHalf, queue: &mut QueueReader) -> io::Result<()> {
    while queue.ready().await {
        let (block, from) = queue.bytes();
        let piece = match writer {
            WriteHalf::TlsClient(_) | WriteHalf::TlsServer(_) => TLS_PIECE,
            _ => block.len(),
        };
        let to = block.len().min(from + piece);
        let count = writer.write(&block[from..to]).await?;
        if count == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        writer.flush().await?;
        drop(block);
        queue.advance(count);
    }
    Ok(())
}

/// Reads and discards until there is nothing more to read. Returns why.
async fn read_to_end(reader: &mut ReadHalf) -> io::Error {
    let mut ignored = [0; 1024];
    loop {
        match reader.read(&mut ignored).await {
            Ok(0) => {
                return io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the peer ended the connection",
                );
            }
            Ok(_) => {}
            Err(error) => return error,
        }
    }
}

/// Sends FIN, and gives the upstream time for its own.
async fn close(reader: &mut ReadHalf, writer: &mut WriteHalf) {
    let closing = async {
        if writer.shutdown().await.is_ok() {
            read_to_end(reader).await;
        }
    };
    // Everything has been handed over: the connection is over either way.
    drop(timeout(LINGER, closing).await);
}
