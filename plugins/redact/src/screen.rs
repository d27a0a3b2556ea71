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
        let mut runs = Runs::default();
        let (mut at, mut next) = (0, 0);
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
            let masks = masks::of(chunk, &mut last, &self.needles);
            let (sure, maybe) = self.runs(&masks, &mut runs);
            let mut all = sure | maybe;
            while all != 0 {
                let bit = all.trailing_zeros();
                all &= all - 1;
                let position = at + bit as usize;
                if position < next || position >= block.len() {
                    continue;
                }
                let look = if sure >> bit & 1 == 1 {
                    Look::Here(likely::run(block, position))
                } else {
                    likely::look(block, position, &self.needles)
                };
                next = hit(position, look);
            }
            at += CHUNK;
        }
    }

    /// Where a run of numbers or digits is long enough, and what is to be looked at more closely.
    #[inline(always)]
    fn runs(&self, masks: &Masks, runs: &mut Runs) -> (u64, u64) {
        let (mut sure, mut maybe) = (0, masks.maybe);
        if self.ipv4 {
            // A dot behind a digit, three times, with one to three digits between.
            let near = |dots: u64, before: u64| {
                up(dots, before, 2) | up(dots, before, 3) | up(dots, before, 4)
            };
            let two = masks.dots & near(masks.dots, runs.dots);
            sure |= masks.dots & near(two, runs.two_dots);
            (runs.dots, runs.two_dots) = (masks.dots, two);
        }
        if self.ipv6 {
            // Six colons with one to four bytes between, or two in a row.
            let colons = masks.colons;
            let mut count = colons;
            maybe |= colons & up(colons, runs.colons[0], 1);
            for before in &mut runs.colons {
                let near = up(count, *before, 2)
                    | up(count, *before, 3)
                    | up(count, *before, 4)
                    | up(count, *before, 5);
                *before = count;
                count = colons & near;
            }
            sure |= count;
        }
        if self.cards {
            let digits = run(masks.digits, &mut runs.digits, 13);
            let grouped = run(masks.digits | masks.separators, &mut runs.grouped, 15);
            sure |= digits | grouped;
        }
        (sure, maybe)
    }
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

/// The masks of the chunk before, for runs that span two.
#[derive(Default)]
struct Runs {
    dots: u64,
    two_dots: u64,
    colons: [u64; 5],
    digits: [u64; 4],
    grouped: [u64; 4],
}

/// A mask moved up by `by` bits, with those of the chunk before.
#[inline(always)]
fn up(mask: u64, before: u64, by: u32) -> u64 {
    mask << by | before >> (64 - by)
}

/// Where a run of at least `len` bits ends, which is between 9 and 16.
#[inline(always)]
fn run(mask: u64, before: &mut [u64; 4], len: u32) -> u64 {
    let mut ends = mask;
    let mut count = 1;
    for before in before {
        let by = count.min(len - count);
        let longer = ends & up(ends, *before, by);
        *before = ends;
        ends = longer;
        count += by;
    }
    ends
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
