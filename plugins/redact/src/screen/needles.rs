//! Short texts that are looked for all at once.
//!
//! In: parts of names of keys, names of schemes, and prefixes of tokens. Out: tables that say for half of a byte in
//! which groups of needles it is, at each of three places. A needle may be in a block where all six halves agree on
//! a group.

use crate::detect::{FORMS, PARTS};

/// How many bytes a needle has.
pub(super) const LEN: usize = 3;

/// The tables of the halves of a byte: the groups it is in, a bit for each.
pub(super) type Table = [u8; 16];

/// What is looked for.
pub(super) struct Needles {
    /// For each of the three places: of the upper half of a byte, and of the lower.
    pub(super) tables: [[Table; 2]; LEN],
    /// A bit for the hash of each needle, in upper and lower case if case does not matter.
    known: [u64; 64],
    /// Needles of exact texts, ascending, where the text begins before them, and the text.
    exact: Vec<(u32, usize, &'static [u8])>,
    /// Needles of which case does not matter, in lower case: parts of keys, and ends of schemes.
    parts: [u32; PARTS.len()],
    schemes: [u32; SCHEMES.len()],
}

/// The ends of the names of schemes, in any case.
pub(super) const SCHEMES: [&[u8; LEN]; 2] = [b"rer", b"sic"];

/// Needles of texts that are not their first bytes, because those are too common.
const WITHIN: [(&[u8], usize); 29] = [
    (b"1//0", 1),
    (b"ewog", 1),
    (b"sig=", 1),
    (b"hooks.slack.com/services/", 3),
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
    (b"sk_live_", 1),
    (b"sk_test_", 1),
    (b"rk_live_", 1),
    (b"rk_test_", 1),
    (b"-----BEGIN ", 4),
];

/// Other texts that a secret begins with, and the one before the password in a URL.
const OTHERS: [&[u8]; 7] = [
    b"eyJ",
    b"ewog",
    b"sig=",
    b":AA",
    b"SG.",
    b"-----BEGIN ",
    b"://",
];

/// Needles that have so many halves in common that few other texts pass for them.
const GROUPS: [&[&[u8; LEN]]; 8] = [
    &[
        b"-BE", b"AGE", b"AIz", b"CCA", b"SIA", b"sk-", b"xox", b"zat",
    ],
    &[
        b"BIA", b"KIA", b"PX-", b"SG.", b"_v1", b"hvb", b"jwt", b"k_t", b"nid", b"hps", b":AA",
    ],
    &[b"TT3", b"b_p", b"cvc", b"cvn", b"hvs", b"://"],
    &[
        b"cvv", b"ec_", b"ecr", b"glr", b"hf_", b"hs_", b"ms_", b"ig=", b"//0", b"ks.",
    ],
    &[b"ede", b"ho_", b"k_l", b"eyJ", b"glc", b"gld"],
    &[
        b"glp", b"gls", b"hp_", b"hr_", b"hu_", b"key", b"pm_", b"psw",
    ],
    &[b"n_a", b"oki", b"rer", b"otp", b"amz", b"wog"],
    &[
        b"pas", b"pyp", b"xap", b"shp", b"sic", b"pwd", b"ya2", b"r_p", b"sq0", b"tok",
    ],
];

impl Needles {
    /// Makes the tables.
    pub(super) fn new() -> Self {
        let mut needles = Self {
            tables: [[[0; 16]; 2]; LEN],
            known: [0; 64],
            exact: Vec::new(),
            parts: PARTS.map(|part| number(*part)),
            schemes: SCHEMES.map(|scheme| number(*scheme)),
        };
        for part in PARTS.into_iter().chain(SCHEMES) {
            needles.add(*part, true);
        }
        for text in FORMS.iter().map(|form| form.0).chain(OTHERS) {
            let offset = WITHIN
                .iter()
                .find(|(other, _)| *other == text)
                .map_or(0, |&(_, offset)| offset);
            let needle = [text[offset], text[offset + 1], text[offset + 2]];
            needles.add(needle, false);
            needles.exact.push((number(needle), offset, text));
        }
        needles.exact.sort_by_key(|exact| exact.0);
        needles
    }

    fn add(&mut self, needle: [u8; LEN], any_case: bool) {
        let group = GROUPS
            .iter()
            .position(|group| group.contains(&&needle))
            .unwrap_or_default();
        for case in 0..if any_case { 1 << LEN } else { 1 } {
            let mut needle = needle;
            for (index, (byte, [upper, lower])) in
                needle.iter_mut().zip(&mut self.tables).enumerate()
            {
                *byte ^= if case >> index & 1 == 1 { 0x20 } else { 0 };
                upper[usize::from(*byte >> 4)] |= 1 << group;
                lower[usize::from(*byte & 15)] |= 1 << group;
            }
            let hash = hash(needle);
            self.known[hash / 64] |= 1 << (hash % 64);
        }
    }

    /// Whether a text may be a needle. This is right for nearly all texts that are none.
    #[inline]
    pub(super) fn may_be(&self, text: [u8; LEN]) -> bool {
        let hash = hash(text);
        self.known[hash / 64] >> (hash % 64) & 1 == 1
    }

    /// Where one of the exact texts begins that has the needle `needle`, which ends at `end`.
    pub(super) fn exact_start(&self, needle: [u8; LEN], block: &[u8], end: usize) -> Option<usize> {
        let needle = number(needle);
        let first = self.exact.partition_point(|exact| exact.0 < needle);
        let mut same = self.exact[first..]
            .iter()
            .take_while(|exact| exact.0 == needle);
        same.find_map(|&(_, offset, text)| {
            let start = end.checked_sub(offset + LEN)?;
            block[start..].starts_with(text).then_some(start)
        })
    }

    /// Whether a text is a part of keys, in any case.
    pub(super) fn is_part(&self, text: [u8; LEN]) -> bool {
        self.parts.contains(&lower(text))
    }

    /// Whether a text is the end of a scheme, in any case.
    pub(super) fn is_scheme(&self, text: [u8; LEN]) -> bool {
        self.schemes.contains(&lower(text))
    }
}

/// Three bytes as a number.
#[inline]
fn number([a, b, c]: [u8; LEN]) -> u32 {
    u32::from(a) << 16 | u32::from(b) << 8 | u32::from(c)
}

/// Three bytes in lower case, if they are letters, as a number.
#[inline]
fn lower(text: [u8; LEN]) -> u32 {
    number(text) | 0x20_20_20
}

/// A number below 4096.
#[inline]
fn hash(text: [u8; LEN]) -> usize {
    (number(text).wrapping_mul(0x9e37_79b1) >> 20) as usize
}

#[cfg(test)]
mod tests {
    use super::{FORMS, GROUPS, LEN, Needles, OTHERS, PARTS, SCHEMES, WITHIN};

    #[test]
    fn every_needle_has_a_group() {
        let prefixes = FORMS.iter().map(|form| form.0).chain(OTHERS).map(|text| {
            let within = WITHIN.iter().find(|(other, _)| *other == text);
            let offset = within.map_or(0, |&(_, offset)| offset);
            &text[offset..offset + LEN]
        });
        let parts = PARTS.iter().chain(&SCHEMES).map(|part| &part[..]);
        for needle in prefixes.chain(parts) {
            let known = GROUPS
                .iter()
                .flat_map(|group| group.iter())
                .filter(|other| other[..] == *needle);
            assert_eq!(known.count(), 1, "{}", needle.escape_ascii());
        }
    }

    #[test]
    fn few_other_texts_may_be_needles() {
        let needles = Needles::new();
        assert!(needles.may_be(*b"pAs") && needles.may_be(*b"eyJ"));
        let bits: u32 = needles.known.iter().map(|bits| bits.count_ones()).sum();
        assert!(bits < 4096 / 16, "{bits}");
    }
}
