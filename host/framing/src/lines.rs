//! Complete lines in one block of bytes, as they pass from the framer through filters to a sink.
//!
//! In: contents with their terminators, from the framer or from the checked answer of a filter.
//! Out: the same, by index, or as a block that can be written to a socket as it is.
//! Not here: finding lines in bytes (`framer`), writing other framings (`encode`).

use crate::Framing;

/// Complete lines, in order.
///
/// Invariant: `bytes` consists of content 0, terminator 0, content 1, terminator 1, and so on, and
/// nothing else. `spans` holds start and end of each content. A terminator may be empty: that of a
/// stream's last line, and of any line in the framing `octet`, where it is the LF or CR LF that the
/// frame's length counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines {
    bytes: Vec<u8>,
    spans: Vec<u32>,
}

impl Lines {
    /// Creates lines from a block and its spans.
    ///
    /// The caller guarantees the invariant of [`Lines`], and that the block is below 4 GiB.
    #[inline]
    pub fn from_parts(bytes: Vec<u8>, spans: Vec<u32>) -> Self {
        debug_assert!(spans.len().is_multiple_of(2));
        debug_assert!(spans.is_sorted());
        debug_assert!(spans.first().is_none_or(|first| *first == 0));
        debug_assert!(
            spans
                .last()
                .is_none_or(|last| *last as usize <= bytes.len())
        );
        Self { bytes, spans }
    }

    /// Number of lines.
    #[inline]
    pub fn len(&self) -> usize {
        self.spans.len() / 2
    }

    /// Whether there are no lines.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The block: contents and terminators as written to a socket, except for the framing `octet`,
    /// whose lengths are not in the block.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Start and end of each content in [`Self::bytes`].
    #[inline]
    pub fn spans(&self) -> &[u32] {
        &self.spans
    }

    /// Content of line `index`, which must exist.
    #[inline]
    pub fn content(&self, index: usize) -> &[u8] {
        &self.bytes[self.spans[2 * index] as usize..self.spans[2 * index + 1] as usize]
    }

    /// Terminator of line `index`, which must exist.
    #[inline]
    pub fn terminator(&self, index: usize) -> &[u8] {
        &self.bytes[self.spans[2 * index + 1] as usize..self.line_end(index)]
    }

    /// Line `index`, which must exist: its content and its terminator.
    #[inline]
    pub fn line(&self, index: usize) -> &[u8] {
        &self.bytes[self.spans[2 * index] as usize..self.line_end(index)]
    }

    /// Whether every terminator is a single byte. `false` may be wrong, if the last terminator is
    /// empty. Valid only for framings whose terminators are never empty, except at a stream's end.
    #[inline]
    pub fn has_single_byte_terminators(&self) -> bool {
        let contents: u32 = self
            .spans
            .chunks_exact(2)
            .map(|span| span[1] - span[0])
            .sum();
        // If the last terminator is not empty, none is. One byte per line then means one byte each.
        self.bytes.len() - contents as usize == self.len()
            && self
                .spans
                .last()
                .is_some_and(|end| (*end as usize) < self.bytes.len())
    }

    /// The end of line `index` in the block, including its terminator.
    #[inline]
    fn line_end(&self, index: usize) -> usize {
        self.spans
            .get(2 * index + 2)
            .map_or(self.bytes.len(), |next| *next as usize)
    }

    /// Adds a line.
    #[inline]
    pub fn push(&mut self, content: &[u8], terminator: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(content);
        let end = self.bytes.len();
        self.bytes.extend_from_slice(terminator);
        self.spans.extend([start as u32, end as u32]);
    }

    /// Adds all lines of `other` after these.
    pub fn append(&mut self, other: Self) {
        if self.is_empty() {
            *self = other;
            return;
        }
        let base = self.bytes.len() as u32;
        self.bytes.extend_from_slice(&other.bytes);
        self.spans
            .extend(other.spans.iter().map(|offset| base + offset));
    }

    /// Adds copies of the lines `from..to` of `other`, which must exist.
    pub fn append_of(&mut self, other: &Self, from: usize, to: usize) {
        if from >= to {
            return;
        }
        let (base, first) = (self.bytes.len() as u32, other.spans[2 * from]);
        self.bytes
            .extend_from_slice(&other.bytes[first as usize..other.line_end(to - 1)]);
        let spans = other.spans[2 * from..2 * to].iter();
        self.spans
            .extend(spans.map(|offset| base + (offset - first)));
    }

    /// Removes all lines after the first `count`.
    pub fn truncate(&mut self, count: usize) {
        if count < self.len() {
            self.bytes.truncate(self.spans[2 * count] as usize);
            self.spans.truncate(2 * count);
        }
    }

    /// Gives the last line a terminator if it has none.
    pub fn terminate(&mut self, framing: Framing) {
        if self
            .len()
            .checked_sub(1)
            .is_some_and(|last| self.terminator(last).is_empty())
        {
            self.bytes.extend_from_slice(framing.terminator());
        }
    }

    /// Copies the lines `from..to`, which must exist.
    pub fn slice(&self, from: usize, to: usize) -> Self {
        let mut lines = Self::default();
        lines.append_of(self, from, to);
        lines
    }

    /// Creates lines from `block`, which has contents and terminators at the same positions as this
    /// one. The spans move to the new lines, so `self` keeps its block but has no lines any more.
    #[inline]
    pub fn take_over(&mut self, block: Vec<u8>) -> Self {
        Self::from_parts(block, std::mem::take(&mut self.spans))
    }

    /// Returns the block. To write lines, use [`Self::encode`].
    #[inline]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Returns the block and its spans.
    #[inline]
    pub fn into_parts(self) -> (Vec<u8>, Vec<u32>) {
        (self.bytes, self.spans)
    }
}
