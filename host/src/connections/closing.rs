//! Closing a client's stream so that what was sent to it arrives.
//!
//! In: an [`End`], and what closes the host's side. Out: a FIN for the client where the end allows
//! it, and counts of the lines that the client had sent meanwhile.
//! Not here: delivering such lines, where nothing has to be answered (`pump`).

use std::io;
use std::time::Duration;

use tokio::io::AsyncRead;
use tokio::time::timeout;

use super::end::End;
use super::read::read;
use linemill_framing::blocks::BLOCK;
use linemill_framing::{Closed, Framer, LineSettings};

/// How long the host waits for the client's FIN after its own: closing a socket with unread bytes
/// would reset it, and the client could lose answers that are still on their way (RFC 9293, 3.6.1).
pub(super) const LINGER: Duration = Duration::from_secs(1);

/// Sends the client a FIN by `shutdown` if `end` allows it. Returns whether it was sent and the
/// client may still send.
pub(super) async fn send_fin(end: &End, shutdown: impl Future<Output = io::Result<()>>) -> bool {
    if !end.sends_fin() {
        return false;
    }
    let sent = timeout(LINGER, shutdown).await;
    // After its own FIN a client sends nothing more.
    sent.is_ok_and(|sent| sent.is_ok()) && !matches!(end, End::Eof)
}

/// Reads and discards until the client ends its side, for [`LINGER`] at most. `framer` has framed
/// the stream so far, by `settings`. Bytes and whole lines are passed to `count`.
pub(super) async fn discard<R: AsyncRead + Unpin>(
    reader: &mut R,
    framer: &mut Framer,
    settings: LineSettings,
    count: impl Fn(u64, u64),
) {
    // The rest of an oversized line has been counted with its beginning.
    let mut rest = match framer.closed() {
        Some(Closed::Oversize) => {
            *framer = Framer::new(settings);
            1
        }
        // After an invalid length nothing shows where lines begin.
        Some(Closed::BadLength) | None => 0,
    };
    let reading = async {
        while let Ok(Some(block)) = read(reader, framer, BLOCK).await {
            let framed = framer.frame(block.bytes).len() as u64;
            let lines = framed + framer.take_counts().oversized_dropped;
            count(block.new as u64, lines.saturating_sub(rest));
            rest -= rest.min(lines);
        }
    };
    // Either way the stream is over.
    drop(timeout(LINGER, reading).await);
}
