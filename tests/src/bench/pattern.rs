//! The bytes that are sent, and the bytes that must come back.
//!
//! A pattern of whole lines that repeats. The lines of a period differ, so a line that is lost,
//! duplicated or reordered shows at once; a lost period shows in the total. Both directions are laid
//! out so that any stretch is one slice: sending needs no preparation, and checking is one comparison
//! of memory. Answers may be longer or shorter than what was sent, but one period of input always
//! yields one period of output.

/// The longest stretch that can be requested, in bytes.
pub(crate) const STRETCH: usize = 256 * 1024;
/// The approximate length of a period in bytes: small enough to stay in a core's cache.
const PERIOD: usize = 64 * 1024;

/// A repeating stream of lines and its answer.
#[derive(Debug)]
pub(crate) struct Pattern {
    sent: Stream,
    due: Stream,
    /// Lines that are sent in a period.
    lines: usize,
}

/// One direction.
#[derive(Debug)]
struct Stream {
    /// A period, and the [`STRETCH`] bytes that follow it.
    bytes: Vec<u8>,
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
        let mut due = period.clone();
        (0..passes).for_each(|_| turn(&mut due));
        Self::of(&period, &due)
    }

    /// A log, repeated, and what `filtered` makes of it. The log must end with a complete line, and
    /// the filtered log must not be empty.
    pub(crate) fn of_log(log: &[u8], filtered: impl FnOnce(&[u8]) -> Vec<u8>) -> Self {
        let period = log.repeat(PERIOD.div_ceil(log.len()));
        let due = filtered(&period);
        Self::of(&period, &due)
    }

    fn of(sent: &[u8], due: &[u8]) -> Self {
        Self {
            lines: sent.iter().filter(|&&byte| byte == b'\n').count(),
            sent: Stream::new(sent),
            due: Stream::new(due),
        }
    }

    /// `length` bytes that are sent, from `offset` of the stream; at most [`STRETCH`].
    pub(crate) fn sent(&self, offset: u64, length: usize) -> &[u8] {
        self.sent.slice(offset, length)
    }

    /// `length` bytes that must come back, from `offset` of the stream; at most [`STRETCH`].
    pub(crate) fn due(&self, offset: u64, length: usize) -> &[u8] {
        self.due.slice(offset, length)
    }

    /// Bytes of a period that is sent: whole lines.
    pub(crate) fn period(&self) -> usize {
        self.sent.period
    }

    /// Bytes that must come back for this many whole periods.
    pub(crate) fn expected(&self, periods: u64) -> u64 {
        periods * self.due.period as u64
    }

    /// Bytes sent per byte that comes back, on average.
    pub(crate) fn sent_per_due(&self) -> f64 {
        self.sent.period as f64 / self.due.period as f64
    }

    /// Bytes of a sent line with its terminator, on average.
    pub(crate) fn line(&self) -> f64 {
        self.sent.period as f64 / self.lines as f64
    }
}

impl Stream {
    fn new(period: &[u8]) -> Self {
        let bytes = period.iter().copied().cycle();
        Self {
            bytes: bytes.take(period.len() + STRETCH).collect(),
            period: period.len(),
        }
    }

    fn slice(&self, offset: u64, length: usize) -> &[u8] {
        // The remainder is below `period`, so it fits a usize.
        let start = (offset % self.period as u64) as usize;
        &self.bytes[start..start + length]
    }
}

/// ROT13 in place, without branches per byte, so that the compiler can use vector instructions.
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
    fn stretches_continue_each_other() {
        let pattern = Pattern::new(80, 1);
        assert_eq!(pattern.period() % 81, 0);
        let start = pattern.period() as u64 * 3 - 5;
        let whole = pattern.due(start, STRETCH);
        assert_eq!(&whole[1000..], pattern.due(start + 1000, STRETCH - 1000));
        assert_eq!(whole, linemill_tests::rot13(pattern.sent(start, STRETCH)));
        assert_ne!(pattern.sent(0, 81), pattern.sent(81, 81));
    }

    #[test]
    fn a_chain_turns_as_often_as_it_has_filters() {
        for line in [16, 80, 16 * 1024] {
            for passes in [0, 2, 4, 8] {
                let pattern = Pattern::new(line, passes);
                assert_eq!(pattern.due(7, 1000), pattern.sent(7, 1000), "{passes}");
            }
            let (once, thrice) = (Pattern::new(line, 1), Pattern::new(line, 3));
            assert_eq!(once.due(7, 1000), thrice.due(7, 1000));
            assert_ne!(once.due(7, 1000), once.sent(7, 1000));
            assert_eq!(once.line(), line as f64 + 1.0);
            assert_eq!(once.expected(3), 3 * once.period() as u64);
        }
    }

    #[test]
    fn a_log_and_its_answer_repeat_as_a_whole() {
        let kept = |log: &[u8]| {
            let lines = log.split_inclusive(|&byte| byte == b'\n');
            lines
                .filter(|line| line.len() > 2)
                .flatten()
                .copied()
                .collect()
        };
        let pattern = Pattern::of_log(b"one\n2\nthree\n", kept);
        assert_eq!(pattern.period() % 12, 0);
        assert_eq!(pattern.line(), 4.0);
        assert_eq!(pattern.expected(2), 2 * pattern.period() as u64 / 12 * 10);
        assert_eq!(pattern.sent_per_due(), 1.2);
        assert_eq!(pattern.sent(0, 14), b"one\n2\nthree\non");
        assert_eq!(pattern.due(0, 12), b"one\nthree\non");
        let start = pattern.expected(1) - 6;
        assert_eq!(pattern.due(start, 10), b"three\none\n");
    }
}
