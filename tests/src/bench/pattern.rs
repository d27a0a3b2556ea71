//! What is sent, and what must come back.
//!
//! A pattern of whole lines that repeats. The lines of one period differ, so a line that was
//! lost, doubled or moved shows at once; a whole period that was lost shows in the total.
//! Both directions are laid out so that any stretch can be had as one slice: sending costs no
//! preparation, checking is one comparison of memory.

use std::ops::Range;

/// Longest stretch that can be asked for, bytes.
pub(crate) const STRETCH: usize = 256 * 1024;
/// About how long a period is, bytes: small enough to stay in a core's cache.
const PERIOD: usize = 64 * 1024;

/// A repeating stream of lines and its answer.
#[derive(Debug)]
pub(crate) struct Pattern {
    sent: Vec<u8>,
    due: Vec<u8>,
    period: usize,
}

impl Pattern {
    /// Lines of `line` bytes, turned by ROT13 `passes` times.
    pub(crate) fn new(line: usize, passes: u32) -> Self {
        let mut period = Vec::new();
        for number in 0..PERIOD.div_ceil(line + 1) {
            let number = format!("{number:06} ");
            let text = b"The quick brown fox jumps over the lazy dog. "
                .iter()
                .cycle();
            period.extend(number.bytes().chain(text.copied()).take(line));
            period.push(b'\n');
        }
        let length = period.len();
        let sent: Vec<u8> = period
            .iter()
            .copied()
            .cycle()
            .take(length + STRETCH)
            .collect();
        let mut due = sent.clone();
        (0..passes).for_each(|_| turn(&mut due));
        Self {
            sent,
            due,
            period: length,
        }
    }

    /// `length` bytes of what is sent, from `offset` of the stream; at most [`STRETCH`].
    pub(crate) fn sent(&self, offset: u64, length: usize) -> &[u8] {
        &self.sent[self.range(offset, length)]
    }

    /// `length` bytes of what must come back, from `offset` of the stream; at most [`STRETCH`].
    pub(crate) fn due(&self, offset: u64, length: usize) -> &[u8] {
        &self.due[self.range(offset, length)]
    }

    /// Bytes after which the pattern repeats: whole lines.
    pub(crate) fn period(&self) -> usize {
        self.period
    }

    fn range(&self, offset: u64, length: usize) -> Range<usize> {
        // The remainder is below `period`, which is a usize.
        let start = (offset % self.period as u64) as usize;
        start..start + length
    }
}

/// ROT13 in place, without a branch a byte, so that the compiler can use vector instructions.
pub(crate) fn turn(bytes: &mut [u8]) {
    for byte in bytes {
        let lower = *byte | 0x20;
        let first = u8::from(lower.wrapping_sub(b'a') < 13);
        let second = u8::from(lower.wrapping_sub(b'n') < 13);
        *byte = byte.wrapping_add(13 * first).wrapping_sub(13 * second);
    }
}

#[cfg(test)]
mod tests {
    use super::{Pattern, STRETCH, turn};

    #[test]
    fn turning_is_rot13() {
        let mut all: Vec<u8> = (0..=255).collect();
        turn(&mut all);
        assert_eq!(all, linemill_tests::rot13(&(0..=255).collect::<Vec<u8>>()));
    }

    #[test]
    fn any_stretch_continues_the_one_before() {
        let pattern = Pattern::new(80, 1);
        assert_eq!(pattern.period() % 81, 0);
        let start = pattern.period() as u64 * 3 - 5;
        let whole = pattern.due(start, STRETCH);
        assert_eq!(&whole[1000..], pattern.due(start + 1000, STRETCH - 1000));
        assert_eq!(whole, linemill_tests::rot13(pattern.sent(start, STRETCH)));
        assert_ne!(pattern.sent(0, 81), pattern.sent(81, 81));
    }
}
