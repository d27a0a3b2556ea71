//! Drops a line that is among the last so many different lines.

mod window;

use linemill_sdk::{Error, Filter, Output, export};
use serde::Deserialize;
use window::Window;
use xxhash_rust::xxh3::xxh3_128;

/// Remembers lines by a hash of 128 bits, so that its memory does not depend on their length.
pub struct Dedup {
    window: Window,
}

/// See the README.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    window: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { window: 1000 }
    }
}

/// An instance with this many takes 11 MiB (measured), which leaves room in the 16 MiB that an instance has by default.
const WIDEST: usize = 50_000;

impl Filter for Dedup {
    type Settings = Settings;
    const KEEPS_STATE: bool = true;

    fn new(settings: Settings) -> Result<Self, Error> {
        match settings.window {
            window @ 1..=WIDEST => Ok(Self {
                window: Window::new(window),
            }),
            window => Err(Error::setting(
                "window",
                format!("{window} is not between 1 and {WIDEST} different lines"),
            )),
        }
    }

    fn line(&mut self, line: &[u8], out: &mut Output) {
        if self.window.see(xxh3_128(line)) {
            out.emit(line);
        }
    }
}

export!(Dedup);

#[cfg(test)]
mod tests {
    use super::Dedup;
    use linemill_sdk::testing::{json, lines, refusal, run};

    #[test]
    fn drops_repeats() {
        assert_eq!(
            lines::<Dedup>(json!({}), ["a", "b", "a", "", "b", "", "c"]),
            ["a", "b", "", "c"]
        );
        assert!(run::<Dedup>(json!({}), ["a"]).keeps_state);
    }

    #[test]
    fn a_window_of_one_is_uniq() {
        let out = lines::<Dedup>(json!({ "window": 1 }), ["a", "a", "b", "b", "a", "a"]);
        assert_eq!(out, ["a", "b", "a"]);
    }

    #[test]
    fn a_line_comes_again_after_enough_others() {
        let input: Vec<String> = (0..=1000).chain([1, 0, 0]).map(|n| n.to_string()).collect();
        let out = lines::<Dedup>(json!({}), &input);
        assert_eq!(out.len(), 1002, "1 is among the last 1,000, 0 is not");
        assert_eq!(out[1001], "0");
    }

    #[test]
    fn refusals_name_the_key() {
        for window in [0, 50_001] {
            assert_eq!(
                refusal::<Dedup>(json!({ "window": window })),
                format!("`window`: {window} is not between 1 and 50000 different lines"),
            );
        }
    }
}
