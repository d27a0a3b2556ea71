//! Numbers as they are written, compared without rounding.
//!
//! In: numbers that are valid JSON. Out: which is greater, in a time that is linear in their lengths, whatever
//! their exponents. Not here: which numbers are compared (`conditions`).

use std::cmp::Ordering;
use std::fmt::{self, Display, Formatter};

/// A number of the settings.
#[derive(Clone, Debug)]
pub(crate) struct Decimal(Box<[u8]>);

/// A number in parts: `0.DIGITS` times a power of ten.
struct Parts<'a> {
    negative: bool,
    /// The digits before and after the point, the first of which is not 0. Both are empty if the number is 0.
    digits: [&'a [u8]; 2],
    exponent: i64,
}

impl Decimal {
    pub(crate) fn of(text: &[u8]) -> Self {
        Self(text.into())
    }

    /// How it compares to a number in a line.
    pub(crate) fn compare(&self, other: &[u8]) -> Ordering {
        compare(&self.0, other)
    }

    pub(crate) fn is_greater(&self, other: &Self) -> bool {
        self.compare(&other.0).is_gt()
    }
}

impl Display for Decimal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

fn compare(one: &[u8], other: &[u8]) -> Ordering {
    let (one, other) = (Parts::of(one), Parts::of(other));
    let signs = one.sign().cmp(&other.sign());
    if signs.is_ne() || one.sign() == 0 {
        return signs;
    }
    let exponents = one.exponent.cmp(&other.exponent);
    let sizes = exponents.then_with(|| one.compare_digits(&other));
    if one.negative { sizes.reverse() } else { sizes }
}

impl<'a> Parts<'a> {
    fn of(text: &'a [u8]) -> Self {
        let (negative, text) = match text.strip_prefix(b"-") {
            Some(text) => (true, text),
            None => (false, text),
        };
        let end = text.iter().position(|byte| matches!(byte, b'e' | b'E'));
        let (mantissa, power) = text.split_at(end.unwrap_or(text.len()));
        let point = mantissa.iter().position(|byte| *byte == b'.');
        let (mut whole, fraction) = mantissa.split_at(point.unwrap_or(mantissa.len()));
        let mut fraction = fraction.strip_prefix(b".").unwrap_or_default();
        while let [b'0', rest @ ..] = whole {
            whole = rest;
        }
        let mut exponent = whole.len() as i64;
        if whole.is_empty() {
            while let [b'0', rest @ ..] = fraction {
                fraction = rest;
                exponent -= 1;
            }
        }
        Self {
            negative,
            digits: [whole, fraction],
            exponent: exponent.saturating_add(read_power(power)),
        }
    }

    /// -1, 0 or 1.
    fn sign(&self) -> i8 {
        match (self.digits, self.negative) {
            ([[], []], _) => 0,
            (_, true) => -1,
            (_, false) => 1,
        }
    }

    fn compare_digits(&self, other: &Self) -> Ordering {
        let length = |parts: &Self| parts.digits[0].len() + parts.digits[1].len();
        let longest = length(self).max(length(other));
        let digits = |parts: &Self| {
            let [whole, fraction] = parts.digits;
            let zeros = std::iter::repeat(&b'0');
            whole.iter().chain(fraction).chain(zeros).take(longest)
        };
        digits(self).cmp(digits(other))
    }
}

/// The exponent in `e-12`; 0 in an empty text. Beyond a million of millions, exponents count alike: a line is
/// too short for numbers whose digits would make up for that.
fn read_power(text: &[u8]) -> i64 {
    const MOST: i64 = 1_000_000_000_000;
    let text = text.get(1..).unwrap_or_default();
    let digits = text.strip_prefix(b"-").or(text.strip_prefix(b"+"));
    let power = digits.unwrap_or(text).iter().fold(0, |power: i64, digit| {
        MOST.min(10 * power + i64::from(digit & 15))
    });
    if text.starts_with(b"-") {
        -power
    } else {
        power
    }
}

#[cfg(test)]
mod tests {
    use super::{Ordering, compare};

    #[test]
    fn numbers_are_compared_without_rounding() {
        // Each group has numbers of the same value; the groups ascend.
        let groups: &[&[&str]] = &[
            &["-1e999999999999999999999"],
            &["-1e400"],
            &["-9007199254740993", "-9007199254740993.0"],
            &["-9007199254740992"],
            &["-1.5", "-15e-1", "-0.15e1"],
            &["-1e-999"],
            &[
                "0",
                "-0",
                "0.000",
                "0e5",
                "-0.0E-7",
                "0e999999999999999999999",
            ],
            &["1e-999999999999999999999"],
            &["1e-999", "0.1e-998"],
            &["0.1", "1e-1", "0.10", "10E-2"],
            &["0.10000000000000000001"],
            &["1", "1.0", "10e-1", "0.01e2"],
            &["500", "5e2", "5E+2", "500.00"],
            &["500.00000000000000000000001"],
            &["9007199254740992"],
            &["9007199254740993"],
            &["99999999999999999999999999999999999999999999"],
            &["1e44", "100000000000000000000000000000000000000000000"],
            &["100000000000000000000000000000000000000000001"],
            &["1e400"],
            &["1e999999999999999999999"],
        ];
        for (index, group) in groups.iter().enumerate() {
            for one in *group {
                for (at, others) in groups.iter().enumerate() {
                    for other in *others {
                        let found = compare(one.as_bytes(), other.as_bytes());
                        assert_eq!(found, index.cmp(&at), "{one} {other}");
                    }
                }
            }
        }
        assert_eq!(compare(b"1", b"1"), Ordering::Equal);
    }
}
