//! Finds the lines of a block in which there may be a secret.
//!
//! In: a block of lines. Out: ascending positions, at least one in each line in which a detector finds something.
//! Not here: lines. What is looked for is so short that it is within one line, and what stands before a line may
//! be anything, so no position is left out for what is around it.
//!
//! Bytes are looked at 64 at a time, and most of what is done with them are a few vector instructions or
//! operations on masks with a bit for each byte. What may be something is then looked at more closely:
//!
//! - four numbers with dots, seven with colons, two colons, thirteen digits, fifteen digits and separators;
//! - two capital letters before two digits; `@`; an escape;
//! - parts of three bytes of the names of keys and of the prefixes of tokens.

mod likely;
mod masks;
mod needles;

use std::ops::Range;

use crate::detector::{Detector, Set};
use likely::Look;
use masks::{CHUNK, Last, Masks};
use needles::Needles;

/// What to look for.
pub(crate) struct Screen {
    needles: Needles,
    cards: bool,
    ipv4: bool,
    ipv6: bool,
}

impl Screen {
    /// A screen for these detectors. Returns `None` if one of them looks at all lines.
    pub(crate) fn new(set: Set) -> Option<Self> {
        let other = [Detector::Mac, Detector::Phone, Detector::Ssn]
            .into_iter()
            .any(|detector| set.has(detector));
        (!other).then(|| Self {
            needles: Needles::new(),
            cards: set.has(Detector::Card),
            ipv4: set.has(Detector::Ipv4),
            ipv6: set.has(Detector::Ipv6),
        })
    }

    /// Passes ascending positions to `hit`, which returns where to go on: at least one in each line in which there may
    /// be a secret.
    pub(crate) fn lines(&self, block: &[u8], mut hit: impl FnMut(usize) -> usize) {
        self.find(block, |at, look| match look {
            Look::Nothing | Look::Mark(false) | Look::Url(_) => 0,
            Look::Mark(true) | Look::Here(_) => hit(at),
        });
    }

    /// Passes ranges to `place`: those in which a secret may begin, or the separator, flag or element is that tells
    /// one. Returns whether the text has a byte that escapes begin with.
    pub(crate) fn places(&self, text: &[u8], mut place: impl FnMut(Range<usize>)) -> bool {
        let mut marks = false;
        self.find(text, |_, look| {
            match look {
                Look::Nothing => {}
                Look::Mark(_) => marks = true,
                Look::Here(range) | Look::Url(range) => place(range),
            }
            0
        });
        marks
    }

    /// Passes all places to `hit`, with what is there. It returns where to go on.
    #[inline(always)]
    fn find(&self, block: &[u8], mut hit: impl FnMut(usize, Look) -> usize) {
        let mut last = Last::default();
        let mut before = Before::default();
        let (mut at, mut next, mut seen) = (0, 0, likely::Seen::default());
        let mut rest = [b'\n'; CHUNK];
        while at < block.len() {
            let chunk: &[u8; CHUNK] = match block[at..].first_chunk() {
                Some(chunk) => chunk,
                None => {
                    let left = &block[at..];
                    copy(left, &mut rest);
                    &rest
                }
            };
            let masks = masks::of(chunk, CHUNK.min(block.len() - at), &mut last, &self.needles);
            let (sure, maybe) = self.runs(&masks, &mut before);
            let mut all = sure | maybe;
            while all != 0 {
                let bit = all.trailing_zeros();
                all &= all - 1;
                let position = at + bit as usize;
                if position < next || position >= block.len() {
                    continue;
                }
                let look = if sure >> bit & 1 == 1 {
                    likely::run(block, position, &mut seen)
                } else {
                    likely::look(block, position, &self.needles, &mut seen)
                };
                next = hit(position, look);
                // The line of a hit need not be looked at further.
                if next > position {
                    all &= u64::MAX
                        .checked_shl((next - at).min(CHUNK) as u32)
                        .unwrap_or(0);
                }
            }
            at += CHUNK;
        }
    }

    /// Where a run of numbers or digits is long enough, and what is to be looked at more closely.
    ///
    /// Most chunks have too few dots, colons and digits, so what is costly is done only if there are enough.
    #[inline(always)]
    fn runs(&self, masks: &Masks, before: &mut Before) -> (u64, u64) {
        let (mut sure, mut maybe) = (0, masks.maybe);
        let enough =
            |now: u64, before: u64, least: u32| now.count_ones() + before.count_ones() >= least;
        if self.ipv4 && enough(masks.dots, before.dots, 3) {
            // A dot behind a digit, three times, with one to three digits between.
            sure |= chain(masks.dots, before.dots, 3, 4);
        }
        if self.ipv6 {
            // Two colons in a row, or six with one to four bytes between.
            maybe |= masks.colons & up(masks.colons, before.colons, 1);
            if enough(masks.colons, before.colons, 6) {
                sure |= chain(masks.colons, before.colons, 6, 5);
            }
        }
        if self.cards {
            // Thirteen digits, or fifteen digits and separators.
            let either = masks.digits | masks.separators;
            let thirteen = run(either, &mut before.runs);
            if thirteen | before.thirteen != 0 {
                sure |= run(masks.digits, &mut digit_runs(before.digits));
                sure |= thirteen & up(thirteen, before.thirteen, 2);
            }
            before.thirteen = thirteen;
        }
        (before.dots, before.colons, before.digits) = (masks.dots, masks.colons, masks.digits);
        (sure, maybe)
    }
}

/// Masks of the chunk before, for runs that span two.
#[derive(Default)]
struct Before {
    dots: u64,
    colons: u64,
    digits: u64,
    /// The ends of runs of digits and separators of growing lengths, and of thirteen.
    runs: [u64; 4],
    thirteen: u64,
}

/// A mask moved up by `by` bits, with those of the chunk before.
#[inline(always)]
fn up(mask: u64, before: u64, by: u32) -> u64 {
    mask << by | before >> (64 - by)
}

/// Where the last of `count` bits is that are two to `apart` bits apart.
fn chain(now: u64, before: u64, count: u32, apart: u32) -> u64 {
    let all = u128::from(now) << 64 | u128::from(before);
    let mut ends = all;
    for _ in 1..count {
        ends = all & (2..=apart).fold(0, |near, by| near | ends << by);
    }
    (ends >> 64) as u64
}

/// Where a run of at least thirteen bits ends. `before` has the ends of shorter runs in the chunk before.
#[inline(always)]
fn run(mask: u64, before: &mut [u64; 4]) -> u64 {
    let two = mask & up(mask, before[0], 1);
    let four = two & up(two, before[1], 2);
    let eight = four & up(four, before[2], 4);
    let thirteen = eight & up(eight, before[3], 5);
    *before = [mask, two, four, eight];
    thirteen
}

/// The ends of runs of digits in the chunk before, without those that began before it. A run of thirteen digits is at
/// most in two chunks.
fn digit_runs(digits: u64) -> [u64; 4] {
    let mut runs = [0; 4];
    run(digits, &mut runs);
    runs
}

/// Copies a part of a chunk. In WebAssembly, copies of a length that is not known are calls of the host.
fn copy(from: &[u8], to: &mut [u8; CHUNK]) {
    let (words, bytes) = from.as_chunks::<8>();
    for (word, to) in words.iter().zip(to.as_chunks_mut::<8>().0) {
        *to = *word;
    }
    for (byte, to) in bytes.iter().zip(&mut to[from.len() - bytes.len()..]) {
        *to = *byte;
    }
}

#[cfg(test)]
mod tests {
    use super::Screen;
    use crate::detector::{Detector, Set};

    fn hits(text: &str) -> usize {
        let screen = Screen::new(Detector::DEFAULT.into_iter().collect::<Set>()).unwrap();
        let mut count = 0;
        screen.lines(text.as_bytes(), |at| {
            count += 1;
            at + 1
        });
        count
    }

    #[test]
    fn what_may_be_a_secret_is_hit_wherever_it_stands() {
        for secret in [
            "1.2.3.4",
            "100.200.100.200",
            "::1",
            "fe80::1",
            "1:2:3:4:5:6:7:8",
            "2001:0db8:85a3:0000:0000:8a2e:0370:7334",
            "4222222222222",
            "4111 1111 1111 1111",
            "3056-930902-5904",
            "NO9386011117947",
            "a@b.cc",
            "eyJ",
            "\\u0040",
            "%40",
            "&quot;",
            "\\x41",
            "password=x",
            "Token: x",
            "'api_key' => 1",
            "--passwd x",
            "<Secret>",
            "Bearer x",
            "basic%20x",
            "Cookie: x",
            "AUTHORIZATION=x",
            "\"DB_PASS\",",
            "ghp_",
            "AKIA",
            "sk-",
            "-----BEGIN ",
            "4111\u{a0}1111",
        ] {
            for before in 0..140 {
                let text = format!("{}{secret}", "~".repeat(before));
                assert!(hits(&text) > 0, "{secret} at {before}");
                assert!(hits(&(text + &"~".repeat(70))) > 0, "{secret} at {before}");
            }
        }
    }

    #[test]
    fn most_lines_are_not_hit() {
        for line in [
            "2026-11-23T10:14:02.120Z INFO  http GET /cart/items HTTP/1.1 201 18ms",
            "2026-11-23 10:14:02,120 +0000 DEBUG cache evicted 311 keys in 1.2.3 at 10:14:06",
            "password reset, the token and the secret were passed to a passenger; monkey business",
            "Oct 11 22:14:15 host app[12345]: keyboard stuck, git lin x_y 12-34 {\"a\":\"b\\\"c\",\"n\":17}",
            "std::vec 00:1b:44:11:3a:b7 at 1700000000, 100% & more",
        ] {
            assert_eq!(hits(line), 0, "{line}");
        }
    }
}
