//! Times and sizes in settings, written as in the rest of a configuration.
//!
//! In: a text such as `500ms` or `16KiB`. Out: a duration or a number of bytes, or an error that says what
//! was probably meant. Not here: which values a setting accepts; [`Filter::new`](crate::Filter::new) checks
//! that.

use std::fmt::{self, Display, Formatter};
use std::marker::PhantomData;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

/// A time: a whole number directly followed by `ms`, `s`, `m` or `h`.
///
/// ```
/// use linemill_sdk::testing::json;
/// use linemill_sdk::units::Time;
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Settings {
///     flush: Time,
/// }
///
/// let settings: Settings = serde_json::from_value(json!({ "flush": "1500ms" })).unwrap();
/// assert_eq!(settings.flush.0.as_millis(), 1500);
/// let error = serde_json::from_value::<Settings>(json!({ "flush": "2 sec" })).err().unwrap();
/// assert_eq!(error.to_string(), "`2 sec` is not a time; did you mean \"2s\"?");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub Duration);

/// A size in bytes: a whole number directly followed by `B`, `KiB`, `MiB` or `GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

/// A unit: its name, its value in the smallest unit, and what people write instead, in lower case.
type Unit = (&'static str, u64, &'static [&'static str]);

/// A kind of quantity.
trait Quantity {
    const NOUN: &'static str;
    const EXAMPLE: &'static str;
    /// The unit that a number without one most likely has.
    const BARE: &'static str;
    /// Ascending.
    const UNITS: &'static [Unit];

    fn new(value: u64) -> Self;
}

impl Quantity for Time {
    const NOUN: &'static str = "time";
    const EXAMPLE: &'static str = "30s";
    const BARE: &'static str = "s";
    const UNITS: &'static [Unit] = &[
        ("ms", 1, &["ms", "msec", "millis", "milliseconds"]),
        ("s", 1000, &["s", "sec", "secs", "second", "seconds"]),
        ("m", 60_000, &["m", "min", "mins", "minute", "minutes"]),
        ("h", 3_600_000, &["h", "hr", "hour", "hours"]),
    ];

    fn new(value: u64) -> Self {
        Self(Duration::from_millis(value))
    }
}

impl Quantity for Size {
    const NOUN: &'static str = "size";
    const EXAMPLE: &'static str = "16KiB";
    const BARE: &'static str = "B";
    const UNITS: &'static [Unit] = &[
        ("B", 1, &["b", "byte", "bytes"]),
        ("KiB", 1 << 10, &["k", "kb", "kib"]),
        ("MiB", 1 << 20, &["m", "mb", "mib"]),
        ("GiB", 1 << 30, &["g", "gb", "gib"]),
    ];

    fn new(value: u64) -> Self {
        Self(value)
    }
}

/// The value of a text; `None` if it is not a number directly followed by a unit. Values beyond 64 bits
/// saturate, so that a check of the range can report them.
fn read<Q: Quantity>(text: &str) -> Option<u64> {
    let (number, name) = split(text)?;
    let (_, factor, _) = Q::UNITS.iter().find(|(known, ..)| *known == name)?;
    Some(number.saturating_mul(*factor))
}

/// A value, written with the largest unit of which it is a whole number.
fn show<Q: Quantity>(f: &mut Formatter<'_>, value: u64) -> fmt::Result {
    let whole = |(name, factor, _): &&Unit| {
        value.is_multiple_of(*factor) && (value > 0 || *name == Q::BARE)
    };
    match Q::UNITS.iter().rev().find(whole) {
        Some((name, factor, _)) => write!(f, "{}{name}", value / factor),
        None => write!(f, "{value}{}", Q::UNITS[0].0),
    }
}

/// Why a text is not a quantity, and what it most likely meant.
fn refusal<Q: Quantity>(text: &str) -> String {
    let noun = Q::NOUN;
    let meant = split(text.trim()).and_then(|(number, unit)| {
        let unit = unit.trim().to_ascii_lowercase();
        if unit.is_empty() {
            return Some(format!("{number}{}", Q::BARE));
        }
        let known = |(_, _, slips): &&Unit| slips.contains(&unit.as_str());
        let (name, ..) = Q::UNITS.iter().find(known)?;
        Some(format!("{number}{name}"))
    });
    match meant {
        Some(meant) => format!("`{text}` is not a {noun}; did you mean \"{meant}\"?"),
        None => format!(
            "`{text}` is not a {noun}; write a whole number and its unit, such as \"{}\"",
            Q::EXAMPLE
        ),
    }
}

/// The leading digits as a number, and the rest; `None` without digits.
fn split(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    (digits > 0).then(|| (number.parse().unwrap_or(u64::MAX), rest))
}

// === impl Time, Size ===

struct Reader<Q>(PhantomData<Q>);

impl<Q: Quantity> Visitor<'_> for Reader<Q> {
    type Value = Q;

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "a {} such as \"{}\"", Q::NOUN, Q::EXAMPLE)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Q, E> {
        match read::<Q>(text) {
            Some(value) => Ok(Q::new(value)),
            None => Err(E::custom(refusal::<Q>(text))),
        }
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Q, E> {
        Err(E::custom(refusal::<Q>(&number.to_string())))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Q, E> {
        Err(E::invalid_type(Unexpected::Signed(number), &self))
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader(PhantomData))
    }
}

impl Display for Time {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        show::<Self>(f, u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX))
    }
}

impl Display for Size {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        show::<Self>(f, self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Size, Time};
    use serde_json::{Value, from_value, json};

    fn time(value: Value) -> Result<u128, String> {
        let time = from_value::<Time>(value).map_err(|error| error.to_string())?;
        Ok(time.0.as_millis())
    }

    fn size(value: Value) -> Result<u64, String> {
        let size = from_value::<Size>(value).map_err(|error| error.to_string())?;
        Ok(size.0)
    }

    #[test]
    fn each_unit_is_read_and_shown() {
        for (text, value) in [("1ms", 1), ("2s", 2000), ("3m", 180_000), ("1h", 3_600_000)] {
            assert_eq!(time(json!(text)), Ok(value));
            assert_eq!(from_value::<Time>(json!(text)).unwrap().to_string(), text);
        }
        for (text, value) in [
            ("7B", 7),
            ("1KiB", 1024),
            ("16MiB", 16 << 20),
            ("4GiB", 4 << 30),
        ] {
            assert_eq!(size(json!(text)), Ok(value));
            assert_eq!(Size(value).to_string(), text);
        }
        assert_eq!(from_value::<Time>(json!("0ms")).unwrap().to_string(), "0s");
        assert_eq!(size(json!("99999999999999999999GiB")), Ok(u64::MAX));
        assert!(time(json!("99999999999999999999h")).is_ok());
    }

    #[test]
    fn a_refusal_says_what_was_meant() {
        let refusals = [
            (
                json!("5 min"),
                "`5 min` is not a time; did you mean \"5m\"?",
            ),
            (
                json!("10MS"),
                "`10MS` is not a time; did you mean \"10ms\"?",
            ),
            (json!(30), "`30` is not a time; did you mean \"30s\"?"),
            (
                json!("soon"),
                "`soon` is not a time; write a whole number and its unit, such as \"30s\"",
            ),
            (
                json!("1.5s"),
                "`1.5s` is not a time; write a whole number and its unit, such as \"30s\"",
            ),
            (
                json!(-1),
                "invalid type: integer `-1`, expected a time such as \"30s\"",
            ),
        ];
        for (value, refusal) in refusals {
            assert_eq!(time(value).unwrap_err(), refusal);
        }
        assert_eq!(
            size(json!("64 kB")).unwrap_err(),
            "`64 kB` is not a size; did you mean \"64KiB\"?"
        );
        assert_eq!(
            size(json!(65536)).unwrap_err(),
            "`65536` is not a size; did you mean \"65536B\"?"
        );
    }
}
