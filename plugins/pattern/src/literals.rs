//! Searches for any of many plain texts.
//!
//! In: texts, and bytes. Out: where one of them is. Not here: expressions, and what is a line.
//!
//! A few texts are searched for one after the other with vector instructions. Many are searched for in one
//! pass: see `table`.

mod folded;
mod table;

use std::ops::Range;

use memchr::memmem;

use folded::Folded;
use table::Table;

/// Plain texts, none of them empty.
pub(crate) struct Literals {
    few: Vec<Finder>,
    many: Vec<Table>,
}

enum Finder {
    Exact(Box<memmem::Finder<'static>>),
    Folded(Folded),
}

/// Up to this many texts are searched for one after the other. Measured in a component, on lines of 94 bytes,
/// one pass of a vector search takes a tenth of the time of a pass for many texts.
pub(crate) const FEW: usize = 16;

impl Literals {
    /// Texts to search for. If `fold`, ASCII letters match in either case.
    pub(crate) fn new(texts: &[&[u8]], fold: bool) -> Self {
        if texts.len() > FEW {
            return Self {
                few: Vec::new(),
                many: Table::by_length(texts, fold),
            };
        }
        let finder = |text: &&[u8]| {
            // Without letters there is nothing to fold.
            if fold && text.iter().any(u8::is_ascii_alphabetic) {
                Finder::Folded(Folded::new(text))
            } else {
                Finder::Exact(Box::new(memmem::Finder::new(text).into_owned()))
            }
        };
        Self {
            few: texts.iter().map(finder).collect(),
            many: Vec::new(),
        }
    }

    /// The longest texts to search for, so that the time for each byte is bounded: for bytes made for them, it
    /// grows with the length of the texts. A few texts in one case may be of any length.
    pub(crate) fn longest(count: usize, fold: bool) -> usize {
        match (count > FEW, fold) {
            (true, _) => 255,
            (false, true) => 64,
            (false, false) => usize::MAX,
        }
    }

    /// Whether any of the texts is in `bytes`.
    #[inline]
    pub(crate) fn are_in(&self, bytes: &[u8]) -> bool {
        self.few.iter().any(|finder| finder.find(bytes).is_some())
            || self.many.iter().any(|table| table.find(bytes, 0).is_some())
    }

    /// Passes where the texts are in `bytes` to `found`, which returns where to go on: beyond the start of
    /// what was found. The order is that of the positions for each text, or for groups of texts.
    #[inline]
    pub(crate) fn each(&self, bytes: &[u8], mut found: impl FnMut(Range<usize>) -> usize) {
        for finder in &self.few {
            let mut at = 0;
            while let Some(start) = bytes.get(at..).and_then(|rest| finder.find(rest)) {
                let start = at + start;
                at = found(start..start + finder.len());
            }
        }
        for table in &self.many {
            let mut at = 0;
            while let Some(range) = table.find(bytes, at) {
                at = found(range);
            }
        }
    }
}

// === impl Finder ===

impl Finder {
    #[inline]
    fn find(&self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Exact(finder) => finder.find(bytes),
            Self::Folded(finder) => finder.find(bytes),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Exact(finder) => finder.needle().len(),
            Self::Folded(finder) => finder.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::{FEW, Literals};

    /// The first occurrence at each position, by comparing at each position.
    fn model(texts: &[&[u8]], fold: bool, bytes: &[u8]) -> Vec<usize> {
        let is_at = |at: usize| {
            texts.iter().any(|text| {
                let part = bytes.get(at..at + text.len());
                part.is_some_and(|part| part == *text || fold && part.eq_ignore_ascii_case(text))
            })
        };
        (0..bytes.len()).filter(|&at| is_at(at)).collect()
    }

    fn starts(literals: &Literals, bytes: &[u8]) -> Vec<usize> {
        let mut starts = Vec::new();
        literals.each(bytes, |Range { start, .. }| {
            starts.push(start);
            start + 1
        });
        starts.sort_unstable();
        starts.dedup();
        starts
    }

    /// A pseudo-random number below `limit`.
    fn random(state: &mut u64, limit: usize) -> usize {
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((*state >> 33) % limit as u64) as usize
    }

    #[test]
    fn every_occurrence_is_found() {
        let mut state = 1;
        let alphabets: [&[u8]; 3] = [b"ab", b"aAbB@`[{\n", b"\x00\x7f\x80\xc1\xe1aA"];
        for round in 0..600 {
            let alphabet = alphabets[round % 3];
            let text = |state: &mut u64, longest: usize| -> Vec<u8> {
                let length = 1 + random(state, longest);
                (0..length)
                    .map(|_| alphabet[random(state, alphabet.len())])
                    .collect()
            };
            let count = 1 + random(&mut state, [FEW, 60][round % 2]);
            let longest = 1 + random(&mut state, 12);
            let texts: Vec<_> = (0..count).map(|_| text(&mut state, longest)).collect();
            let texts: Vec<_> = texts.iter().map(|text| &text[..]).collect();
            let bytes = text(&mut state, 400);
            let fold = random(&mut state, 2) == 1;
            let literals = Literals::new(&texts, fold);
            let expected = model(&texts, fold, &bytes);
            assert_eq!(starts(&literals, &bytes), expected, "{texts:?} {fold}");
            assert_eq!(literals.are_in(&bytes), !expected.is_empty());
        }
    }

    #[test]
    fn texts_with_a_common_beginning_are_told_apart() {
        let texts: Vec<String> = (0..50_000)
            .map(|number| format!("host-{number:05}.example"))
            .collect();
        let texts: Vec<_> = texts.iter().map(String::as_bytes).collect();
        let literals = Literals::new(&texts, false);
        assert!(literals.are_in(b"from host-49999.example"));
        assert!(!literals.are_in(b"from host-50000.example, host-00000.exampl"));
        let folded = Literals::new(&texts, true);
        assert!(folded.are_in(b"FROM HOST-49999.EXAMPLE"));
    }
}
