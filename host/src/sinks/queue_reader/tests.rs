//! What becomes of lines when a connection ends.

use super::*;
use crate::sinks::testing::{MUCH, batch, framed, metrics};
use linemill_framing::Framing;

/// A reader of these lines, of which `sent` bytes have been handed over.
async fn reader(texts: &[&str], sent: usize) -> QueueReader {
    let queue = Arc::new(Queue::new(MUCH, metrics()));
    let mut reader = QueueReader::new(Arc::clone(&queue));
    let mut left = sent;
    for text in texts {
        queue.put(batch(*text)).await.expect("taken");
        // Now, so that each is a chunk of its own.
        if left > 0 {
            assert!(reader.ready().await);
            let count = left.min(text.len());
            reader.hand_over(count);
            left -= count;
        }
    }
    queue.close();
    reader
}

async fn rest(reader: &mut QueueReader) -> String {
    let mut all = Vec::new();
    while reader.ready().await {
        let (bytes, from) = reader.bytes();
        all.extend_from_slice(&bytes[from..]);
        reader.advance(bytes.len() - from);
    }
    String::from_utf8(all).expect("text")
}

fn outstanding(unacknowledged: usize, unsent: usize) -> Outstanding {
    Outstanding {
        unacknowledged,
        unsent,
    }
}

#[tokio::test]
async fn each_line_is_delivered_lost_or_kept() {
    let texts = ["aa\nbb\n", "cc\ndd\n", "ee\nff\n"];
    // Up to the first byte of the last line; (unacknowledged, unsent), (delivered, lost), kept.
    for (known, counts, kept) in [
        ((0, 0), (5, 0), "ff\n"),
        ((1, 0), (5, 0), "ff\n"),
        ((2, 0), (4, 1), "ff\n"),
        ((2, 1), (4, 1), "ff\n"),
        ((2, 2), (4, 0), "ee\nff\n"),
        ((9, 2), (2, 2), "ee\nff\n"),
        ((11, 5), (1, 2), "dd\nee\nff\n"),
        ((16, 0), (0, 5), "ff\n"),
        ((16, 16), (0, 0), "aa\nbb\ncc\ndd\nee\nff\n"),
    ] {
        let known = outstanding(known.0, known.1);
        let mut one = reader(&texts, 16).await;
        let settled = one.settle(known, Doubtful::Lost);
        assert_eq!(
            (one.metrics().lines.get(), settled.lost),
            counts,
            "{known:?}"
        );
        assert_eq!(rest(&mut one).await, kept, "{known:?}");
        assert_eq!(one.metrics().queued.get(), 0);

        let mut other = reader(&texts, 16).await;
        let settled = other.settle(known, Doubtful::Resent);
        assert_eq!((settled.lost, settled.resent), (0, counts.1));
        let all = texts.concat();
        assert_eq!(rest(&mut other).await, all[3 * counts.0 as usize..]);
        assert_eq!(other.metrics().lines.get(), 6);
    }
}

#[tokio::test]
async fn room_is_kept_until_lines_are_acknowledged() {
    let mut reader = reader(&["aa\nbb\n", "cc\n"], 9).await;
    for (but, queued, lines) in [(9, 9, 0), (4, 9, 0), (3, 3, 2), (1, 3, 2), (0, 0, 3)] {
        reader.acknowledge(but);
        let metrics = reader.metrics();
        assert_eq!((metrics.queued.get(), metrics.lines.get()), (queued, lines));
    }
    assert_eq!(reader.unacknowledged(), 0);
}

#[tokio::test]
async fn the_next_line_is_found_in_every_framing() {
    for (text, framing, first) in [
        ("a\nbb\n", Framing::Lf, 2),
        ("a\nb\r\nc\r\n", Framing::Crlf, 5),
        ("\0b\0", Framing::Nul, 1),
        ("3 abc1 d", Framing::Octet, 5),
    ] {
        let queue = Arc::new(Queue::new(MUCH, metrics()));
        queue
            .put(framed(text.into(), 2, framing))
            .await
            .expect("taken");
        let mut reader = QueueReader::new(queue);
        assert!(reader.ready().await && !reader.is_inside_line());
        assert_eq!(reader.line(), first, "{text:?}");
        if first > 1 {
            reader.hand_over(1);
            assert!(reader.is_inside_line());
            assert_eq!(reader.line(), first - 1, "{text:?}");
        }
    }
}
