//! Passes one line in N, either by counting lines or by their content.

mod about;

use linemill_sdk::{Error, Filter, Handover, Output, export};
use serde::Deserialize;
use xxhash_rust::xxh3::xxh3_64;

/// Passes the first of every `one_in` lines, or one in `one_in` of all possible lines.
pub struct Sample {
    by: By,
    one_in: u64,
    /// With `By::Count`: how many lines to drop before the next one passes.
    skip: u64,
}

/// The settings. The README describes each key.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    one_in: u64,
    by: By,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            one_in: 10,
            by: By::Count,
        }
    }
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum By {
    Count,
    Content,
}

impl Filter for Sample {
    type Settings = Settings;

    fn new(Settings { one_in, by }: Settings) -> Result<Self, Error> {
        if one_in == 0 {
            return Err(Error::setting(
                "one_in",
                "must be at least 1; 1 passes every line",
            ));
        }
        Ok(Self {
            by,
            one_in,
            skip: 0,
        })
    }

    fn keeps_state(&self) -> bool {
        self.by == By::Count
    }

    fn line(&mut self, line: &[u8], out: &mut Output) {
        let chosen = match self.by {
            By::Count => {
                let first = self.skip == 0;
                self.skip = if first { self.one_in } else { self.skip } - 1;
                first
            }
            By::Content => xxh3_64(line).is_multiple_of(self.one_in),
        };
        if chosen {
            out.emit(line);
        }
    }
}

/// The state is the number of lines since the last one that passed, including that one. A new
/// `one_in` continues counting from there.
impl Handover for Sample {
    const TAG: &'static str = "sample/1";

    fn save(&self) -> Result<Vec<u8>, Error> {
        Ok((self.one_in - self.skip).to_string().into_bytes())
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), Error> {
        let lines: u64 = std::str::from_utf8(state)?.parse()?;
        self.skip = self.one_in.saturating_sub(lines);
        Ok(())
    }
}

export!(Sample: Handover, About);

#[cfg(test)]
mod tests {
    use super::Sample;
    use linemill_sdk::testing::{handed_over, json, lines, refusal, refused_state, run};

    fn numbers(count: usize) -> Vec<String> {
        (0..count).map(|number| number.to_string()).collect()
    }

    #[test]
    fn by_count_passes_the_first_of_every_ten() {
        let out = lines::<Sample>(json!({}), numbers(35));
        assert_eq!(out, ["0", "10", "20", "30"]);
        assert!(run::<Sample>(json!({}), ["a"]).keeps_state);
    }

    #[test]
    fn one_in_one_is_every_line() {
        for by in ["count", "content"] {
            let out = lines::<Sample>(json!({ "one_in": 1, "by": by }), numbers(20));
            assert_eq!(out, numbers(20), "{by}");
        }
    }

    #[test]
    fn by_content_is_consistent_per_line_and_right_on_average() {
        let settings = json!({ "one_in": 8, "by": "content" });
        let once = lines::<Sample>(settings.clone(), numbers(8000));
        assert!((900..1100).contains(&once.len()), "{} of 8000", once.len());
        let mut backwards = numbers(8000);
        backwards.reverse();
        let mut again = lines::<Sample>(settings.clone(), backwards);
        again.reverse();
        assert_eq!(once, again, "independent of the order");
        assert!(!run::<Sample>(settings, ["a"]).keeps_state);
    }

    #[test]
    fn refusals_name_the_key() {
        assert_eq!(
            refusal::<Sample>(json!({ "one_in": 0 })),
            "`one_in`: must be at least 1; 1 passes every line",
        );
        assert_eq!(
            refusal::<Sample>(json!({ "by": "time" })),
            r#"`by`: must be `count` or `content`; found the text "time""#,
        );
    }

    #[test]
    fn the_count_continues_in_another_instance() {
        let (tenth, third, hundredth) =
            (json!({}), json!({ "one_in": 3 }), json!({ "one_in": 100 }));
        for before in [1, 2, 9, 10, 11, 20] {
            handed_over::<Sample>(tenth.clone(), numbers(before), tenth.clone(), numbers(30));
        }
        let on_time = handed_over::<Sample>(tenth.clone(), numbers(2), third.clone(), numbers(5));
        assert_eq!(on_time, ["1", "4"], "the third since the last that passed");
        let overdue = handed_over::<Sample>(tenth.clone(), numbers(7), third, numbers(2));
        assert_eq!(overdue, ["0"]);
        let later = handed_over::<Sample>(tenth, numbers(10), hundredth, numbers(100));
        assert_eq!(later, ["90"]);
        assert!(refused_state::<Sample>("sample/1", "many").contains("digit"));
    }
}
