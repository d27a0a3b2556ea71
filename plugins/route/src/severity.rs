//! The severity of syslog messages.
//!
//! In: a range from the settings, such as `<=err`, and the `<PRI>` at the beginning of a line (RFC 5424, 6.2.1;
//! RFC 3164, 4.1.1). Out: whether the severity is in the range.

use std::ops::RangeInclusive;

/// The names of severities by their numbers, with those that syslog daemons also know.
const NAMES: [&[&str]; 8] = [
    &["emerg", "emergency", "panic"],
    &["alert"],
    &["crit", "critical"],
    &["err", "error"],
    &["warning", "warn"],
    &["notice"],
    &["info", "informational"],
    &["debug"],
];

/// Severities, of which 0 is the most urgent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Severities(RangeInclusive<u8>);

impl Severities {
    /// Reads a range: `err` or `3` for one severity, and one with `<=`, `<`, `>=` or `>` before it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (sign, name) = match text.find(|sign| !matches!(sign, '<' | '>' | '=')) {
            Some(at) => text.split_at(at),
            None => (text, ""),
        };
        let known = |number: &usize| {
            name.trim() == number.to_string() || NAMES[*number].contains(&name.trim())
        };
        let range = (0..8usize).find(known).and_then(|number| {
            let number = u8::try_from(number).ok()?;
            Some(match sign {
                "" | "=" | "==" => number..=number,
                "<=" => 0..=number,
                "<" => 0..=number.checked_sub(1)?,
                ">=" => number..=7,
                ">" if number < 7 => number + 1..=7,
                _ => return None,
            })
        });
        range.map(Self).ok_or_else(|| {
            format!(
                "`{text}` is not a severity or a range of them, such as `err`, `3`, or `<=err` for it and all that are \
                 more urgent; there are emerg (0), alert, crit, err, warning, notice, info and debug (7)"
            )
        })
    }

    /// Whether `line` begins with a priority whose severity is one of these.
    pub(crate) fn contains(&self, line: &[u8]) -> bool {
        severity(line).is_some_and(|severity| self.0.contains(&severity))
    }
}

/// The severity in the priority with which `line` begins.
fn severity(line: &[u8]) -> Option<u8> {
    let rest = line.strip_prefix(b"<")?;
    let end = rest.iter().take(4).position(|byte| *byte == b'>')?;
    let digits = &rest[..end];
    let plain = digits == b"0" || !digits.starts_with(b"0");
    if digits.is_empty() || !plain || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let priority = digits.iter().fold(0u16, |priority, digit| {
        priority * 10 + u16::from(digit - b'0')
    });
    // There are 24 facilities of 8 severities.
    (priority < 24 * 8).then_some((priority % 8) as u8)
}

#[cfg(test)]
mod tests {
    use super::{Severities, severity};

    #[test]
    fn priorities_are_read() {
        for (line, expected) in [
            ("<0>x", Some(0)),
            ("<34>1 2026", Some(2)),
            ("<191>", Some(7)),
            ("<192>", None),
            ("<999>", None),
            ("<034>", None),
            ("<>", None),
            ("<3x>", None),
            ("<1234>", None),
            (" <3>", None),
            ("<3", None),
            ("", None),
        ] {
            assert_eq!(severity(line.as_bytes()), expected, "{line}");
        }
    }

    #[test]
    fn ranges_are_read() {
        for (text, expected) in [
            ("err", 3..=3),
            ("=3", 3..=3),
            ("<=3", 0..=3),
            ("<= error", 0..=3),
            ("<warning", 0..=3),
            (">=info", 6..=7),
            (">5", 6..=7),
        ] {
            assert_eq!(Severities::parse(text), Ok(Severities(expected)), "{text}");
        }
        for text in ["", "8", "<0", ">7", "=<3", "loud", "<=", "03"] {
            assert!(Severities::parse(text).is_err(), "{text}");
        }
    }
}
