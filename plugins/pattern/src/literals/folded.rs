//! Searches for a text whose ASCII letters match in either case.
//!
//! In: a text, and bytes. Out: where it is. Two bytes of the text are compared at many positions at once, in
//! a loop that the compiler vectorises.

/// A text to search for.
pub(super) struct Folded {
    /// In lower case.
    text: Vec<u8>,
    /// The positions of two of its bytes that are rare in most lines.
    rare: [usize; 2],
}

/// How many positions are compared at once.
const STRIDE: usize = 64;

impl Folded {
    /// A text that is not empty.
    pub(super) fn new(text: &[u8]) -> Self {
        let text = text.to_ascii_lowercase();
        let mut by_rarity: Vec<usize> = (0..text.len()).collect();
        by_rarity.sort_by_key(|&at| commonness(text[at]));
        let rare = [by_rarity[0], by_rarity[by_rarity.len().min(2) - 1]];
        Self { text, rare }
    }

    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    pub(super) fn find(&self, bytes: &[u8]) -> Option<usize> {
        // The positions at which the text may start.
        let starts = (bytes.len() + 1).checked_sub(self.text.len())?;
        let [first, second] = self.rare.map(|at| &bytes[at..][..starts]);
        let [one, other] = self.rare.map(|at| self.text[at] | CASE);
        let strides = first.chunks(STRIDE).zip(second.chunks(STRIDE));
        for (index, (first, second)) in strides.enumerate() {
            let pairs = first.iter().zip(second);
            let near = pairs.fold(false, |near, (&a, &b)| {
                near | ((a | CASE == one) & (b | CASE == other))
            });
            if near {
                let start = index * STRIDE;
                let is_at =
                    |at: &usize| bytes[*at..][..self.text.len()].eq_ignore_ascii_case(&self.text);
                if let Some(found) = (start..start + first.len()).find(is_at) {
                    return Some(found);
                }
            }
        }
        None
    }
}

/// The bit in which the two cases of a letter differ. Some other bytes differ in it, too.
const CASE: u8 = 0x20;

/// Greater for bytes that are more common in lines of text.
fn commonness(byte: u8) -> usize {
    const RAREST_FIRST: &[u8] = b"qzjxkvwybgpfumchdlrsnioate";
    match RAREST_FIRST.iter().position(|&letter| letter == byte) {
        Some(position) => 10 + position,
        None if byte == b' ' => 40,
        None if byte.is_ascii_digit() => 30,
        None if byte.is_ascii_punctuation() => 12,
        None => 0,
    }
}
