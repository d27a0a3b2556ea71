//! Sizes and times as written: a whole number and a unit.
//!
//! In: text such as `16KiB` or `500ms`. Out: bytes or milliseconds, and back. Not here: which sizes
//! and times a key accepts.

use std::time::Duration;

/// A kind of quantity and its units.
pub(super) struct Quantity {
    /// What it is called in a message.
    pub(super) noun: &'static str,
    /// A valid example, for hints.
    pub(super) example: &'static str,
    /// The unit that a bare number most likely meant.
    bare: &'static str,
    /// Ascending.
    units: &'static [Unit],
}

/// A unit, what it stands for, and what people write instead.
struct Unit {
    name: &'static str,
    factor: u64,
    slips: &'static [&'static str],
}

/// Sizes, in bytes.
pub(super) const SIZE: Quantity = Quantity {
    noun: "size",
    example: "16KiB",
    bare: "B",
    units: &[
        Unit {
            name: "B",
            factor: 1,
            slips: &["b", "byte", "bytes"],
        },
        Unit {
            name: "KiB",
            factor: 1 << 10,
            slips: &["k", "kb", "kib"],
        },
        Unit {
            name: "MiB",
            factor: 1 << 20,
            slips: &["m", "mb", "mib"],
        },
        Unit {
            name: "GiB",
            factor: 1 << 30,
            slips: &["g", "gb", "gib"],
        },
    ],
};

/// Times, in milliseconds.
pub(super) const TIME: Quantity = Quantity {
    noun: "time",
    example: "30s",
    bare: "s",
    units: &[
        Unit {
            name: "ms",
            factor: 1,
            slips: &["ms", "msec", "millis", "milliseconds"],
        },
        Unit {
            name: "s",
            factor: 1000,
            slips: &["s", "sec", "secs", "second", "seconds"],
        },
        Unit {
            name: "m",
            factor: 60_000,
            slips: &["m", "min", "mins", "minute", "minutes"],
        },
        Unit {
            name: "h",
            factor: 3_600_000,
            slips: &["h", "hr", "hour", "hours"],
        },
    ],
};

impl Quantity {
    /// The regular expression that a quantity as written matches.
    pub(super) fn pattern(&self) -> String {
        let units: Vec<_> = self.units.iter().map(|unit| unit.name).collect();
        format!("^[0-9]+({})$", units.join("|"))
    }

    /// Reads a whole number directly followed by a unit. Numbers beyond 64 bits saturate, so that a
    /// range check can report them.
    pub(super) fn read(&self, text: &str) -> Option<u64> {
        let (number, unit) = split(text)?;
        let unit = self.units.iter().find(|known| known.name == unit)?;
        Some(number.saturating_mul(unit.factor))
    }

    /// Writes the value with the largest unit that results in a whole number. Reading it again
    /// results in the same value.
    pub(super) fn show(&self, value: u64) -> String {
        let whole = |unit: &&Unit| {
            value.is_multiple_of(unit.factor) && (value > 0 || unit.name == self.bare)
        };
        match self.units.iter().rev().find(whole) {
            Some(unit) => format!("{}{}", value / unit.factor, unit.name),
            None => format!("{value}{}", self.units[0].name),
        }
    }

    /// What an invalid text most likely meant, if that is clear.
    pub(super) fn meant(&self, text: &str) -> Option<String> {
        let (number, unit) = split(text.trim())?;
        let unit = unit.trim().to_lowercase();
        if unit.is_empty() {
            let bare = format!("{number}{}", self.bare);
            return self.read(&bare).map(|value| self.show(value));
        }
        let unit = self
            .units
            .iter()
            .find(|known| known.slips.contains(&unit.as_str()))?;
        Some(format!("{number}{}", unit.name))
    }

    /// The units, as a message lists them.
    pub(super) fn names(&self) -> String {
        let names: Vec<&str> = self.units.iter().map(|unit| unit.name).collect();
        let (last, first) = names
            .split_last()
            .map_or(("", &[][..]), |(last, first)| (*last, first));
        format!("{} or {last}", first.join(", "))
    }
}

/// The leading digits as a number, and the rest; `None` without digits.
fn split(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    (digits > 0).then(|| (number.parse().unwrap_or(u64::MAX), rest))
}

/// Writes a time as a configuration would.
pub(super) fn show_time(time: Duration) -> String {
    TIME.show(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_each_unit() {
        let sizes = [
            ("0B", 0),
            ("1KiB", 1024),
            ("16MiB", 16 << 20),
            ("4GiB", 4 << 30),
            ("007B", 7),
        ];
        for (text, value) in sizes {
            assert_eq!(SIZE.read(text), Some(value), "{text}");
        }
        for (text, value) in [("1ms", 1), ("2s", 2000), ("3m", 180_000), ("1h", 3_600_000)] {
            assert_eq!(TIME.read(text), Some(value), "{text}");
        }
        assert_eq!(SIZE.read("99999999999999999999GiB"), Some(u64::MAX));
    }

    #[test]
    fn refuses_what_is_nearly_right() {
        for text in [
            "", "16", "KiB", "16 KiB", "16KB", "16kib", "1.5MiB", "-1B", "+1B", " 1B", "1B ", "١B",
            "1s",
        ] {
            assert_eq!(SIZE.read(text), None, "{text:?}");
        }
    }

    #[test]
    fn knows_what_was_meant() {
        for (text, meant) in [
            ("16 KB", "16KiB"),
            ("16384", "16KiB"),
            ("4m", "4MiB"),
            ("7 bytes", "7B"),
        ] {
            assert_eq!(SIZE.meant(text).as_deref(), Some(meant), "{text}");
        }
        for (text, meant) in [
            ("90", "90s"),
            ("60", "1m"),
            ("5 min", "5m"),
            ("10MS", "10ms"),
        ] {
            assert_eq!(TIME.meant(text).as_deref(), Some(meant), "{text}");
        }
        assert_eq!(SIZE.meant("big"), None);
        assert_eq!(SIZE.meant("1.5MiB"), None);
    }

    #[test]
    fn names_are_a_sentence() {
        assert_eq!(SIZE.names(), "B, KiB, MiB or GiB");
    }

    proptest! {
        #[test]
        fn shown_reads_back(value: u64) {
            prop_assert_eq!(SIZE.read(&SIZE.show(value)), Some(value));
            prop_assert_eq!(TIME.read(&TIME.show(value)), Some(value));
        }

        #[test]
        fn what_was_meant_reads(text in "[0-9]{1,4} ?[A-Za-z]{0,4}") {
            for quantity in [SIZE, TIME] {
                if let Some(meant) = quantity.meant(&text) {
                    prop_assert!(quantity.read(&meant).is_some(), "{} -> {}", text, meant);
                }
            }
        }
    }
}
