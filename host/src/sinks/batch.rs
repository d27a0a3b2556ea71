//! What goes into a sink: lines as bytes, and how many there are.

use linemill_framing::Framing;

/// Whole lines, framed for the wire.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The lines with their terminators or lengths. In a batch for a shared sink the last line has
    /// its terminator, too.
    pub bytes: Vec<u8>,
    /// The number of lines.
    pub lines: u64,
    /// How they are framed.
    pub framing: Framing,
}

impl Batch {
    /// Whether the last line has a terminator, or needs none.
    pub(super) fn is_terminated(&self) -> bool {
        self.lines == 0 || self.framing.is_terminated(&self.bytes)
    }

    /// Gives the last line a terminator if it has none.
    pub(super) fn terminate(&mut self) {
        if self.is_terminated() {
            return;
        }
        // LF after content that ends in CR would read as CRLF and take the CR away.
        let keeps_cr =
            matches!(self.framing, Framing::Lf | Framing::Auto) && self.bytes.ends_with(b"\r");
        let terminator = if keeps_cr {
            b"\r\n"
        } else {
            self.framing.terminator()
        };
        self.bytes.extend_from_slice(terminator);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_of_a_batch_gets_a_terminator() {
        for (text, framing, whole) in [
            ("a\nb", Framing::Lf, "a\nb\n"),
            ("a\nb\r", Framing::Lf, "a\nb\r\r\n"),
            ("a\nb\r\n", Framing::Lf, "a\nb\r\n"),
            ("a\r\nb\n", Framing::Crlf, "a\r\nb\n\r\n"),
            ("a\0b", Framing::Nul, "a\0b\0"),
            ("1 a1 b", Framing::Octet, "1 a1 b"),
            ("1 a1 b", Framing::Auto, "1 a1 b"),
            ("1 ab\0", Framing::Auto, "1 ab\0"),
            ("1 ab\r", Framing::Auto, "1 ab\r\r\n"),
            ("a\n12", Framing::Auto, "a\n12\n"),
        ] {
            let mut batch = Batch {
                bytes: text.into(),
                lines: 2,
                framing,
            };
            batch.terminate();
            assert_eq!(batch.bytes, whole.as_bytes(), "{text:?}");
        }
    }
}
