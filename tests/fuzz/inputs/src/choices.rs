//! Interprets an input as a sequence of choices.
//!
//! In: bytes. Out: numbers and picks, each from one byte at the front, and the remaining bytes. After
//! its end an input continues with zeros, so every input is valid.

/// The remaining bytes of an input.
pub struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    /// The choices that `input` encodes.
    pub fn new(input: &'a [u8]) -> Self {
        Self(input)
    }

    /// The next byte; 0 after the end of the input.
    pub fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    /// A number below `bound`, which must be from 1 to 256.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound
    }

    /// One of the values in `from`, which must not be empty.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// A boolean.
    pub fn flag(&mut self) -> bool {
        self.below(2) == 1
    }

    /// Up to `max` values, each made by `one`.
    pub fn several<T>(&mut self, max: usize, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(max + 1)).map(|_| one(self)).collect()
    }

    /// The remaining bytes, and the indices at which the input says to cut them, ascending.
    pub fn pieces(mut self) -> (&'a [u8], Vec<usize>) {
        let choices = self.several(12, |choices| [choices.byte(), choices.byte()]);
        let places = self.0.len() + 1;
        let place = |choice: [u8; 2]| usize::from(u16::from_le_bytes(choice)) % places;
        let mut cuts: Vec<usize> = choices.into_iter().map(place).collect();
        cuts.sort_unstable();
        (self.0, cuts)
    }
}
