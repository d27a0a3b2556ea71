//! The same on processors that have AVX2 (x86-64-v3: nearly all since 2015), 32 bytes at a time.
//!
//! In and out: as in the module above, or `None` on a processor without it. The binary is built
//! for any x86-64; which code runs is decided here.
#![expect(
    unsafe_code,
    reason = "a function for one kind of processor can only be called so; see each SAFETY"
)]

use std::arch::x86_64::{
    _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_set1_epi8,
};

use super::{Places, WORD};

/// Whether the processor has all that the functions below are compiled for.
#[inline(always)]
fn has() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("popcnt")
}

pub(super) fn gather(byte: u8, stretch: &[u8], base: u32, places: &mut Places) -> Option<usize> {
    #[target_feature(enable = "avx2,bmi1,popcnt")]
    fn inner(byte: u8, stretch: &[u8], base: u32, places: &mut Places) -> usize {
        super::gather_by(
            |byte, word| matches(byte, word),
            byte,
            stretch,
            base,
            places,
        )
    }
    // SAFETY: the processor has what `inner` is compiled for.
    has().then(|| unsafe { inner(byte, stretch, base, places) })
}

pub(super) fn same_places(byte: u8, one: &[u8], other: &[u8]) -> Option<bool> {
    #[target_feature(enable = "avx2")]
    fn inner(byte: u8, one: &[u8], other: &[u8]) -> bool {
        super::same_places_in(byte, one, other)
    }
    // SAFETY: the processor has what `inner` is compiled for.
    has().then(|| unsafe { inner(byte, one, other) })
}

/// Bit i says whether byte i of `word` is `byte`.
#[inline]
#[target_feature(enable = "avx2")]
fn matches(byte: u8, word: &[u8; WORD]) -> u64 {
    let wanted = _mm256_set1_epi8(byte.cast_signed());
    let half = |from: usize| {
        let half: &[u8; WORD / 2] = match word[from..].first_chunk() {
            Some(half) => half,
            None => return 0,
        };
        // SAFETY: 32 bytes are there, and this load asks for no alignment.
        let bytes = unsafe { _mm256_loadu_si256(half.as_ptr().cast()) };
        u64::from(_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, wanted)).cast_unsigned())
    };
    half(0) | half(WORD / 2) << (WORD / 2)
}
