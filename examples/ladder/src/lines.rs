//! ROT13 on lines: what is owed for what was read.
//!
//! In: the bytes of a read, cut anywhere. Out: whole lines, turned, each with the terminator it
//! came with. No I/O.

use memchr::memchr;

/// Longest content of a line, terminator not counted. Longer ones are split.
pub const MAX_LINE: usize = 16 * 1024;

/// ROT13 in place, without a branch a byte, so that the compiler can use vector instructions.
pub fn rot13(bytes: &mut [u8]) {
    for byte in bytes {
        let lower = *byte | 0x20;
        let first = u8::from(lower.wrapping_sub(b'a') < 13);
        let second = u8::from(lower.wrapping_sub(b'n') < 13);
        *byte = byte.wrapping_add(13 * first).wrapping_sub(13 * second);
    }
}

/// Finds lines in a stream, and turns them.
///
/// A line that is too long is split, and each part gets an LF. The C of the tutorial cut such a
/// line when its buffer was full, and the LF that ended it with the rest: the client got no line
/// at all, and what came next was appended to it.
#[derive(Debug, Default)]
pub struct Lines {
    /// The line that has no terminator yet, turned. No LF is in it. At most [`MAX_LINE`] bytes,
    /// and a CR behind them, which an LF may still make part of the terminator.
    partial: Vec<u8>,
}

impl Lines {
    /// Takes what was read, which is turned in place; `emit` gets what is owed, in order.
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

    /// The end of input: a rest without terminator is owed as it is.
    pub fn finish(&mut self, mut emit: impl FnMut(&[u8])) {
        split(&self.partial, &mut emit);
        self.partial = Vec::new();
    }
}

/// Whether the start of a line is more than the content of one, whatever comes next.
fn too_long(partial: &[u8]) -> bool {
    partial.strip_suffix(b"\r").unwrap_or(partial).len() > MAX_LINE || partial.len() > MAX_LINE + 1
}

/// Emits a line that is complete, in parts when it is too long.
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

    /// What comes for `input`, given in pieces of `size` bytes.
    fn turned(input: &[u8], size: usize) -> Vec<u8> {
        let (mut lines, mut out) = (Lines::default(), Vec::new());
        for piece in input.chunks(size) {
            lines.push(&mut piece.to_vec(), |part| out.extend_from_slice(part));
        }
        lines.finish(|part| out.extend_from_slice(part));
        out
    }

    #[test]
    fn nothing_is_owed_before_the_terminator() {
        let (mut lines, mut out) = (Lines::default(), Vec::new());
        lines.push(&mut b"Hello\nwor".to_vec(), |part| {
            out.extend_from_slice(part)
        });
        assert_eq!(out, b"Uryyb\n");
        lines.push(&mut b"ld\r\n".to_vec(), |part| out.extend_from_slice(part));
        assert_eq!(out, b"Uryyb\njbeyq\r\n");
    }

    #[test]
    fn long_lines_are_split_alike_however_they_come() {
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
                // The only one that fits: its CR belongs to the terminator.
                expected = [vec![b'n'; MAX_LINE], b"\r\nbx\n".to_vec()].concat();
            }
            expected.extend_from_slice(tail);
            for size in [1, 7, 1000, MAX_LINE, MAX_LINE + 1, usize::MAX] {
                assert!(turned(&input, size) == expected, "{tail:?} by {size}");
            }
        }
    }
}
