//! The byte order mark of UTF-8 at the start of a stream.
//!
//! In: the first blocks of a stream. Out: the same without the mark, if the settings ask for that. A
//! mark may arrive in pieces, which wait in the partial line.
//! Not here: a mark anywhere else, which is content.

use super::Framer;
use crate::Lines;

/// The byte order mark in UTF-8.
pub(crate) const BOM: &[u8] = b"\xEF\xBB\xBF";

impl Framer {
    /// Removes the mark from `block`, which the stream begins with. Returns `true` if more bytes are
    /// needed to tell whether it begins with one.
    #[cold]
    pub(super) fn is_in_bom(&mut self, block: &mut Vec<u8>) -> bool {
        if self.settings.strip_bom {
            if block.len() < BOM.len() && BOM.starts_with(block) {
                return true;
            }
            if block.starts_with(BOM) {
                block.drain(..BOM.len());
            }
        }
        self.at_start = false;
        self.partial = Vec::new();
        false
    }

    /// Ends the stream within a mark, whose bytes are then content.
    pub(super) fn finish_in_bom(&mut self) -> Lines {
        self.at_start = false;
        let begun = std::mem::take(&mut self.partial);
        let mut lines = self.frame(begun);
        lines.append(self.finish());
        lines
    }
}
