//! Looks at 64 bytes at a time.
//!
//! In: a chunk of a block. Out: masks with a bit for each byte. Not here: what they mean together.
//!
//! A class of bytes is looked up by both halves of a byte in two tables, and has the byte if both have its bit. In
//! WebAssembly, this is done with vector instructions, and in native builds byte by byte, with the same tables.

use super::needles::{Needles, Table};

/// How many bytes a chunk has.
pub(super) const CHUNK: usize = 64;

/// A bit for each byte of a chunk.
#[derive(Clone, Copy, Default)]
pub(super) struct Masks {
    /// A dot behind a digit.
    pub(super) dots: u64,
    pub(super) digits: u64,
    pub(super) colons: u64,
    /// What may stand between the groups of a card number, behind a digit.
    pub(super) separators: u64,
    /// What is to be looked at more closely: the last byte of what may be something.
    pub(super) maybe: u64,
}

const DIGIT: u8 = 1;
const DOT: u8 = 2;
const COLON: u8 = 4;
const SEPARATOR: u8 = 8;
const UPPER: u8 = 16;
/// What is looked at more closely by itself: `@`, and bytes that escapes and a no-break space begin with.
const AT: u8 = 32;
const PERCENT: u8 = 64;
const BACKSLASH: u8 = 128;
const RARE: u8 = AT | PERCENT | BACKSLASH;

/// The tables of classes, each with the upper and lower halves of its bytes. A class may have more bytes than are
/// listed: those with any of the upper and any of the lower halves.
const fn tables(classes: &[(u8, &[u8])]) -> [Table; 2] {
    let mut tables = [[0; 16]; 2];
    let mut class = 0;
    while class < classes.len() {
        let (bit, bytes) = classes[class];
        let mut index = 0;
        while index < bytes.len() {
            tables[0][(bytes[index] >> 4) as usize] |= bit;
            tables[1][(bytes[index] & 15) as usize] |= bit;
            index += 1;
        }
        class += 1;
    }
    tables
}

const MARKS: [Table; 2] = tables(&[
    (DIGIT, b"0123456789"),
    (DOT, b"."),
    (COLON, b":"),
    (SEPARATOR, b" -.+"),
    (UPPER, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    (AT, b"@"),
    (PERCENT, b"%&#"),
    (BACKSLASH, b"\\\xc2"),
]);

#[cfg(not(target_family = "wasm"))]
pub(super) use plain::{Last, of};
#[cfg(target_family = "wasm")]
pub(super) use simd::{Last, of};

/// Byte by byte.
#[cfg(not(target_family = "wasm"))]
mod plain {
    use super::{CHUNK, COLON, DIGIT, DOT, MARKS, Masks, Needles, RARE, SEPARATOR, Table, UPPER};

    /// The classes of the bytes before.
    #[derive(Default)]
    pub(in super::super) struct Last {
        marks: u8,
        /// Of the three bytes before, those that were of the same class as the one before them.
        pairs: [u8; 2],
        /// Groups of needles that the byte before may be the first byte of, and that the two bytes before may begin.
        needles: [u8; 2],
    }

    /// The masks of the first `len` bytes of a chunk; what is behind them does not matter.
    pub(in super::super) fn of(
        chunk: &[u8; CHUNK],
        len: usize,
        last: &mut Last,
        needles: &Needles,
    ) -> Masks {
        let class = |[upper, lower]: &[Table; 2], byte: u8| {
            upper[usize::from(byte >> 4)] & lower[usize::from(byte & 15)]
        };
        let mut masks = Masks::default();
        for (index, &byte) in chunk[..len].iter().enumerate() {
            let bit = |on: bool| u64::from(on) << index;
            let marks = class(&MARKS, byte);
            let [first, second, third] =
                needles.tables.each_ref().map(|tables| class(tables, byte));
            let pair = marks & last.marks;
            let iban = pair & DIGIT != 0 && last.pairs[1] & UPPER != 0;
            let needle = last.needles[1] & third;
            let behind_digit = if last.marks & DIGIT == 0 { 0 } else { marks };
            masks.digits |= bit(marks & DIGIT != 0);
            masks.colons |= bit(marks & COLON != 0);
            masks.dots |= bit(behind_digit & DOT != 0);
            masks.separators |= bit(behind_digit & SEPARATOR != 0);
            masks.maybe |= bit(iban || needle != 0 || marks & RARE != 0);
            last.marks = marks;
            last.pairs = [pair, last.pairs[0]];
            last.needles = [first, last.needles[0] & second];
        }
        masks
    }
}

/// With vector instructions.
#[cfg(target_family = "wasm")]
mod simd {
    use core::arch::wasm32::{
        i8x16_shuffle, u8x16_bitmask, u8x16_eq, u8x16_splat, u8x16_swizzle, u16x8_shl, u16x8_shr,
        u64x2, v128, v128_and, v128_or,
    };

    use super::{CHUNK, COLON, DIGIT, DOT, MARKS, Masks, Needles, RARE, SEPARATOR, Table, UPPER};

    /// The classes of the 16 bytes before.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Last {
        marks: v128,
        pairs: v128,
        first: v128,
        second: v128,
    }

    impl Default for Last {
        fn default() -> Self {
            let zero = u8x16_splat(0);
            Self {
                marks: zero,
                pairs: zero,
                first: zero,
                second: zero,
            }
        }
    }

    /// The masks of the first `len` bytes of a chunk; what is behind them does not matter.
    #[inline(always)]
    pub(in super::super) fn of(
        chunk: &[u8; CHUNK],
        len: usize,
        last: &mut Last,
        needles: &Needles,
    ) -> Masks {
        let tables = needles.tables.each_ref().map(both);
        let (vectors, _) = chunk.as_chunks::<16>();
        // One after the other, because a loop is checked for the deadline in each turn.
        let a = sixteen(&vectors[0], last, &tables);
        let b = if len > 16 {
            sixteen(&vectors[1], last, &tables)
        } else {
            Part::EMPTY
        };
        let c = if len > 32 {
            sixteen(&vectors[2], last, &tables)
        } else {
            Part::EMPTY
        };
        let d = if len > 48 {
            sixteen(&vectors[3], last, &tables)
        } else {
            Part::EMPTY
        };
        let whole = |part: fn(&Part) -> u16| {
            u64::from(part(&a))
                | u64::from(part(&b)) << 16
                | u64::from(part(&c)) << 32
                | u64::from(part(&d)) << 48
        };
        Masks {
            dots: whole(|part| part.dots),
            digits: whole(|part| part.digits),
            colons: whole(|part| part.colons),
            separators: whole(|part| part.separators),
            maybe: !whole(|part| part.nothing),
        }
    }

    /// A quarter of the masks.
    struct Part {
        dots: u16,
        digits: u16,
        colons: u16,
        separators: u16,
        /// Not `maybe`.
        nothing: u16,
    }

    impl Part {
        const EMPTY: Self = Self {
            dots: 0,
            digits: 0,
            colons: 0,
            separators: 0,
            nothing: u16::MAX,
        };
    }

    #[inline(always)]
    fn sixteen(bytes: &[u8; 16], last: &mut Last, tables: &[(v128, v128); 3]) -> Part {
        let digit = u8x16_splat(DIGIT);
        let low = u8x16_splat(15);
        let bytes = load(bytes);
        // There are no shifts of bytes on most processors, so those of twice as many bits are used. What comes from
        // the byte before is cleared, or does not matter.
        let halves = (v128_and(u16x8_shr(bytes, 4), low), v128_and(bytes, low));
        let marks = class(both(&MARKS), halves);
        let [first, second, third] = tables.map(|tables| class(tables, halves));
        let before = back::<1>(last.marks, marks);
        let pairs = v128_and(marks, before);
        let capitals = u16x8_shr(back::<2>(last.pairs, pairs), UPPER.trailing_zeros());
        let iban = v128_and(v128_and(pairs, digit), capitals);
        let begun = v128_and(back::<2>(last.first, first), back::<1>(last.second, second));
        let needle = v128_and(begun, third);
        let rare = v128_and(marks, u8x16_splat(RARE));
        let maybe = v128_or(v128_or(iban, rare), needle);
        let behind_digit = v128_and(marks, u8x16_eq(v128_and(before, digit), digit));
        *last = Last {
            marks,
            pairs,
            first,
            second,
        };
        // A mask takes the highest bit of each byte.
        Part {
            dots: u8x16_bitmask(u16x8_shl(behind_digit, 7 - DOT.trailing_zeros())),
            digits: u8x16_bitmask(u16x8_shl(marks, 7 - DIGIT.trailing_zeros())),
            colons: u8x16_bitmask(u16x8_shl(marks, 7 - COLON.trailing_zeros())),
            separators: u8x16_bitmask(u16x8_shl(behind_digit, 7 - SEPARATOR.trailing_zeros())),
            nothing: u8x16_bitmask(u8x16_eq(maybe, u8x16_splat(0))),
        }
    }

    #[inline(always)]
    fn load(bytes: &[u8; 16]) -> v128 {
        let bits = u128::from_le_bytes(*bytes);
        u64x2(bits as u64, (bits >> 64) as u64)
    }

    #[inline(always)]
    fn both(tables: &[Table; 2]) -> (v128, v128) {
        (load(&tables[0]), load(&tables[1]))
    }

    /// The classes of bytes, by their halves.
    #[inline(always)]
    fn class(tables: (v128, v128), halves: (v128, v128)) -> v128 {
        v128_and(
            u8x16_swizzle(tables.0, halves.0),
            u8x16_swizzle(tables.1, halves.1),
        )
    }

    /// The classes of the bytes that are `BY` before.
    #[inline(always)]
    fn back<const BY: u32>(before: v128, now: v128) -> v128 {
        if BY == 1 {
            i8x16_shuffle::<15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30>(
                before, now,
            )
        } else {
            i8x16_shuffle::<14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29>(
                before, now,
            )
        }
    }
}
