//! `scan` for processors with AVX2 (x86-64-v3: nearly all since 2015), 32 bytes at a time.
//!
//! In and out: as in `scan`, or `None` on a processor without AVX2. The binary is built for any
//! x86-64 processor, and this module decides at run time.
#![expect(
    unsafe_code,
    reason = "functions for some processors only are unsafe to call; see each SAFETY comment"
)]

use std::arch::x86_64::{
    _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_set1_epi8,
};

use super::{Places, WORD};

/// Whether the processor has all features that the functions below are compiled for.
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

/// Compares each byte of `word`: bit i is set if byte i is `byte`.
#[inline]
#[target_feature(enable = "avx2")]
fn matches(byte: u8, word: &[u8; WORD]) -> u64 {
    let wanted = _mm256_set1_epi8(byte.cast_signed());
    let half = |from: usize| {
        let half: &[u8; WORD / 2] = match word[from..].first_chunk() {
            Some(half) => half,
            None => return 0,
        };
        // SAFETY: `half` has 32 bytes, and this load does not require alignment.
        let bytes = unsafe { _mm256_loadu_si256(half.as_ptr().cast()) };
        u64::from(_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, wanted)).cast_unsigned())
    };
    half(0) | half(WORD / 2) << (WORD / 2)
}
