//! Shares as written: `5%`, `0.25%`.
//!
//! In: text. Out: [`Share`], in hundredths of a percent. Not here: what it is a share of.

use std::fmt;
use std::str::FromStr;

use super::malformed::Malformed;

/// A share of something, in hundredths of a percent: 1 to 10,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share(u32);

/// The number of hundredths of a percent in 100 %.
const WHOLE: u32 = Share::WHOLE;

const HINT: &str = "write a percentage from \"0.01%\" to \"100%\", such as \"5%\"";

impl FromStr for Share {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let wrong = |fault| Malformed { fault, hint: HINT };
        let number = text.strip_suffix('%').ok_or(wrong("is not a percentage"))?;
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        let digits =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(part) {
            return Err(wrong("is not a percentage"));
        }
        if part.len() > 2 {
            return Err(wrong("has more than two digits after the point"));
        }
        let whole: u32 = whole.parse().map_err(|_| wrong("must not exceed 100%"))?;
        let part: u32 = format!("{part:0<2}").parse().unwrap_or(0);
        match whole.saturating_mul(100).saturating_add(part) {
            0 => Err(wrong("must be above 0%")),
            share @ 1..=WHOLE => Ok(Self(share)),
            _ => Err(wrong("must not exceed 100%")),
        }
    }
}

impl Share {
    /// Hundredths of a percent in the whole.
    pub const WHOLE: u32 = 10_000;
    /// 100 %.
    pub const ALL: Self = Self(WHOLE);

    /// Whether the share covers `lot`, a number below [`Self::WHOLE`].
    pub fn covers(self, lot: u32) -> bool {
        lot < self.0
    }

    /// This share of `count`, rounded down.
    pub fn of(self, count: u64) -> u64 {
        let share = u128::from(count) * u128::from(self.0) / u128::from(WHOLE);
        u64::try_from(share).unwrap_or(u64::MAX)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 100, self.0 % 100) {
            (whole, 0) => write!(f, "{whole}%"),
            (whole, part) if part % 10 == 0 => write!(f, "{whole}.{}%", part / 10),
            (whole, part) => write!(f, "{whole}.{part:02}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_percentages() {
        for (text, share) in [
            ("5%", 500),
            ("0.01%", 1),
            ("0.5%", 50),
            ("100%", WHOLE),
            ("12.34%", 1234),
        ] {
            assert_eq!(text.parse(), Ok(Share(share)), "{text}");
        }
        assert_eq!("5%".parse::<Share>().map(|share| share.of(99)), Ok(4));
        assert_eq!(Share::ALL.of(u64::MAX), u64::MAX);
    }

    #[test]
    fn refuses_others() {
        for (text, fault) in [
            ("5", "is not a percentage"),
            ("", "is not a percentage"),
            ("%", "is not a percentage"),
            ("-5%", "is not a percentage"),
            ("5 %", "is not a percentage"),
            ("1.%", "is not a percentage"),
            ("0%", "must be above 0%"),
            ("0.00%", "must be above 0%"),
            ("0.005%", "has more than two digits after the point"),
            ("100.01%", "must not exceed 100%"),
            ("99999999999%", "must not exceed 100%"),
        ] {
            let refused = text.parse::<Share>().map_err(|wrong| wrong.fault);
            assert_eq!(refused, Err(fault), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn shown_reads_back(share in 1..=WHOLE) {
            prop_assert_eq!(Share(share).to_string().parse(), Ok(Share(share)));
        }
    }
}
