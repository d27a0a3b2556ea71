//! Lines as the bytes of a framing.
//!
//! In: lines, the framing they came in, and the one they go out in. Out: [`Encoded`]. A block
//! that can go as it is goes uncopied.
//! Not here: finding lines in bytes (`stream::line`), which gives back what was encoded.

use crate::Framing;
use crate::Lines;
use crate::blocks;

#[cfg(test)]
mod tests;

/// Lines ready to be written.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Encoded {
    /// What goes on the wire.
    pub bytes: Vec<u8>,
    /// Number of lines in it.
    pub lines: u64,
    /// Lines left out because the framing has no form for them.
    pub unfit: u64,
}

impl Lines {
    /// Writes lines that came in the framing `from` in the framing `to`.
    ///
    /// Within one framing terminators stay as they are; `octet` gives each content its length.
    /// From one framing to another each content gets the terminator of `to`. Only the last line
    /// may stay without one, if it had none and `from` has terminators. Under `lf` a content that
    /// ends in CR gets CR LF, or its CR would be taken for the terminator's.
    ///
    /// Many who count octets end each content by a terminator as well, as syslog senders do by LF
    /// (RFC 6587, 3.4.1 tells of it): coming from `octet`, one terminator of `to` at the end of a
    /// content is taken for that.
    ///
    /// A content that holds a terminator of `to` is left out, as is an empty one under `octet`,
    /// whose lengths begin at 1.
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
        // The one form that always fits: no content holds LF there.
        let fits = (from, to) == (Framing::Lf, Framing::Crlf);
        let mut digits = itoa::Buffer::new();
        for index in 0..self.len() {
            let mut content = self.content(index);
            if from == Framing::Octet {
                content = to.without_terminator(content);
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
            let open = from != Framing::Octet
                && index + 1 == self.len()
                && self.terminator(index).is_empty();
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
