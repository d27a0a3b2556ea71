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
use linemill_framing::{Closed, Framer, LineSettings, Oversize};

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
/// the stream so far, by `settings`. Bytes and lines are passed to `count`, a long line as soon as it is
/// longer than a block: its content is not kept, however long it may be.
pub(super) async fn discard<R: AsyncRead + Unpin>(
    reader: &mut R,
    framer: &mut Framer,
    settings: LineSettings,
    count: impl Fn(u64, u64),
) {
    let settings = LineSettings {
        max_line: settings.max_line.min(BLOCK),
        oversize: Oversize::Drop,
        ..settings
    };
    framer.set_settings(settings);
    if let Some(partial) = framer.take_long_partial() {
        framer.frame(partial);
        count(0, framer.take_counts().oversized_dropped);
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use linemill_framing::Framing;
    use std::cell::Cell;

    /// What is counted of `before`, which has been framed, and of `after`, which is discarded: bytes, lines,
    /// and what the framer holds in the end.
    async fn discarded(framing: Framing, before: &[u8], after: &[u8]) -> (u64, u64, usize) {
        let settings = LineSettings {
            framing,
            max_line: 16 << 20,
            ..LineSettings::default()
        };
        let mut framer = Framer::new(settings);
        framer.frame(before.to_vec());
        let (bytes, lines) = (Cell::new(0), Cell::new(0));
        let count = |more, whole| {
            bytes.set(bytes.get() + more);
            lines.set(lines.get() + whole);
        };
        let mut after = after;
        discard(&mut after, &mut framer, settings, count).await;
        (bytes.get(), lines.get(), framer.partial().len())
    }

    #[tokio::test]
    async fn a_line_that_goes_on_is_counted_and_not_kept() {
        let long = vec![b'a'; 3 << 20];
        let all = [&long[..], b"\nb\nc"].concat();
        let length = all.len() as u64;
        assert_eq!(discarded(Framing::Lf, b"begun", &all).await, (length, 2, 1));
        assert_eq!(discarded(Framing::Lf, &long, &all).await, (length, 2, 1));
        assert_eq!(discarded(Framing::Lf, &long, b"").await, (0, 1, 0));
        let frame = [format!("{} ", long.len() + 3).as_bytes(), b"abc"].concat();
        let rest = [&long[..], b"2 cd"].concat();
        let length = rest.len() as u64;
        assert_eq!(
            discarded(Framing::Octet, &frame, &rest).await,
            (length, 2, 0)
        );
    }
}
