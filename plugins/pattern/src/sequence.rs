//! Searches for a sequence of classes of bytes, such as three digits and `ms`.
//!
//! In: a parsed expression, and bytes. Out: where something is that everything which the expression matches
//! contains. A class is compared at many positions at once, in a loop that the compiler vectorises, and rare
//! classes come first. So this is several times as fast as an automaton if the sequence is rare.

use regex_syntax::hir::{Class, Hir, HirKind};

/// A sequence of classes.
#[derive(Clone, Debug)]
pub(crate) struct Sequence {
    /// The position and the ranges of each class, the rarest first.
    classes: Vec<(usize, [Range; 2])>,
    length: usize,
}

/// A range of bytes: the first, and how many follow it.
type Range = (u8, u8);

/// A set of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Set([bool; 256]);

/// How many positions are compared at once.
const STRIDE: usize = 64;

/// The longest sequence.
const LONGEST: usize = 8;

/// A sequence is worth a search if it is estimated to be at fewer than one of this many positions.
const RARE: f64 = 1.0 / 1_000.0;

impl Sequence {
    /// The rarest sequence that `hir` requires, if it is rare.
    pub(crate) fn required(hir: &Hir) -> Option<Self> {
        let mut runs = Runs::default();
        runs.add(hir);
        runs.end();
        let (share, rarest) = runs.rarest?;
        (share < RARE).then(|| Self::new(&rarest))
    }

    fn new(sets: &[Set]) -> Self {
        let mut positions: Vec<usize> = (0..sets.len()).collect();
        positions.sort_by(|&a, &b| sets[a].share().total_cmp(&sets[b].share()));
        let classes = positions.iter().map(|&at| (at, sets[at].ranges()));
        Self {
            classes: classes.collect(),
            length: sets.len(),
        }
    }

    /// Where the sequence starts for the first time at or after `at`. Now and then, something else is found
    /// that is similar.
    pub(crate) fn find(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let starts = (bytes.len() + 1).checked_sub(self.length)?;
        let mut at = at;
        while at + STRIDE <= starts {
            let mut are_in = [1u8; STRIDE];
            for &(position, ranges) in &self.classes {
                let part = bytes[at + position..].first_chunk::<STRIDE>()?;
                if !narrow(&mut are_in, part, ranges) {
                    break;
                }
            }
            if let Some(found) = are_in.iter().position(|&is_in| is_in != 0) {
                return Some(at + found);
            }
            at += STRIDE;
        }
        (at..starts).find(|&start| {
            let mut classes = self.classes.iter();
            classes.all(|(position, ranges)| is_in(bytes[start + position], *ranges) != 0)
        })
    }
}

/// Leaves those positions at which a byte is in one of the ranges. Returns whether there are any.
#[inline]
fn narrow(are_in: &mut [u8; STRIDE], bytes: &[u8; STRIDE], ranges: [Range; 2]) -> bool {
    let mut any = 0;
    for (so_far, &byte) in are_in.iter_mut().zip(bytes) {
        *so_far &= is_in(byte, ranges);
        any |= *so_far;
    }
    any != 0
}

/// 1 if a byte is in one of the ranges.
#[inline(always)]
fn is_in(byte: u8, ranges: [Range; 2]) -> u8 {
    let [one, other] = ranges.map(|(first, more)| u8::from(byte.wrapping_sub(first) <= more));
    one | other
}

/// The sequences that an expression requires.
#[derive(Default)]
struct Runs {
    /// The rarest so far, and how often it is estimated to be.
    rarest: Option<(f64, Vec<Set>)>,
    run: Vec<Set>,
}

impl Runs {
    /// Adds what `hir` requires to the sequence so far, or begins another one.
    fn add(&mut self, hir: &Hir) {
        if let Some(fixed) = fixed(hir) {
            self.run.extend(fixed);
            if self.run.len() > MOST {
                self.end();
            }
            return;
        }
        match hir.kind() {
            HirKind::Capture(capture) => self.add(&capture.sub),
            HirKind::Concat(parts) => parts.iter().for_each(|part| self.add(part)),
            HirKind::Repetition(repetition) if repetition.min > 0 => {
                // The first ones follow what is before, and the last ones precede what comes next.
                let times = repetition.min.min(LONGEST as u32);
                (0..times).for_each(|_| self.add(&repetition.sub));
                self.end();
                if fixed(&repetition.sub).is_some() {
                    (0..times).for_each(|_| self.add(&repetition.sub));
                }
            }
            _ => self.end(),
        }
    }

    /// Ends the sequence: something follows whose length is not known.
    fn end(&mut self) {
        let run = std::mem::take(&mut self.run);
        for window in run.windows(run.len().clamp(1, LONGEST)) {
            let share = window.iter().map(Set::share).product();
            if self
                .rarest
                .as_ref()
                .is_none_or(|(rarest, _)| share < *rarest)
            {
                self.rarest = Some((share, window.to_vec()));
            }
        }
    }
}

/// The classes of an expression that only matches texts of one length.
fn fixed(hir: &Hir) -> Option<Vec<Set>> {
    match hir.kind() {
        // What these require of what is before and after is not considered.
        HirKind::Empty | HirKind::Look(_) => Some(Vec::new()),
        HirKind::Literal(literal) if literal.0.len() > MOST => None,
        HirKind::Literal(literal) => {
            Some(literal.0.iter().map(|&byte| Set::of(byte, byte)).collect())
        }
        HirKind::Class(class) => Some(vec![Set::class(class)?]),
        HirKind::Capture(capture) => fixed(&capture.sub),
        HirKind::Repetition(repetition) => {
            let times = Some(repetition.min).filter(|min| repetition.max == Some(*min))?;
            let once = fixed(&repetition.sub)?;
            (once.len() * times as usize <= MOST).then(|| once.repeat(times as usize))
        }
        HirKind::Concat(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(fixed(part)?);
                if all.len() > MOST {
                    return None;
                }
            }
            Some(all)
        }
        HirKind::Alternation(branches) => {
            let (first, others) = branches.split_first()?;
            let mut all = fixed(first)?;
            for other in others {
                let other = fixed(other).filter(|other| other.len() == all.len())?;
                all.iter_mut()
                    .zip(other)
                    .for_each(|(set, other)| set.add(other));
            }
            Some(all)
        }
    }
}

/// Longer sequences are not put together, which bounds the memory.
const MOST: usize = 64;

// === impl Set ===

impl Set {
    fn of(first: u8, last: u8) -> Self {
        let mut set = [false; 256];
        set[usize::from(first)..=usize::from(last)].fill(true);
        Self(set)
    }

    /// `None` if a match may have several bytes, or there is no match.
    fn class(class: &Class) -> Option<Self> {
        let mut set = Self([false; 256]);
        match class {
            Class::Bytes(class) => {
                class
                    .iter()
                    .for_each(|range| set.add(Self::of(range.start(), range.end())));
            }
            Class::Unicode(class) => {
                for range in class.iter() {
                    let [first, last] = [range.start(), range.end()]
                        .map(|c| u8::try_from(c).ok().filter(u8::is_ascii));
                    set.add(Self::of(first?, last?));
                }
            }
        }
        set.0.contains(&true).then_some(set)
    }

    fn add(&mut self, other: Self) {
        self.0
            .iter_mut()
            .zip(other.0)
            .for_each(|(is_in, other)| *is_in |= other);
    }

    /// Up to two ranges that contain the set, and as little else as possible.
    fn ranges(&self) -> [Range; 2] {
        let members: Vec<u8> = (0..=255u8)
            .filter(|&byte| self.0[usize::from(byte)])
            .collect();
        let (Some(&first), Some(&last)) = (members.first(), members.last()) else {
            return [(0, 255); 2];
        };
        // The largest gap is between the two ranges.
        let gap = members.windows(2).max_by_key(|pair| pair[1] - pair[0]);
        match gap {
            Some(&[before, after]) if after - before > 1 => {
                [(first, before - first), (after, last - after)]
            }
            _ => [(first, last - first); 2],
        }
    }

    /// How often its bytes are in lines of text, by a rough estimate.
    fn share(&self) -> f64 {
        let share = |byte: u8| match byte {
            b' ' => 0.12,
            b'0' => 0.05,
            b'1'..=b'9' => 0.02,
            b'e' | b't' | b'a' | b'o' | b'i' | b'n' | b's' | b'r' => 0.05,
            b'a'..=b'z' => 0.015,
            b'A'..=b'Z' => 0.005,
            b'.' | b'/' | b':' | b'-' | b'=' | b'"' | b',' | b'_' => 0.02,
            0x21..=0x7e => 0.002,
            b'\n' | b'\t' => 0.01,
            _ => 0.0005,
        };
        let members = (0..=255u8).filter(|&byte| self.0[usize::from(byte)]);
        members.map(share).sum::<f64>().min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Sequence;
    use crate::{Options, parse};

    fn sequence(expression: &str) -> Option<Sequence> {
        Sequence::required(&parse(expression, Options::default()).unwrap())
    }

    /// The bytes of each class, in the order of the text.
    fn shown(expression: &str) -> String {
        let Some(sequence) = sequence(expression) else {
            return "none".to_owned();
        };
        let mut classes = sequence.classes.clone();
        classes.sort_unstable();
        let range = |(first, more): (u8, u8)| match more {
            0 => (first as char).to_string(),
            more => format!("{}-{}", first as char, (first + more) as char),
        };
        let class = |(_, [one, other]): &(usize, [(u8, u8); 2])| match one == other {
            true => range(*one),
            false => format!("{}{}", range(*one), range(*other)),
        };
        classes.iter().map(class).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn sequences_of_expressions() {
        for (expression, expected) in [
            (r"[5-9]\d\dms$", "5-9 0-9 0-9 m s"),
            (r"\d{3}-\d{4}", "0-9 0-9 0-9 - 0-9 0-9 0-9 0-9"),
            (r"(?i)error", "Ee Rr Rr Oo Rr"),
            (r"x[^a]\w+yz", "0-9A-z y z"),
            (r"(AB|CD)[0-9]+(EF|GH)", "AC BD 0-9"),
            (r"\w+@\w+", "none"),
            (r"a.c|b", "none"),
            (r".*", "none"),
            (r"", "none"),
            (r"(?:XY|Z)", "none"),
            (r"QX(?:Y|ab)*", "Q X"),
        ] {
            assert_eq!(shown(expression), expected, "{expression}");
        }
    }

    #[test]
    fn the_first_occurrence_is_found_wherever_it_is() {
        let sequence = sequence("[5-9][a-f]X").unwrap();
        for length in [0, 2, 3, 64, 66, 67, 200] {
            for at in 0..length {
                let mut bytes = vec![b'7'; length];
                if let Some(place) = bytes.get_mut(at..at + 3) {
                    place.copy_from_slice(b"9fX");
                }
                let expected = (at + 3 <= length).then_some(at);
                assert_eq!(sequence.find(&bytes, 0), expected, "{length} {at}");
                assert_eq!(sequence.find(&bytes, at), expected);
                assert_eq!(sequence.find(&bytes, at + 1), None);
            }
        }
        assert_eq!(sequence.find(b"9fX", 7), None);
    }
}
