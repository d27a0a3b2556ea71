//! A line that says how many others were dropped.
//!
//! In: the setting `count_line`, then a count and a line. Out: a line for the stream. Not here: counting.

use std::ops::Range;

use linemill_sdk::{Error, Output};

/// A text in which `{count}` stands for a number, and `{line}` for a line, if the filter has one to show.
pub struct CountLine {
    text: String,
    /// The placeholders, ascending.
    places: Vec<(Range<usize>, Place)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Count,
    Line,
}

/// How many bytes of a line are shown.
pub const MAX_SHOWN: usize = 256;
/// The longest text, in bytes.
const MAX_TEXT: usize = 1024;

impl CountLine {
    /// Reads the setting `count_line`. `with_line` says whether `{line}` can be shown.
    ///
    /// # Errors
    /// The text does not show the count, or cannot be a line.
    pub fn new(text: String, with_line: bool) -> Result<Self, Error> {
        let refused = |problem: &str| Err(Error::setting("count_line", problem));
        if text.contains(['\n', '\r', '\0']) {
            return refused(
                "it contains a character that may end a line (line feed, carriage return or NUL); remove it",
            );
        }
        if text.len() > MAX_TEXT {
            return refused(&format!(
                "it has {} bytes; at most {MAX_TEXT} are allowed",
                text.len()
            ));
        }
        let known = [("{count}", Place::Count), ("{line}", Place::Line)];
        let mut places: Vec<_> = known
            .iter()
            .flat_map(|(name, place)| {
                let found = text.match_indices(name);
                found.map(|(at, name)| (at..at + name.len(), *place))
            })
            .collect();
        places.sort_by_key(|(range, _)| range.start);
        let has = |wanted| places.iter().any(|(_, place)| *place == wanted);
        if !has(Place::Count) {
            return refused(
                "it does not say how many; write {count} where the number belongs, such as \
                 \"last message repeated {count} times\"",
            );
        }
        if has(Place::Line) && !with_line {
            return refused(
                "it counts different lines together, so {line} has no meaning; remove it",
            );
        }
        Ok(Self { text, places })
    }

    /// Whether the text shows the line.
    pub fn shows_line(&self) -> bool {
        self.places.iter().any(|(_, place)| *place == Place::Line)
    }

    /// Emits the text with a count and at most [`MAX_SHOWN`] bytes of a line.
    pub fn emit(&self, count: u64, line: &[u8], out: &mut Output<'_>) {
        let mut written = 0;
        for (range, place) in &self.places {
            out.push(&self.text[written..range.start]);
            match place {
                Place::Count => write!(out, "{count}"),
                Place::Line => out.push(shown(line)),
            }
            written = range.end;
        }
        out.emit(&self.text[written..]);
    }
}

/// The part of a line that is shown: at most [`MAX_SHOWN`] bytes, without a part of a character at the end.
pub fn shown(line: &[u8]) -> &[u8] {
    let Some(cut) = line.get(..MAX_SHOWN).filter(|cut| cut.len() < line.len()) else {
        return line;
    };
    // The first byte of a character is at most three bytes before the cut, if this is UTF-8.
    let inside = |at: usize| line[at] & 0b1100_0000 == 0b1000_0000;
    let end = (MAX_SHOWN - 3..=MAX_SHOWN).rfind(|&end| !inside(end));
    &cut[..end.unwrap_or(MAX_SHOWN)]
}

#[cfg(test)]
mod tests {
    use super::CountLine;
    use linemill_sdk::testing::{self, json};
    use linemill_sdk::{Error, Filter, Output};
    use serde::Deserialize;

    /// Emits a count line for each line: its length, and itself.
    struct Lengths(CountLine);

    #[derive(Deserialize)]
    struct Settings {
        count_line: String,
        #[serde(default)]
        counts_only: bool,
    }

    impl Filter for Lengths {
        type Settings = Settings;

        fn new(settings: Settings) -> Result<Self, Error> {
            CountLine::new(settings.count_line, !settings.counts_only).map(Self)
        }

        fn line(&mut self, line: &[u8], out: &mut Output) {
            self.0.emit(line.len() as u64, line, out);
        }
    }

    #[test]
    fn placeholders_are_replaced_and_all_else_is_text() {
        for (text, out) in [
            ("{count}", "2"),
            ("{count} times {line}", "2 times ab"),
            ("{line}{count}{line}{}", "ab2ab{}"),
            ("{{count}} { count }", "{2} { count }"),
            ("ä{count}", "ä2"),
        ] {
            let settings = json!({ "count_line": text });
            assert_eq!(testing::lines::<Lengths>(settings, ["ab"]), [out]);
        }
    }

    #[test]
    fn a_placeholder_in_a_line_is_text() {
        let settings = json!({ "count_line": "{count} {line}" });
        assert_eq!(
            testing::lines::<Lengths>(settings, ["{count}"]),
            ["7 {count}"]
        );
    }

    #[test]
    fn a_long_line_is_cut() {
        let settings = json!({ "count_line": "{count} {line}" });
        let out = testing::lines::<Lengths>(settings, ["x".repeat(300)]);
        assert_eq!(out, [format!("300 {}", "x".repeat(256))]);
        for (line, shown) in [
            ("x".repeat(256), 256),
            ("x".repeat(257), 256),
            ("x".repeat(255) + "ä", 255),
            ("x".repeat(254) + "ä!", 256),
            ("x".repeat(253) + "😀", 253),
            ("x".repeat(252) + "😀!", 256),
        ] {
            assert_eq!(super::shown(line.as_bytes()).len(), shown);
        }
        assert_eq!(super::shown(&[0x80; 300]).len(), 256, "not UTF-8");
    }

    #[test]
    fn refusals_say_what_to_write() {
        let refusal = |settings| testing::refusal::<Lengths>(settings);
        assert_eq!(
            refusal(json!({ "count_line": "repeated" })),
            "`count_line`: it does not say how many; write {count} where the number belongs, such as \
             \"last message repeated {count} times\""
        );
        assert_eq!(
            refusal(json!({ "count_line": "{count}\n" })),
            "`count_line`: it contains a character that may end a line (line feed, carriage return or NUL); \
             remove it"
        );
        assert_eq!(
            refusal(json!({ "count_line": "{count} {line}", "counts_only": true })),
            "`count_line`: it counts different lines together, so {line} has no meaning; remove it"
        );
        assert_eq!(
            refusal(json!({ "count_line": "x".repeat(1025) })),
            "`count_line`: it has 1025 bytes; at most 1024 are allowed"
        );
    }
}
