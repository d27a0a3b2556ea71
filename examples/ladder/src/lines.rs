//! Finds lines in a stream and applies ROT13 to them.
//!
//! In: the bytes of a read, cut anywhere. Out: complete lines after ROT13, each with its original
//! terminator. Not here: I/O.

use memchr::memchr;

/// The maximum length of a line in bytes, without its terminator. Longer lines are split.
pub const MAX_LINE: usize = 16 * 1024;

/// Applies ROT13 in place, without branches, so that the compiler can use vector instructions.
pub fn rot13(bytes: &mut [u8]) {
    for byte in bytes {
        let lower = *byte | 0x20;
        let first = u8::from(lower.wrapping_sub(b'a') < 13);
        let second = u8::from(lower.wrapping_sub(b'n') < 13);
        *byte = byte.wrapping_add(13 * first).wrapping_sub(13 * second);
    }
}

/// Finds lines in a stream and applies ROT13 to them.
///
/// A line that is too long is split, and each part ends with an LF. The tutorial's C code truncated
/// such a line when its buffer was full and lost its LF too. So the client did not get a complete
/// line, and the next line was appended to the truncated one.
#[derive(Debug, Default)]
pub struct Lines {
    /// The start of a line whose terminator has not been read yet, after ROT13. It contains no LF.
    /// It has at most [`MAX_LINE`] bytes, optionally followed by a CR, which is part of the
    /// terminator if an LF follows.
    partial: Vec<u8>,
}

impl Lines {
    /// Applies ROT13 to the bytes of a read in place, and passes complete lines to `emit`, in
    /// order.
    pub fn push(&mut self, chunk: &mut [u8], mut emit: impl FnMut(&[u8])) {
        rot13(chunk);
        let mut rest = &*chunk;
        while let Some(end) = memchr(b'\n', rest) {
            let (line, after) = rest.split_at(end + 1);
            rest = after;
            if self.partial.is_empty() {
                split(line, &mut emit);
            } else {
                self.partial.extend_from_slice(line);
                split(&self.partial, &mut emit);
                self.partial.clear();
            }
        }
        self.partial.extend_from_slice(rest);
        let mut from = 0;
        while too_long(&self.partial[from..]) {
            emit(&self.partial[from..from + MAX_LINE]);
            emit(b"\n");
            from += MAX_LINE;
        }
        self.partial.drain(..from);
    }

    /// Ends the input: passes the partial line, if any, to `emit` without a terminator.
    pub fn finish(&mut self, mut emit: impl FnMut(&[u8])) {
        split(&self.partial, &mut emit);
        self.partial = Vec::new();
    }
}

/// Whether this start of a line is longer than a line may be, whatever follows.
fn too_long(partial: &[u8]) -> bool {
    partial.strip_suffix(b"\r").unwrap_or(partial).len() > MAX_LINE || partial.len() > MAX_LINE + 1
}

/// Emits a complete line, in parts if it is too long.
fn split(mut line: &[u8], emit: &mut impl FnMut(&[u8])) {
    let terminator = match line {
        [.., b'\r', b'\n'] => 2,
        [.., b'\n'] => 1,
        _ => 0,
    };
    while line.len() - terminator > MAX_LINE {
        let (part, rest) = line.split_at(MAX_LINE);
        emit(part);
        emit(b"\n");
        line = rest;
    }
    emit(line);
}

#[cfg(test)]
mod tests {
    use super::{Lines, MAX_LINE};

    /// The output for `input`, passed in pieces of `size` bytes.
    fn output(input: &[u8], size: usize) -> Vec<u8> {
        let (mut lines, mut out) = (Lines::default(), Vec::new());
        for piece in input.chunks(size) {
            lines.push(&mut piece.to_vec(), |part| out.extend_from_slice(part));
        }
        lines.finish(|part| out.extend_from_slice(part));
        out
    }

    #[test]
    fn nothing_is_emitted_before_the_terminator() {
        let (mut lines, mut out) = (Lines::default(), Vec::new());
        lines.push(&mut b"Hello\nwor".to_vec(), |part| {
            out.extend_from_slice(part)
        });
        assert_eq!(out, b"Uryyb\n");
        lines.push(&mut b"ld\r\n".to_vec(), |part| out.extend_from_slice(part));
        assert_eq!(out, b"Uryyb\njbeyq\r\n");
    }

    #[test]
    fn long_lines_are_split_independently_of_the_reads() {
        let long = |length: usize, end: &str| [vec![b'a'; length], end.into()].concat();
        let part = [vec![b'n'; MAX_LINE], b"\n".to_vec()].concat();
        for (input, tail) in [
            (long(MAX_LINE, "\r\nok\n"), &b""[..]),
            (long(MAX_LINE + 1, "\nok\n"), b"n\nbx\n"),
            (long(MAX_LINE + 1, "\r\nok\n"), b"n\r\nbx\n"),
            (long(MAX_LINE, "\rb\n"), b"\ro\n"),
            (long(MAX_LINE, "\r"), b"\r"),
            (long(2 * MAX_LINE + 3, ""), b"nnn"),
        ] {
            let mut expected = part.repeat((input.len() / MAX_LINE).max(1));
            if tail.is_empty() {
                // The only input whose line fits: its CR is part of the terminator.
                expected = [vec![b'n'; MAX_LINE], b"\r\nbx\n".to_vec()].concat();
            }
            expected.extend_from_slice(tail);
            for size in [1, 7, 1000, MAX_LINE, MAX_LINE + 1, usize::MAX] {
                assert!(output(&input, size) == expected, "{tail:?} by {size}");
            }
        }
    }
}
