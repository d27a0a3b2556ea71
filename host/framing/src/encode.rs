//! Encodes lines in a framing.
//!
//! In: lines, the framing they came in, and the framing to write. Out: [`Encoded`]. A block that needs
//! no change is not copied.
//! Not here: decoding (`framer`).

use crate::framing::auto::fits_a_line;
use crate::{Framing, Lines, Unfit, blocks};

#[cfg(test)]
mod tests;

/// Lines ready to be written.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Encoded {
    /// The bytes to write.
    pub bytes: Vec<u8>,
    /// The number of lines in `bytes`.
    pub lines: u64,
    /// Lines left out because the framing cannot carry their content.
    pub unfit: u64,
    /// The content of the first of these, at most 48 bytes of it.
    pub sample: Vec<u8>,
}

/// Bytes that are kept of a line that was left out.
const SAMPLE: usize = 48;

impl Lines {
    /// Encodes lines that came in the framing `from` in the framing `to`.
    ///
    /// If both framings are the same, terminators stay as they are, those that a frame's length counts
    /// included. Otherwise each content gets the terminator of a `to` that has terminators; only the
    /// last line may stay without one, if it had none. In `lf`, a content that ends in CR gets CR LF,
    /// since the receiver would otherwise take its CR as part of the terminator.
    ///
    /// In `octet`, each content gets its length. In `auto`, a line that came as a frame stays one. So
    /// does a line whose content a receiver would not take for one line: it begins like a frame, or
    /// contains LF or NUL. Other lines of `auto` get or keep a terminator. Between these two framings,
    /// the terminator that a length counts stays counted.
    ///
    /// Some senders that count octets end each content with a terminator other than LF, such as NUL.
    /// If a line came as a frame and has no terminator, one terminator of `to` at the end of its
    /// content is therefore removed.
    ///
    /// A content that contains a terminator of `to` is treated as `unfit` says. A frame without any
    /// byte is left out, as lengths begin at 1.
    pub fn encode(self, from: Framing, to: Framing, unfit: Unfit) -> Encoded {
        if from == to && !to.has_frames() {
            return Encoded {
                lines: self.len() as u64,
                bytes: self.into_bytes(),
                ..Encoded::default()
            };
        }
        let mut encoded = Encoded {
            bytes: Vec::with_capacity(
                self.bytes().len() + self.len() * to.overhead(self.bytes().len()),
            ),
            ..Encoded::default()
        };
        for index in 0..self.len() {
            let line = Line {
                content: self.content(index),
                terminator: self.terminator(index),
                counted: from.counted(self.terminator(index)),
                is_last: index + 1 == self.len(),
            };
            let written = match to {
                Framing::Octet => encoded.frame(line),
                Framing::Auto if line.counted.is_some() || !fits_a_line(line.content) => {
                    encoded.frame(line)
                }
                Framing::Auto if from == Framing::Auto => encoded.as_it_came(line),
                // Content from `lf` never contains LF.
                Framing::Crlf if from == Framing::Lf => encoded.terminated(line, to),
                _ => encoded.fitting(line, to, unfit),
            };
            if written {
                encoded.lines += 1;
            } else {
                encoded.leave_out(line);
            }
        }
        blocks::give_back(self.into_bytes());
        encoded
    }
}

/// A line to encode.
#[derive(Clone, Copy)]
struct Line<'a> {
    content: &'a [u8],
    terminator: &'a [u8],
    /// If it came as a frame, the terminator that the length of the frame counted.
    counted: Option<&'a [u8]>,
    is_last: bool,
}

impl Encoded {
    /// Counts a line that is left out.
    fn leave_out(&mut self, line: Line<'_>) {
        if self.unfit == 0 {
            let shown = line.content.len().min(SAMPLE);
            self.sample = line.content[..shown].to_vec();
        }
        self.unfit += 1;
    }

    /// Adds a line as a frame. Returns `false` if it has no byte.
    fn frame(&mut self, line: Line<'_>) -> bool {
        let counted = line.counted.unwrap_or_default();
        let length = line.content.len() + counted.len();
        if length > 0 {
            let mut digits = itoa::Buffer::new();
            self.bytes
                .extend_from_slice(digits.format(length).as_bytes());
            self.bytes.push(b' ');
            self.bytes.extend_from_slice(line.content);
            self.bytes.extend_from_slice(counted);
        }
        length > 0
    }

    /// Adds a line with the terminator that it has.
    fn as_it_came(&mut self, line: Line<'_>) -> bool {
        self.bytes.extend_from_slice(line.content);
        self.bytes.extend_from_slice(line.terminator);
        true
    }

    /// Adds a line with the terminator of `to`, which its content does not contain.
    fn terminated(&mut self, line: Line<'_>, to: Framing) -> bool {
        self.bytes.extend_from_slice(line.content);
        let open = line.is_last && line.counted.is_none() && line.terminator.is_empty();
        if !open {
            self.bytes
                .extend_from_slice(to.terminator_after(line.content));
        }
        true
    }

    /// Adds a line with the terminator of `to`. If its content contains a terminator, it is treated as
    /// `unfit` says. Returns `false` if that is to leave it out.
    fn fitting(&mut self, mut line: Line<'_>, to: Framing, unfit: Unfit) -> bool {
        if line.counted == Some(b"") {
            line.content = to.without_terminator(line.content);
        }
        if !to.ends_inside(line.content) {
            return self.terminated(line, to);
        }
        if unfit == Unfit::Drop {
            return false;
        }
        let content = &without_terminators(line.content, to, unfit)[..];
        self.terminated(Line { content, ..line }, to)
    }
}

/// `content` with each terminator of `framing` replaced.
fn without_terminators(content: &[u8], framing: Framing, unfit: Unfit) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(content.len() + 16);
    let mut start = 0;
    while let Some(end) = framing.next_end(content, start, start) {
        replaced.extend_from_slice(&content[start..end.content]);
        if unfit == Unfit::Escape {
            for byte in &content[end.content..end.line] {
                let digits = [byte >> 6, byte >> 3 & 7, byte & 7];
                replaced.push(b'#');
                replaced.extend(digits.map(|digit| b'0' + digit));
            }
        } else {
            replaced.push(b' ');
        }
        start = end.line;
    }
    replaced.extend_from_slice(&content[start..]);
    replaced
}
