//! Random texts. They are the same in every run.

/// A pseudo-random generator (xorshift).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..8 {
            random.next();
        }
        random
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 16) % limit
    }

    pub(super) fn of<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// A text of `len` characters of `alphabet`.
    pub(super) fn text(&mut self, alphabet: &str, len: u64) -> String {
        let alphabet: Vec<char> = alphabet.chars().collect();
        (0..len)
            .map(|_| alphabet[self.below(alphabet.len() as u64) as usize])
            .collect()
    }

    pub(super) fn digits(&mut self, len: u64) -> String {
        self.text("0123456789", len)
    }

    pub(super) fn hex(&mut self, len: u64) -> String {
        self.text("0123456789abcdef", len)
    }

    pub(super) fn alnum(&mut self, len: u64) -> String {
        self.text(
            "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ0123456789",
            len,
        )
    }
}
