//! Searches for any of many texts in one pass.
//!
//! In: texts of similar length, and bytes. Out: where one of them is. At each position, the hash of the next
//! few bytes is looked up in a set of bits, which nearly always says that no text begins there. Otherwise
//! the texts that begin with bytes of that hash are searched by bisection.
//!
//! Besides the texts themselves, this takes 8 to 14 bytes for each. An automaton would take some hundred. The
//! time grows linearly with the bytes; at worst, for bytes made for it, by the time of a bisection for each.

use std::cmp::Ordering;
use std::ops::Range;

/// Texts that have at least as many bytes as are hashed.
pub(super) struct Table {
    /// How many bytes are hashed: 1, 2, 4 or 8.
    window: usize,
    fold: bool,
    /// All texts, sorted by hash, then by content. No text begins with another.
    bytes: Vec<u8>,
    /// Where each text starts in `bytes`, and where the last one ends.
    starts: Vec<u32>,
    /// The first text of each bucket, by the upper bits of the hash, and the number of texts.
    buckets: Vec<u32>,
    /// Which hashes there are, by more of the upper bits.
    known: Vec<u64>,
    known_bits: u32,
}

/// The windows, and how long their texts are.
const WINDOWS: [(usize, Range<usize>); 4] = [(1, 1..2), (2, 2..4), (4, 4..8), (8, 8..usize::MAX)];

impl Table {
    /// Tables of all `texts`.
    pub(super) fn by_length(texts: &[&[u8]], fold: bool) -> Vec<Self> {
        let table = |(window, lengths): (usize, Range<usize>)| {
            let fitting = texts.iter().filter(|text| lengths.contains(&text.len()));
            let hashed = fitting.map(|text| {
                let start = load_slice(&text[..window]);
                (hash(if fold { lower(start) } else { start }), *text)
            });
            let hashed: Vec<(u64, &[u8])> = hashed.collect();
            (!hashed.is_empty()).then(|| Self::new(window, hashed, fold))
        };
        WINDOWS.into_iter().filter_map(table).collect()
    }

    fn new(window: usize, mut texts: Vec<(u64, &[u8])>, fold: bool) -> Self {
        let compare = |a: &[u8], b: &[u8]| folded(a, fold).cmp(folded(b, fold));
        texts.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| compare(a.1, b.1)));
        // A text that begins with another is found whenever the other one is. It follows the other one.
        texts.dedup_by(|text, earlier| {
            let begins = text.1.get(..earlier.1.len());
            begins.is_some_and(|begins| compare(begins, earlier.1) == Ordering::Equal)
        });

        let bits = texts.len().next_power_of_two().trailing_zeros().max(4);
        let known_bits = (bits + 4).min(22);
        let mut known = vec![0; 1 << (known_bits - 6)];
        let mut buckets = vec![0; (1 << bits) + 1];
        for (hash, _) in &texts {
            let bit = hash >> (64 - known_bits);
            known[bit as usize / 64] |= 1 << (bit % 64);
            buckets[(hash >> (64 - bits)) as usize + 1] += 1;
        }
        for bucket in 1..buckets.len() {
            buckets[bucket] += buckets[bucket - 1];
        }
        let mut bytes = Vec::with_capacity(texts.iter().map(|(_, text)| text.len()).sum());
        let mut starts = Vec::with_capacity(texts.len() + 1);
        starts.push(0);
        for (_, text) in texts {
            bytes.extend(folded(text, fold));
            starts.push(bytes.len() as u32);
        }
        Self {
            window,
            fold,
            bytes,
            starts,
            buckets,
            known,
            known_bits,
        }
    }

    /// Where the first of the texts is at or after `at`.
    pub(super) fn find(&self, bytes: &[u8], at: usize) -> Option<Range<usize>> {
        match (self.window, self.fold) {
            (1, false) => self.find_by::<1, false>(bytes, at),
            (1, true) => self.find_by::<1, true>(bytes, at),
            (2, false) => self.find_by::<2, false>(bytes, at),
            (2, true) => self.find_by::<2, true>(bytes, at),
            (4, false) => self.find_by::<4, false>(bytes, at),
            (4, true) => self.find_by::<4, true>(bytes, at),
            (_, false) => self.find_by::<8, false>(bytes, at),
            (_, true) => self.find_by::<8, true>(bytes, at),
        }
    }

    fn find_by<const WINDOW: usize, const FOLD: bool>(
        &self,
        bytes: &[u8],
        at: usize,
    ) -> Option<Range<usize>> {
        let shift = 64 - self.known_bits;
        for (offset, window) in bytes.get(at..)?.windows(WINDOW).enumerate() {
            let start = load(window.first_chunk::<WINDOW>()?);
            let hash = hash(if FOLD { lower(start) } else { start });
            let bit = hash >> shift;
            if self.known[bit as usize / 64] >> (bit % 64) & 1 == 1 {
                let start = at + offset;
                if let Some(length) = self.text_at(hash, &bytes[start..]) {
                    return Some(start..start + length);
                }
            }
        }
        None
    }

    /// The length of the text that `bytes` begin with.
    #[inline(never)]
    fn text_at(&self, hash: u64, bytes: &[u8]) -> Option<usize> {
        let bits = (self.buckets.len() - 1).trailing_zeros();
        let bucket = (hash >> (64 - bits)) as usize;
        let [mut from, to] = [self.buckets[bucket], self.buckets[bucket + 1]].map(|at| at as usize);
        // No text begins with another, so the last one that is not greater is the only candidate.
        // Texts of other hashes may be in the bucket; they are sorted by hash first.
        let mut to = to;
        while from < to {
            let middle = from + (to - from) / 2;
            let text = self.text(middle);
            let begins = &bytes[..text.len().min(bytes.len())];
            match self.compare(text, begins, hash) {
                Ordering::Equal if begins.len() == text.len() => return Some(text.len()),
                Ordering::Less => from = middle + 1,
                _ => to = middle,
            }
        }
        None
    }

    fn text(&self, index: usize) -> &[u8] {
        &self.bytes[self.starts[index] as usize..self.starts[index + 1] as usize]
    }

    /// Compares a text with bytes whose hash is given, in the order of the texts.
    fn compare(&self, text: &[u8], bytes: &[u8], of_bytes: u64) -> Ordering {
        let of_text = hash(load_slice(&text[..self.window]));
        let by_content = || {
            if self.fold {
                text.iter().copied().cmp(folded(bytes, true))
            } else {
                text.cmp(bytes)
            }
        };
        of_text.cmp(&of_bytes).then_with(by_content)
    }
}

/// Bytes as they are compared.
fn folded(bytes: &[u8], fold: bool) -> impl Iterator<Item = u8> {
    let lower = move |&byte: &u8| {
        if fold {
            byte.to_ascii_lowercase()
        } else {
            byte
        }
    };
    bytes.iter().map(lower)
}

/// Up to eight bytes as a number. Their number is known to the compiler, so this is one load.
#[inline(always)]
fn load<const N: usize>(bytes: &[u8; N]) -> u64 {
    load_slice(bytes)
}

#[inline(always)]
fn load_slice(bytes: &[u8]) -> u64 {
    let mut eight = [0; 8];
    eight[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(eight)
}

/// Multiplies by the golden ratio: the upper bits depend on all bytes.
#[inline(always)]
fn hash(bytes: u64) -> u64 {
    bytes.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Eight bytes at once, with ASCII letters in lower case.
#[inline(always)]
fn lower(bytes: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const TOP: u64 = 0x80 * EACH;
    let low = bytes & !TOP;
    // The top bit of each byte says whether it is at least `A`, and whether it is beyond `Z`.
    let from_a = low + (0x80 - b'A' as u64) * EACH;
    let beyond_z = low + (0x7f - b'Z' as u64) * EACH;
    let upper = !bytes & (from_a ^ beyond_z) & TOP;
    bytes | (upper >> 2)
}
