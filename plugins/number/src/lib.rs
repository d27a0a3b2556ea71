//! Puts a number in front of each line. It counts, so it keeps state: a connection has numbers of
//! its own, which prove that no line of it was lost, doubled or put out of order.

use linemill_sdk::{Error, Filter, Output, export};
use serde::Deserialize;

/// The next line's number, in decimal digits: counting in text needs no conversion and never
/// overflows.
pub struct Number {
    digits: Vec<u8>,
    separator: String,
}

/// See the README.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    start: u64,
    width: usize,
    separator: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            start: 1,
            width: 0,
            separator: " ".to_owned(),
        }
    }
}

/// More digits than a number of 64 bits has are surely a mistake.
const MOST_DIGITS: usize = 20;

impl Filter for Number {
    type Settings = Settings;
    const KEEPS_STATE: bool = true;

    fn new(
        Settings {
            start,
            width,
            separator,
        }: Settings,
    ) -> Result<Self, Error> {
        if width > MOST_DIGITS {
            return Err(Error::setting(
                "width",
                format!("{width} is more than {MOST_DIGITS}"),
            ));
        }
        Ok(Self {
            digits: format!("{start:0width$}").into_bytes(),
            separator,
        })
    }

    fn line(&mut self, line: &[u8], out: &mut Output) {
        out.push(&self.digits);
        out.push(&self.separator);
        out.emit(line);
        self.advance();
    }
}

export!(Number);

impl Number {
    fn advance(&mut self) {
        for digit in self.digits.iter_mut().rev() {
            if *digit < b'9' {
                *digit += 1;
                return;
            }
            *digit = b'0';
        }
        self.digits.insert(0, b'1');
    }
}

#[cfg(test)]
mod tests {
    use super::Number;
    use linemill_sdk::testing::{json, lines, refusal, run};

    #[test]
    fn counts_from_one() {
        assert_eq!(
            lines::<Number>(json!({}), ["a", "", "c"]),
            ["1 a", "2 ", "3 c"]
        );
    }

    #[test]
    fn goes_on_across_calls_and_digits() {
        let out = lines::<Number>(json!({ "start": 98 }), ["x"; 1000]);
        let expected: Vec<String> = (98..1098).map(|number| format!("{number} x")).collect();
        assert_eq!(out, expected);
        assert!(run::<Number>(json!({}), ["x"]).keeps_state);
    }

    #[test]
    fn width_is_filled_with_zeros() {
        let settings = json!({ "start": 99, "width": 3, "separator": ":\t" });
        assert_eq!(
            lines::<Number>(settings, ["a", "b"]),
            ["099:\ta", "100:\tb"]
        );
    }

    #[test]
    fn the_largest_start_is_not_the_end() {
        let out = lines::<Number>(json!({ "start": u64::MAX }), ["a", "b"]);
        assert_eq!(out, ["18446744073709551615 a", "18446744073709551616 b"]);
    }

    #[test]
    fn refusals_name_the_key() {
        assert_eq!(
            refusal::<Number>(json!({ "width": 21 })),
            "`width`: 21 is more than 20"
        );
        assert_eq!(
            refusal::<Number>(json!({ "start": -1 })),
            "`start`: invalid value: integer `-1`, expected u64",
        );
    }
}
