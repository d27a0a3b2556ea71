//! Mutates inputs, in the same way on every run.
//!
//! In: inputs, and numbers from a seed. Out: copies with bytes changed, removed or inserted, or with
//! the end of another input.

/// A pseudo-random generator (xorshift64*) that yields the same numbers on every run.
pub struct Numbers(u64);

impl Numbers {
    /// A generator with a seed, which must not be 0.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number, below `bound`, which must not be 0.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % bound
    }
}

/// A copy of `input` with 1 to `max` changes.
pub fn changed(input: &[u8], max: usize, numbers: &mut Numbers) -> Vec<u8> {
    let mut copy = input.to_vec();
    for _ in 0..=numbers.below(max) {
        let at = numbers.below(copy.len().max(1));
        let byte = numbers.below(256) as u8;
        match numbers.below(4) {
            _ if at == copy.len() => copy.push(byte),
            0 => copy[at] = byte,
            1 => copy[at] ^= 1 << numbers.below(8),
            2 => drop(copy.remove(at)),
            _ => copy.insert(at, byte),
        }
    }
    copy
}

/// The beginning of one input, followed by the end of another.
pub fn spliced(one: &[u8], other: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let (head, tail) = (numbers.below(one.len() + 1), numbers.below(other.len() + 1));
    [&one[..head], &other[tail..]].concat()
}
