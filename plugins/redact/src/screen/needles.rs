//! Short texts that are looked for all at once.
//!
//! In: parts of three bytes. Out: tables that say for half of a byte in which groups of parts it is, at each of the
//! three places. A text may be in the block where all six halves agree on a group.

use crate::detect::{FORMS, PARTS};

/// How many bytes a needle has.
pub(super) const LEN: usize = 3;

/// The tables of the halves of a byte: the groups it is in, a bit for each.
pub(super) type Table = [u8; 16];

/// What is looked for.
pub(super) struct Needles {
    /// For each of the three places: of the upper half of a byte, and of the lower.
    pub(super) tables: [[Table; 2]; LEN],
    /// Needles that are the start of an exact text: where the text begins before them, and the text.
    exact: Vec<(usize, &'static [u8])>,
}

/// Words of three bytes at their end, in any case, that a secret follows.
pub(super) const SCHEMES: [&[u8; LEN]; 2] = [b"rer", b"sic"];

/// Where the needle of a prefix is in it, if its first bytes are too common: in `github_pat_`, it is `b_p`.
const OFFSETS: [(&[u8], usize); 20] = [
    (b"AKIA", 1),
    (b"ASIA", 1),
    (b"ABIA", 1),
    (b"ACCA", 1),
    (b"github_pat_", 5),
    (b"dckr_pat_", 3),
    (b"lin_api_", 2),
    (b"rubygems_", 6),
    (b"npm_", 1),
    (b"whsec_", 3),
    (b"dop_v1_", 3),
    (b"doo_v1_", 3),
    (b"dor_v1_", 3),
    (b"ghp_", 1),
    (b"gho_", 1),
    (b"ghu_", 1),
    (b"ghs_", 1),
    (b"ghr_", 1),
    (b"ATATT3", 3),
    (b"GOCSPX-", 4),
];

/// Other texts that a secret begins with, and where their needles are.
const OTHERS: [(&[u8], usize); 3] = [(b"eyJ", 0), (b"SG.", 0), (b"-----BEGIN ", 4)];

impl Needles {
    /// Makes the tables.
    pub(super) fn new() -> Self {
        let mut needles = Self {
            tables: [[[0; 16]; 2]; LEN],
            exact: Vec::new(),
        };
        for part in PARTS.iter().chain(&SCHEMES) {
            needles.add(*part, true);
        }
        let offset = |prefix: &[u8]| {
            let known = OFFSETS.iter().find(|(text, _)| *text == prefix);
            let stripe = prefix.starts_with(b"sk_") || prefix.starts_with(b"rk_");
            known.map_or(usize::from(stripe), |&(_, offset)| offset)
        };
        let forms = FORMS.iter().map(|form| (form.0, offset(form.0)));
        for (text, offset) in forms.chain(OTHERS) {
            needles.add(&text[offset..offset + LEN], false);
            needles.exact.push((offset, text));
        }
        needles
    }

    /// Adds a needle, to the group of those that begin alike.
    fn add(&mut self, needle: &[u8], any_case: bool) {
        let group = 1
            << match needle[0] {
                b'p' | b'c' => 0,
                b'e' | b'k' if any_case => 1,
                b't' | b'j' | b'z' | b'o' | b'r' | b's' if any_case => 2,
                b'A'..=b'Z' => 3,
                b'g' | b'h' => 4,
                b'x' | b's' => 5,
                b'_' | b'-' | b'0'..=b'9' => 6,
                _ => 7,
            };
        for (&byte, [upper, lower]) in needle.iter().zip(&mut self.tables) {
            upper[usize::from(byte >> 4)] |= group;
            lower[usize::from(byte & 15)] |= group;
            if any_case && byte.is_ascii_alphabetic() {
                upper[usize::from((byte ^ 0x20) >> 4)] |= group;
            }
        }
    }

    /// Whether one of the exact texts stands where its needle would end at `end`.
    pub(super) fn is_exact(&self, block: &[u8], end: usize) -> bool {
        self.exact.iter().any(|&(offset, text)| {
            let start = end.checked_sub(offset + LEN);
            start.is_some_and(|start| block[start..].starts_with(text))
        })
    }
}

/// Whether `needle` is one of `needles`, in any case.
pub(super) fn is_one_of(needle: &[u8], needles: &[&[u8; LEN]]) -> bool {
    needles.iter().any(|one| needle.eq_ignore_ascii_case(*one))
}
