//! What senders hand over: lines as bytes, and how many they are.

use linemill_framing::Framing;

/// Whole lines, framed for the wire.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The lines with their terminators, or lengths. For an output that connections share the last
    /// one has its terminator, too.
    pub bytes: Vec<u8>,
    /// How many they are.
    pub lines: u64,
    /// How they are framed.
    pub framing: Framing,
}

impl Batch {
    /// Whether the last line has a terminator, or needs none.
    pub(in crate::stream) fn is_terminated(&self) -> bool {
        self.lines == 0 || self.bytes.ends_with(self.framing.terminator())
    }

    /// Gives the last line a terminator if it has none.
    pub(in crate::stream) fn terminate(&mut self) {
        if self.is_terminated() {
            return;
        }
        // A CR at the end of a content must not become part of the terminator.
        let keeps = self.framing == Framing::Lf && self.bytes.ends_with(b"\r");
        let terminator = if keeps {
            b"\r\n"
        } else {
            self.framing.terminator()
        };
        self.bytes.extend_from_slice(terminator);
    }
}
