//! Encodes lines in a framing.
//!
//! In: lines, the framing they came in, and the framing to write. Out: [`Encoded`]. A block that needs
//! no change is not copied.
//! Not here: decoding (`framer`).

use crate::Framing;
use crate::Lines;
use crate::blocks;

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
}

impl Lines {
    /// Encodes lines that came in the framing `from` in the framing `to`.
    ///
    /// If both framings are the same, terminators stay as they are, those that `octet` counts
    /// included. Otherwise `octet` gets none, and each content gets the terminator of a `to` that has
    /// terminators; only the last line may stay without one, if it had none and `from` has
    /// terminators. In `lf`, a content that ends in CR gets CR LF, since the receiver would otherwise
    /// take its CR as part of the terminator.
    ///
    /// Some senders that count octets end each content with a terminator other than LF, such as NUL.
    /// If `from` is `octet` and a line has no terminator, one terminator of `to` at the end of its
    /// content is therefore removed.
    ///
    /// A content that contains a terminator of `to` is left out. So is a line in `octet` without any
    /// byte, as lengths begin at 1.
    pub fn encode(self, from: Framing, to: Framing) -> Encoded {
        if from == to && to != Framing::Octet {
            return Encoded {
                lines: self.len() as u64,
                bytes: self.into_bytes(),
                unfit: 0,
            };
        }
        let mut encoded = Encoded {
            bytes: Vec::with_capacity(
                self.bytes().len() + self.len() * to.overhead(self.bytes().len()),
            ),
            ..Encoded::default()
        };
        // The one conversion that always fits: content from `lf` never contains LF.
        let fits = (from, to) == (Framing::Lf, Framing::Crlf);
        let mut digits = itoa::Buffer::new();
        for index in 0..self.len() {
            let (mut content, terminator) = (self.content(index), self.terminator(index));
            if from == Framing::Octet {
                if to == Framing::Octet {
                    content = self.line(index);
                } else if terminator.is_empty() {
                    content = to.without_terminator(content);
                }
            }
            if !fits && !to.can_hold(content) {
                encoded.unfit += 1;
                continue;
            }
            encoded.lines += 1;
            if to == Framing::Octet {
                let length = digits.format(content.len());
                encoded.bytes.extend_from_slice(length.as_bytes());
                encoded.bytes.push(b' ');
            }
            encoded.bytes.extend_from_slice(content);
            let open = from != Framing::Octet && index + 1 == self.len() && terminator.is_empty();
            if !open {
                encoded
                    .bytes
                    .extend_from_slice(to.terminator_after(content));
            }
        }
        blocks::give_back(self.into_bytes());
        encoded
    }
}
