//! How many lines pass in which time.
//!
//! In: the settings `rate` and `burst`. Out: a number of lines and the length of a window, or an error that
//! names the setting. Not here: counting (`counter`).

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use linemill_sdk::Error;
use linemill_sdk::units::Time;
use serde::de::{Deserialize, Deserializer, IntoDeserializer, Visitor, value};

/// So many lines in a time, as in `100/s`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    lines: u64,
    per: Duration,
    /// As it was written.
    text: String,
}

/// How many lines pass in each window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    pub(crate) lines: i64,
    pub(crate) window: Duration,
}

/// The most lines of a rate, and of a burst.
const MAX_LINES: u64 = 1_000_000_000;
/// The shortest window, and the longest.
const WINDOWS: [Duration; 2] = [Duration::from_millis(1), Duration::from_secs(24 * 3600)];

impl Limit {
    /// A window in which `burst` lines pass, so long that on average no more pass than `rate` allows. Without
    /// `burst`: as many lines as `rate` names.
    pub(crate) fn new(rate: &Rate, burst: Option<u64>) -> Result<Self, Error> {
        let burst = burst.unwrap_or(rate.lines);
        if !(1..=MAX_LINES).contains(&burst) {
            return Err(Error::setting(
                "burst",
                format!("{burst} is out of range; it must be between 1 and {MAX_LINES} lines"),
            ));
        }
        // Below 10^14 · 10^9, and rounded up, so that the average stays within the rate.
        let nanoseconds = (rate.per.as_nanos() * u128::from(burst)).div_ceil(rate.lines.into());
        let window = u64::try_from(nanoseconds).map_or(Duration::MAX, Duration::from_nanos);
        let [shortest, longest] = WINDOWS;
        let allows = |window: Duration| {
            // At least 1: a rate allows a line within a day, and a burst is a whole number.
            (window.as_nanos() * u128::from(rate.lines) / rate.per.as_nanos()).max(1)
        };
        if window < shortest {
            return Err(Error::setting(
                "burst",
                format!(
                    "{burst} is too small for the rate {rate}; at least {} are needed, the lines of a millisecond",
                    allows(shortest)
                ),
            ));
        }
        if window > longest {
            return Err(Error::setting(
                "burst",
                format!(
                    "{burst} is too large for the rate {rate}; at most {} are allowed, the lines of a day",
                    allows(longest)
                ),
            ));
        }
        Ok(Self {
            lines: burst as i64,
            window,
        })
    }
}

// === impl Rate ===

impl Rate {
    /// Reads a number of lines, a slash, and a time or a unit of time. Otherwise says what is wrong.
    fn read(text: &str) -> Result<Self, String> {
        let form = || {
            format!(
                "`{text}` is not a rate; write a number of lines, a slash and a time, such as \"100/s\" or \
                 \"5/10m\""
            )
        };
        let (lines, per) = text.split_once('/').ok_or_else(form)?;
        let digits = !lines.is_empty() && lines.bytes().all(|byte| byte.is_ascii_digit());
        if !digits {
            return Err(form());
        }
        // A unit alone is one of it.
        let per = match per.as_bytes().first() {
            Some(digit) if digit.is_ascii_digit() => per.to_owned(),
            _ => format!("1{per}"),
        };
        let time: value::StrDeserializer<'_, value::Error> = per.as_str().into_deserializer();
        let Time(per) = Time::deserialize(time).map_err(|_| form())?;
        let lines = lines.parse::<u64>().unwrap_or(u64::MAX);
        if !(1..=MAX_LINES).contains(&lines) {
            return Err(format!(
                "`{text}` is out of range; it must be between 1 and {MAX_LINES} lines"
            ));
        }
        let [shortest, longest] = WINDOWS;
        if !(shortest..=longest).contains(&per) {
            return Err(format!(
                "`{text}` is out of range; the time must be between 1ms and 24h"
            ));
        }
        Ok(Self {
            lines,
            per,
            text: text.to_owned(),
        })
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Rate;

            fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
                f.write_str("a rate such as \"100/s\"")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Rate, E> {
                Rate::read(text).map_err(E::custom)
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Rate, E> {
                self.visit_str(&number.to_string())
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

impl Display for Rate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::{Limit, Rate};
    use std::time::Duration;

    fn limit(rate: &str, burst: Option<u64>) -> Result<(i64, Duration), String> {
        let rate = Rate::read(rate)?;
        let limit = Limit::new(&rate, burst).map_err(|error| error.to_string())?;
        Ok((limit.lines, limit.window))
    }

    #[test]
    fn a_window_has_as_many_lines_as_the_burst_at_the_same_rate() {
        let ms = Duration::from_millis;
        for (rate, burst, lines, window) in [
            ("100/s", None, 100, ms(1000)),
            ("100/s", Some(500), 500, ms(5000)),
            ("100/s", Some(1), 1, ms(10)),
            ("5/10m", None, 5, ms(600_000)),
            ("1/24h", None, 1, ms(86_400_000)),
            ("3/s", Some(1), 1, Duration::from_nanos(333_333_334)),
            ("1000000000/ms", None, 1_000_000_000, ms(1)),
        ] {
            assert_eq!(limit(rate, burst), Ok((lines, window)), "{rate} {burst:?}");
        }
    }

    #[test]
    fn refusals_say_what_to_write() {
        let form = |text| {
            format!(
                "`{text}` is not a rate; write a number of lines, a slash and a time, such as \"100/s\" or \
                 \"5/10m\""
            )
        };
        for text in [
            "100", "100 / s", "/s", "x/s", "-1/s", "1/", "1/d", "1.5/s", "1/1.5s", "1/s/s",
        ] {
            assert_eq!(limit(text, None), Err(form(text)));
        }
        for text in ["0/s", "1000000001/s", "99999999999999999999999/s"] {
            let refusal = "is out of range; it must be between 1 and 1000000000 lines";
            assert_eq!(limit(text, None), Err(format!("`{text}` {refusal}")));
        }
        for text in ["1/0s", "1/25h", "1/99999999999999999999h"] {
            let refusal = "is out of range; the time must be between 1ms and 24h";
            assert_eq!(limit(text, None), Err(format!("`{text}` {refusal}")));
        }
    }

    #[test]
    fn a_burst_must_fit_the_rate() {
        for (rate, burst, refusal) in [
            (
                "1/s",
                0,
                "0 is out of range; it must be between 1 and 1000000000 lines",
            ),
            (
                "10000/s",
                9,
                "9 is too small for the rate 10000/s; at least 10 are needed, the lines of a millisecond",
            ),
            (
                "1/h",
                25,
                "25 is too large for the rate 1/h; at most 24 are allowed, the lines of a day",
            ),
        ] {
            let refusal = format!("`burst`: {refusal}");
            assert_eq!(limit(rate, Some(burst)), Err(refusal));
        }
        for (rate, burst) in [("10000/s", 10), ("1/h", 24)] {
            assert!(limit(rate, Some(burst)).is_ok());
        }
    }
}
