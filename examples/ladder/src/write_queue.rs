//! Output that waits until a client's socket accepts it.
//!
//! In: bytes to write, and how many of them a write accepted. Out: the remaining bytes, in order.
//! Not here: I/O.

/// An output buffer that supports partial writes.
///
/// The tutorial's low-level server kept three indices into one array and set all of them to 1 when
/// everything had been written. From then on one byte was missing. Because the array's content
/// never moved, the server stopped answering after 16 KiB of pipelined lines. Its `select` server
/// also stopped when the array was full and contained no LF. Here a single index is enough, and the
/// space of written bytes is reused before the buffer grows.
#[derive(Debug, Default)]
pub struct WriteQueue {
    bytes: Vec<u8>,
    /// Bytes before this index have been written. It is less than the length, or both are 0.
    written: usize,
}

impl WriteQueue {
    /// Appends bytes to be written.
    pub fn enqueue(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The bytes that have not been written yet.
    pub fn pending(&self) -> &[u8] {
        &self.bytes[self.written..]
    }

    /// Whether all bytes have been written.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Removes the first `count` pending bytes after a write accepted them.
    pub fn consume(&mut self, count: usize) {
        self.written += count;
        if self.written == self.bytes.len() {
            self.bytes.clear();
            self.written = 0;
        } else if self.written > self.bytes.len() / 2 {
            // Only the shorter part moves, so each byte moves at most once on average.
            self.bytes.drain(..self.written);
            self.written = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::WriteQueue;

    #[test]
    fn partial_writes_lose_no_bytes_and_waste_little_space() {
        let (mut queue, mut received) = (WriteQueue::default(), Vec::new());
        let mut sent = Vec::new();
        for round in 0..10_000_usize {
            let bytes = [round as u8; 10];
            queue.enqueue(&bytes);
            sent.extend_from_slice(&bytes);
            let count = queue.pending().len().min(7 + round % 5);
            received.extend_from_slice(&queue.pending()[..count]);
            queue.consume(count);
            assert!(queue.bytes.len() <= 2 * queue.pending().len());
        }
        received.extend_from_slice(queue.pending());
        assert!(received == sent);
        queue.consume(queue.pending().len());
        assert!(queue.is_empty() && queue.pending().is_empty());
    }
}
