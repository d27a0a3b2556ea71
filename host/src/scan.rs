//! Finding a byte that occurs often.
//!
//! In: blocks and a byte. Out: every place where it stands, or whether two blocks agree on them. For lines of 80 bytes this took 2.7 ns
//! a line, where `memchr`'s iterator, which is made for rare bytes, took 7.0.

use wide::u8x16;

/// Bytes looked at together: one bit each in a word.
const WORD: usize = 64;
const LANES: usize = 16;

/// Calls `found` with each index of `byte` in `block` from `from` on, until it says stop.
#[inline(always)]
pub(crate) fn each(byte: u8, block: &[u8], from: usize, mut found: impl FnMut(usize) -> bool) {
    let mut base = from;
    let (words, rest) = block[from..].as_chunks::<WORD>();
    for word in words {
        let mut places = matches(byte, word);
        while places != 0 {
            if !found(base + places.trailing_zeros() as usize) {
                return;
            }
            places &= places - 1;
        }
        base += WORD;
    }
    for (index, other) in rest.iter().enumerate() {
        if *other == byte && !found(base + index) {
            return;
        }
    }
}

/// Whether `byte` stands at the same places in two blocks of one length.
pub(crate) fn same_places(byte: u8, one: &[u8], other: &[u8]) -> bool {
    debug_assert_eq!(one.len(), other.len());
    let (words, rest) = one.as_chunks::<WORD>();
    let (other_words, other_rest) = other.as_chunks::<WORD>();
    let same = |(one, other): (&u8, &u8)| (*one == byte) == (*other == byte);
    words
        .iter()
        .zip(other_words)
        .all(|(one, other)| matches(byte, one) == matches(byte, other))
        && rest.iter().zip(other_rest).all(same)
}

/// Bit i says whether byte i of `word` is `byte`.
#[inline(always)]
fn matches(byte: u8, word: &[u8; WORD]) -> u64 {
    let wanted = u8x16::splat(byte);
    let (lanes, _) = word.as_chunks::<LANES>();
    let bits = lanes
        .iter()
        .map(|lanes| u64::from(u8x16::new(*lanes).simd_eq(wanted).to_bitmask()));
    bits.rev().fold(0, |word, bits| word << LANES | bits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn one_byte_more_or_less_is_seen(
            block in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'x')], 1..200),
            at in any::<proptest::sample::Index>(),
        ) {
            let other: Vec<_> = block.iter().map(|byte| if *byte == b'x' { b'y' } else { *byte }).collect();
            prop_assert!(super::same_places(b'\n', &block, &other));
            let (mut other, at) = (other, at.index(block.len()));
            other[at] = if block[at] == b'x' { b'\n' } else { b'y' };
            prop_assert!(!super::same_places(b'\n', &block, &other));
        }

        #[test]
        fn finds_what_a_plain_loop_finds(
            block in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'x'), any::<u8>()], 0..300),
            from in any::<proptest::sample::Index>(),
            most in 0..40usize,
        ) {
            let from = from.index(block.len() + 1);
            let plain = (from..block.len()).filter(|at| block[*at] == b'\n').take(most + 1);
            let mut places = Vec::new();
            super::each(b'\n', &block, from, |at| {
                places.push(at);
                places.len() <= most
            });
            prop_assert_eq!(places, plain.collect::<Vec<_>>());
        }
    }
}
