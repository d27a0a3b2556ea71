//! Writing to a next hop: one connection, and another when it breaks.
//!
//! In: bytes that wait. Out: the same on a connection; a line that was cut when it broke goes
//! whole on the next one. What the peer sends is read and thrown away, so that it can go on
//! sending, and so that its end is noticed while nothing is to be written.
//! Not here: how a connection comes about (`hop`).

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep, timeout};

use super::Over;
use super::outgoing::Outgoing;
use crate::stream::hop::Hop;
use crate::stream::hop::backoff::Backoff;
use crate::stream::transport::{ReadHalf, WriteHalf};

/// A connection that has lasted this long is a good one. Before that, an outage is not over, and
/// the next attempt waits longer than the last one: a peer that accepts and closes is down, too.
const SETTLED: Duration = Duration::from_secs(1);
/// How long the peer has for its FIN after the host's: closing earlier could reset the connection
/// and take back what is on its way.
const LINGER: Duration = Duration::from_secs(1);
/// Most bytes of one write. Over TLS that is one record, which is flushed before the next: what
/// has been written is then known to the byte.
const PIECE: usize = 16 * 1024;

/// Writes until nothing more will come.
pub(super) async fn run(hop: &Hop, out: &mut Outgoing) -> Over {
    let mut backoff = Backoff::default();
    loop {
        let (mut reader, mut writer) = connect(hop, out, &mut backoff).await;
        out.metrics().up.set(1);
        let since = Instant::now();
        let settled = async {
            sleep(SETTLED).await;
            hop.outage().over();
            std::future::pending().await
        };
        let result = tokio::select! {
            biased;
            // First: nothing is to be written to a peer that has gone.
            gone = hear(&mut reader) => Err(gone),
            written = write(&mut writer, out) => written,
            never = settled => never,
        };
        let Err(error) = result else {
            end(&mut reader, &mut writer).await;
            return Over::Done;
        };
        drop((reader, writer));
        out.rewind();
        out.metrics().up.set(0);
        out.metrics().failures.inc();
        hop.outage().failed(&error);
        if since.elapsed() < SETTLED {
            sleep(backoff.pause()).await;
        } else {
            backoff.reset();
        }
    }
}

async fn connect(hop: &Hop, out: &Outgoing, backoff: &mut Backoff) -> (ReadHalf, WriteHalf) {
    loop {
        match hop.connect().await {
            Ok(halves) => return halves,
            Err(error) => {
                out.metrics().failures.inc();
                hop.outage().failed(&error);
                sleep(backoff.pause()).await;
            }
        }
    }
}

/// Writes until nothing more will come.
async fn write(writer: &mut WriteHalf, out: &mut Outgoing) -> io::Result<()> {
    while out.ready().await {
        let (block, from) = out.bytes();
        let piece = match writer {
            WriteHalf::TlsClient(_) | WriteHalf::TlsServer(_) => PIECE,
            _ => block.len(),
        };
        let to = block.len().min(from + piece);
        let count = writer.write(&block[from..to]).await?;
        if count == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        writer.flush().await?;
        drop(block);
        out.advance(count);
    }
    Ok(())
}

/// Reads to no end until there is nothing more to read, and says why.
async fn hear(reader: &mut ReadHalf) -> io::Error {
    let mut heard = [0; 1024];
    loop {
        match reader.read(&mut heard).await {
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

/// Sends FIN, and gives the peer time for its own.
async fn end(reader: &mut ReadHalf, writer: &mut WriteHalf) {
    let ending = async {
        if writer.shutdown().await.is_ok() {
            hear(reader).await;
        }
    };
    // All has been handed over: the connection is over either way.
    drop(timeout(LINGER, ending).await);
}
