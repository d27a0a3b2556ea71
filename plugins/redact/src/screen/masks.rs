//! Looks at 64 bytes at a time.
//!
//! In: a chunk of a block. Out: masks with a bit for each byte. Not here: what they mean together.
//!
//! A class of bytes is looked up by both halves of a byte in two tables, and has the byte if both have its bit. In
//! WebAssembly, this is done with vector instructions, and in native builds byte by byte, with the same tables.

use super::needles::{LEN, Needles, Table};

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
const AT: u8 = 32;
/// The first bytes of escapes and of a no-break space; four bits higher, the second bytes.
const BACKSLASH: u8 = 1;
const PERCENT: u8 = 2;
const AMPERSAND: u8 = 4;
const WIDE: u8 = 8;

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
]);

const ESCAPES: [Table; 2] = tables(&[
    (BACKSLASH, b"\\"),
    (BACKSLASH << 4, b"uUx0123"),
    (PERCENT, b"%"),
    (PERCENT << 4, b"0123456789abcdefABCDEF"),
    (AMPERSAND, b"&"),
    (AMPERSAND << 4, b"#qalgn"),
    (WIDE, b"\xc2"),
    (WIDE << 4, b"\xa0"),
]);

#[cfg(not(target_family = "wasm"))]
pub(super) use plain::{Last, of};
#[cfg(target_family = "wasm")]
pub(super) use simd::{Last, of};

/// Byte by byte.
#[cfg(not(target_family = "wasm"))]
mod plain {
    use super::{
        AT, CHUNK, COLON, DIGIT, DOT, ESCAPES, LEN, MARKS, Masks, Needles, SEPARATOR, Table, UPPER,
    };

    /// The classes of the bytes before.
    #[derive(Default)]
    pub(in super::super) struct Last {
        marks: [u8; 3],
        escapes: u8,
        /// Of the byte before: the groups of needles that it may be the first byte of. Of the byte before that: those
        /// that it and the byte behind it may be the first two bytes of.
        needles: [u8; 2],
    }

    pub(in super::super) fn of(chunk: &[u8; CHUNK], last: &mut Last, needles: &Needles) -> Masks {
        let class = |[upper, lower]: &[Table; 2], byte: u8| {
            upper[usize::from(byte >> 4)] & lower[usize::from(byte & 15)]
        };
        let mut masks = Masks::default();
        for (index, &byte) in chunk.iter().enumerate() {
            let bit = |on: bool| u64::from(on) << index;
            let (marks, escapes) = (class(&MARKS, byte), class(&ESCAPES, byte));
            let [one, two, three] = last.marks;
            let iban = marks & one & DIGIT != 0 && two & three & UPPER != 0;
            let escape = last.escapes << 4 & escapes;
            let [first, second, third]: [u8; LEN] =
                needles.tables.each_ref().map(|tables| class(tables, byte));
            let needle = last.needles[1] & third;
            masks.digits |= bit(marks & DIGIT != 0);
            masks.colons |= bit(marks & COLON != 0);
            masks.dots |= bit(marks & DOT != 0 && one & DIGIT != 0);
            masks.separators |= bit(marks & SEPARATOR != 0 && one & DIGIT != 0);
            masks.maybe |= bit(iban || escape != 0 || needle != 0 || marks & AT != 0);
            last.marks = [marks, one, two];
            last.escapes = escapes;
            last.needles = [first, last.needles[0] & second];
        }
        masks
    }
}

/// With vector instructions.
#[cfg(target_family = "wasm")]
mod simd {
    use core::arch::wasm32::{
        i8x16_shuffle, u8x16_bitmask, u8x16_eq, u8x16_ne, u8x16_splat, u8x16_swizzle, u16x8_shl,
        u16x8_shr, u64x2, v128, v128_and, v128_or,
    };

    use super::{
        AT, CHUNK, COLON, DIGIT, DOT, ESCAPES, MARKS, Masks, Needles, SEPARATOR, Table, UPPER,
    };

    /// The classes of the 16 bytes before.
    pub(in super::super) struct Last {
        marks: v128,
        escapes: v128,
        first: v128,
        second: v128,
    }

    impl Default for Last {
        fn default() -> Self {
            let zero = u8x16_splat(0);
            Self {
                marks: zero,
                escapes: zero,
                first: zero,
                second: zero,
            }
        }
    }

    #[inline(always)]
    pub(in super::super) fn of(chunk: &[u8; CHUNK], last: &mut Last, needles: &Needles) -> Masks {
        let marks_tables = both(&MARKS);
        let escapes_tables = both(&ESCAPES);
        let [first_tables, second_tables, third_tables] = needles.tables.each_ref().map(both);
        let zero = u8x16_splat(0);
        let digit = u8x16_splat(DIGIT);
        let mut masks = Masks::default();
        let (vectors, _) = chunk.as_chunks::<16>();
        for (index, vector) in vectors.iter().enumerate() {
            let bytes = load(vector);
            // There are no shifts of bytes on most processors, so those of twice as many bits are used. What comes from
            // the byte before is cleared, or does not matter.
            let low = u8x16_splat(15);
            let halves = (v128_and(u16x8_shr(bytes, 4), low), v128_and(bytes, low));
            let marks = class(marks_tables, halves);
            let escapes = class(escapes_tables, halves);
            let first = class(first_tables, halves);
            let second = class(second_tables, halves);
            let third = class(third_tables, halves);
            let one = back::<1>(last.marks, marks);
            let two = back::<2>(last.marks, marks);
            let three = back::<3>(last.marks, marks);
            let capitals = u16x8_shr(v128_and(two, three), UPPER.trailing_zeros());
            let iban = v128_and(v128_and(v128_and(marks, one), digit), capitals);
            let begun = u16x8_shl(back::<1>(last.escapes, escapes), 4);
            let escape = v128_and(v128_and(begun, escapes), u8x16_splat(0xf0));
            let begun = v128_and(back::<2>(last.first, first), back::<1>(last.second, second));
            let needle = v128_and(begun, third);
            let at = v128_and(marks, u8x16_splat(AT));
            let maybe = v128_or(v128_or(iban, at), v128_or(escape, needle));
            let behind_digit = v128_and(marks, u8x16_eq(v128_and(one, digit), digit));
            // A mask takes the highest bit of each byte.
            let place = 16 * index;
            let bits = |bytes: v128| u64::from(u8x16_bitmask(bytes)) << place;
            masks.digits |= bits(u16x8_shl(marks, 7 - DIGIT.trailing_zeros()));
            masks.colons |= bits(u16x8_shl(marks, 7 - COLON.trailing_zeros()));
            masks.dots |= bits(u16x8_shl(behind_digit, 7 - DOT.trailing_zeros()));
            masks.separators |= bits(u16x8_shl(behind_digit, 7 - SEPARATOR.trailing_zeros()));
            masks.maybe |= bits(u8x16_ne(maybe, zero));
            *last = Last {
                marks,
                escapes,
                first,
                second,
            };
        }
        masks
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
        match BY {
            1 => i8x16_shuffle::<15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30>(
                before, now,
            ),
            2 => i8x16_shuffle::<14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29>(
                before, now,
            ),
            _ => i8x16_shuffle::<13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28>(
                before, now,
            ),
        }
    }
}
