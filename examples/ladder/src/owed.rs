//! Bytes that are owed to a client and wait until its socket takes them.
//!
//! In: bytes to write, and how many a write took. Out: those that are left, in order. No I/O.

/// An output buffer with partial writes.
///
/// The low-level server of the tutorial kept three indices into one array and set all of them to 1
/// when everything had gone; from then on a byte was missing, and since its array never moved,
/// it fell silent after 16 KiB of pipelined lines. Its `select` server fell silent too when the
/// array was full and held no LF. Here one index says all, and the room of what has gone is used
/// again before more is asked for.
#[derive(Debug, Default)]
pub struct Owed {
    bytes: Vec<u8>,
    /// Bytes before this index have been written. It is below the length, or both are 0.
    written: usize,
}

impl Owed {
    /// Owes these too.
    pub fn add(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// What is to be written next.
    pub fn rest(&self) -> &[u8] {
        &self.bytes[self.written..]
    }

    /// Whether all has been written.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Says that a write took the first `count` bytes of the rest.
    pub fn wrote(&mut self, count: usize) {
        self.written += count;
        if self.written == self.bytes.len() {
            self.bytes.clear();
            self.written = 0;
        } else if self.written > self.bytes.len() / 2 {
            // The shorter part moves, so that a byte moves at most once on the average.
            self.bytes.drain(..self.written);
            self.written = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Owed;

    #[test]
    fn partial_writes_lose_nothing_and_hold_little() {
        let (mut owed, mut got) = (Owed::default(), Vec::new());
        let mut sent = Vec::new();
        for round in 0..10_000_usize {
            let bytes = [round as u8; 10];
            owed.add(&bytes);
            sent.extend_from_slice(&bytes);
            let count = owed.rest().len().min(7 + round % 5);
            got.extend_from_slice(&owed.rest()[..count]);
            owed.wrote(count);
            assert!(owed.bytes.len() <= 2 * owed.rest().len());
        }
        got.extend_from_slice(owed.rest());
        assert!(got == sent);
        owed.wrote(owed.rest().len());
        assert!(owed.is_empty() && owed.rest().is_empty());
    }
}
