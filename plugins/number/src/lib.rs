//! Prefixes each line with a sequence number. It keeps state: each connection is numbered
//! separately, so the numbers prove that none of its lines was lost, duplicated or reordered.

mod about;

use linemill_sdk::{Error, Filter, Handover, LineText, Output, export};
use serde::Deserialize;

/// Prefixes lines with numbers. It counts in decimal text, which needs no conversion and never
/// overflows.
pub struct Number {
    /// The number of the next line, with at least `width` digits.
    digits: Vec<u8>,
    width: usize,
    separator: LineText,
}

/// The settings. The README describes each key.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    start: u64,
    width: usize,
    separator: LineText,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            start: 1,
            width: 0,
            separator: LineText::from_static(" "),
        }
    }
}

/// The largest width. A 64-bit number has at most 20 digits, so a larger one is surely a mistake.
const MAX_WIDTH: usize = 20;

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
        if width > MAX_WIDTH {
            return Err(Error::setting(
                "width",
                format!("{width} is too large; at most {MAX_WIDTH} digits are allowed"),
            ));
        }
        Ok(Self {
            digits: format!("{start:0width$}").into_bytes(),
            width,
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

/// The state is the next number, in decimal digits. A new `start` does not apply to a stream that
/// has begun; a new `width` applies from the next line on.
impl Handover for Number {
    const TAG: &'static str = "number/1";

    fn save(&self) -> Result<Vec<u8>, Error> {
        Ok(self.digits.clone())
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), Error> {
        if state.is_empty() || !state.iter().all(u8::is_ascii_digit) {
            return Err(Error::new("the state is not a number in decimal digits"));
        }
        let zeros = state.iter().take_while(|&&digit| digit == b'0').count();
        let digits = &state[zeros.min(state.len() - 1)..];
        self.digits = vec![b'0'; self.width.saturating_sub(digits.len())];
        self.digits.extend(digits);
        Ok(())
    }
}

export!(Number: Handover, About);

impl Number {
    /// Adds 1 to the number.
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
    use linemill_sdk::testing::{handed_over, json, lines, refusal, refused_state, run};

    #[test]
    fn counts_from_one() {
        assert_eq!(
            lines::<Number>(json!({}), ["a", "", "c"]),
            ["1 a", "2 ", "3 c"]
        );
    }

    #[test]
    fn continues_across_calls_and_digits() {
        let out = lines::<Number>(json!({ "start": 98 }), ["x"; 1000]);
        let expected: Vec<String> = (98..1098).map(|number| format!("{number} x")).collect();
        assert_eq!(out, expected);
        assert!(run::<Number>(json!({}), ["x"]).keeps_state);
    }

    #[test]
    fn width_is_padded_with_zeros() {
        let settings = json!({ "start": 99, "width": 3, "separator": ":\t" });
        assert_eq!(
            lines::<Number>(settings, ["a", "b"]),
            ["099:\ta", "100:\tb"]
        );
    }

    #[test]
    fn numbers_may_exceed_64_bits() {
        let out = lines::<Number>(json!({ "start": u64::MAX }), ["a", "b"]);
        assert_eq!(out, ["18446744073709551615 a", "18446744073709551616 b"]);
    }

    #[test]
    fn refusals_name_the_key() {
        assert_eq!(
            refusal::<Number>(json!({ "width": 21 })),
            "`width`: 21 is too large; at most 20 digits are allowed"
        );
        assert_eq!(
            refusal::<Number>(json!({ "start": -1 })),
            "`start`: must be a whole number from 0 to 18446744073709551615; found the number -1",
        );
        assert_eq!(
            refusal::<Number>(json!({ "separator": "a\nb" })),
            r#"`separator`: must not contain a line feed (\n), because lines end there; found the text "a\nb""#,
        );
    }

    #[test]
    fn continues_in_another_instance() {
        let after = handed_over::<Number>(json!({}), ["x"; 99], json!({}), ["a", "b"]);
        assert_eq!(after, ["100 a", "101 b"]);
        let none = handed_over::<Number>(json!({}), [""; 0], json!({}), ["a"]);
        assert_eq!(none, ["1 a"]);
    }

    #[test]
    fn a_stream_that_has_begun_takes_a_new_width_but_not_a_new_start() {
        let (wide, narrow) = (
            json!({ "start": 8, "width": 4 }),
            json!({ "start": 500, "width": 2, "separator": "-" }),
        );
        let to_narrow = handed_over::<Number>(wide.clone(), ["x"], narrow.clone(), ["a", "b"]);
        assert_eq!(to_narrow, ["09-a", "10-b"]);
        let to_wide = handed_over::<Number>(narrow, ["x"], wide.clone(), ["a"]);
        assert_eq!(to_wide, ["0501 a"]);
        let zero = handed_over::<Number>(json!({ "start": 0, "width": 3 }), [""; 0], wide, ["a"]);
        assert_eq!(zero, ["0000 a"]);
    }

    #[test]
    fn a_state_that_is_not_a_number_is_refused() {
        for state in ["", "1a", "-1", "1 "] {
            let refused = refused_state::<Number>("number/1", state);
            assert_eq!(refused, "the state is not a number in decimal digits");
        }
        assert_eq!(
            refused_state::<Number>("dedup/1", ""),
            "the state has the format `dedup/1`, but this filter reads only `number/1`"
        );
    }
}
