//! Looks at many bytes of a line at once.
//!
//! In: bytes. Out: where special ones are, or whether there are any. Components use vectors of 16 bytes, and
//! native builds words of 8.

/// How many bytes [`special`] looks at.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
pub(crate) const WIDTH: usize = 8;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(crate) const WIDTH: usize = 16;

/// A number with as many trailing zeros as there are bytes before the first quote, backslash or control
/// character; 0 if there is none.
///
/// The lowest bit that is set is exact. Those above it may not be, since a subtraction borrows from them.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
#[inline]
pub(crate) fn special(bytes: &[u8; WIDTH]) -> Marks {
    const ONES: u64 = u64::MAX / 255;
    let word = u64::from_le_bytes(*bytes);
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let marks = (quote.wrapping_sub(ONES) & !quote)
        | (backslash.wrapping_sub(ONES) & !backslash)
        | (word.wrapping_sub(ONES * 0x20) & !word);
    Marks(marks & (ONES << 7))
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[inline]
pub(crate) fn special(bytes: &[u8; WIDTH]) -> Marks {
    use core::arch::wasm32::{u8x16_bitmask, u8x16_eq, u8x16_lt, u8x16_splat, v128_or};
    let vector = vector(bytes);
    let quote = u8x16_eq(vector, u8x16_splat(b'"'));
    let backslash = u8x16_eq(vector, u8x16_splat(b'\\'));
    let control = u8x16_lt(vector, u8x16_splat(0x20));
    Marks(u8x16_bitmask(v128_or(v128_or(quote, backslash), control)))
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[inline]
fn vector(bytes: &[u8; WIDTH]) -> core::arch::wasm32::v128 {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *bytes;
    core::arch::wasm32::u8x16(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)
}

/// The special bytes among those that have been looked at.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
#[derive(Clone, Copy)]
pub(crate) struct Marks(u64);
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[derive(Clone, Copy)]
pub(crate) struct Marks(u16);

impl Marks {
    /// The index of the first; `None` if there is none.
    #[inline]
    pub(crate) fn first(self) -> Option<usize> {
        let bits_per_byte = if WIDTH == 16 { 1 } else { 8 };
        (self.0 != 0).then(|| self.0.trailing_zeros() as usize / bits_per_byte)
    }
}

/// Whether all bytes are ASCII.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
#[inline]
pub(crate) fn is_ascii(bytes: &[u8]) -> bool {
    bytes.is_ascii()
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[inline]
pub(crate) fn is_ascii(bytes: &[u8]) -> bool {
    use core::arch::wasm32::{u8x16_bitmask, u8x16_splat, v128_or};
    let (chunks, rest) = bytes.as_chunks();
    let none = u8x16_splat(0);
    let all = chunks
        .iter()
        .fold(none, |all, chunk| v128_or(all, vector(chunk)));
    u8x16_bitmask(all) == 0 && rest.iter().fold(0, |all, byte| all | byte) < 0x80
}
