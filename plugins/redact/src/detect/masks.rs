//! Replacements that may be in a text that was redacted before.
//!
//! In: a text. Out: how long the replacement is that it begins with. Such a text is not redacted again, so that a
//! replacement stays what it is.

/// A replacement, such as `[card]`, or `[card:1f2e3d4c5b6a]` with a hash in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mask {
    pub(crate) before: Vec<u8>,
    /// How many hexadecimal digits are in it.
    pub(crate) digits: usize,
    pub(crate) after: Vec<u8>,
}

/// Replacements of all kinds.
#[derive(Debug, Default)]
pub(crate) struct Masks {
    list: Vec<Mask>,
    /// A bit for each byte that one of them begins with.
    first: [u64; 4],
}

impl FromIterator<Mask> for Masks {
    fn from_iter<I: IntoIterator<Item = Mask>>(all: I) -> Self {
        let mut masks = Self::default();
        for mask in all {
            for byte in 0..=255 {
                let begins = match mask.before.first() {
                    Some(first) => *first == byte,
                    None => mask.digits > 0 && byte.is_ascii_hexdigit(),
                };
                masks.first[usize::from(byte / 64)] |= u64::from(begins) << (byte % 64);
            }
            if !masks.list.contains(&mask) {
                masks.list.push(mask);
            }
        }
        masks
    }
}

impl Masks {
    /// How long the replacement is that `text` begins with.
    pub(super) fn at_start(&self, text: &[u8]) -> Option<usize> {
        let first = *text.first()?;
        if self.first[usize::from(first / 64)] >> (first % 64) & 1 == 0 {
            return None;
        }
        self.list.iter().find_map(|mask| mask.at_start(text))
    }
}

impl Mask {
    /// How long the replacement is, if `text` begins with it.
    fn at_start(&self, text: &[u8]) -> Option<usize> {
        // Nearly always, the first byte differs.
        if self
            .before
            .first()
            .is_some_and(|first| text.first() != Some(first))
        {
            return None;
        }
        let rest = text.strip_prefix(&*self.before)?;
        let hash = rest.get(..self.digits)?;
        let valid =
            hash.iter().all(u8::is_ascii_hexdigit) && rest[self.digits..].starts_with(&self.after);
        let len = self.before.len() + self.digits + self.after.len();
        (valid && len > 0).then_some(len)
    }
}
