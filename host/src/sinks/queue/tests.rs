//! What waits, and how much memory that takes.

use super::*;
use crate::sinks::testing::{MUCH, framed, metrics};
use linemill_framing::blocks::{self, BLOCK};

#[tokio::test]
async fn small_batches_hold_no_blocks_while_they_wait() {
    let queue = Queue::new(MUCH, metrics());
    for number in 0..10_000 {
        let mut bytes = blocks::take(0);
        bytes.extend_from_slice(format!("line {number}\n").as_bytes());
        queue
            .put(framed(bytes, 1, Framing::Lf))
            .await
            .expect("taken");
    }
    queue.close();
    let (mut held, mut lines, mut all) = (0, 0, Vec::new());
    while let Some(chunk) = queue.next().await {
        held += chunk.bytes.capacity();
        lines += chunk.lines;
        assert!(chunk.bytes.len() <= BLOCK);
        all.extend_from_slice(&chunk.bytes);
        queue.release(chunk);
    }
    assert_eq!(lines, 10_000);
    let expected: String = (0..10_000)
        .map(|number| format!("line {number}\n"))
        .collect();
    assert!(all == expected.as_bytes());
    assert!(held <= 2 * all.len(), "{held} for {}", all.len());
}

#[tokio::test]
async fn batches_of_two_framings_stay_apart() {
    let queue = Queue::new(MUCH, metrics());
    let lines = [
        ("a\n", Framing::Lf),
        ("1 b", Framing::Octet),
        ("1 c", Framing::Octet),
    ];
    for (text, framing) in lines {
        let sent = queue.put(framed(text.into(), 1, framing)).await;
        sent.expect("taken");
    }
    queue.close();
    let mut chunks = Vec::new();
    while let Some(chunk) = queue.next().await {
        chunks.push((chunk.bytes.to_vec(), chunk.lines, chunk.framing));
    }
    let expected = [
        (b"a\n".to_vec(), 1, Framing::Lf),
        (b"1 b1 c".to_vec(), 2, Framing::Octet),
    ];
    assert_eq!(chunks, expected);
}
