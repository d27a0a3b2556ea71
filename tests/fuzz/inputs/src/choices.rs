//! An input as a row of choices.
//!
//! In: bytes. Out: numbers and picks, a byte each, taken off the front, and what is left. An input
//! that has ended goes on with zeros, so every input means something.

/// What is left of an input.
pub struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    /// The choices that `input` stands for.
    pub fn new(input: &'a [u8]) -> Self {
        Self(input)
    }

    /// The next byte; 0 after the end.
    pub fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    /// A number below `bound`, which is at most 256 and not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound
    }

    /// One of `from`, which is not empty.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// Yes or no.
    pub fn flag(&mut self) -> bool {
        self.below(2) == 1
    }

    /// Up to `most` values.
    pub fn several<T>(&mut self, most: usize, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(most + 1)).map(|_| one(self)).collect()
    }

    /// All that nobody took, in pieces of which the choices say where they end.
    pub fn pieces(mut self) -> (&'a [u8], Vec<usize>) {
        let cuts = self.several(12, |choices| [choices.byte(), choices.byte()]);
        let places = self.0.len() + 1;
        let place = |cut: [u8; 2]| usize::from(u16::from_le_bytes(cut)) % places;
        let mut cuts: Vec<usize> = cuts.into_iter().map(place).collect();
        cuts.sort_unstable();
        (self.0, cuts)
    }
}
