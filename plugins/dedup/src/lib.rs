//! Drops a line that is equal to one of the last N different lines.

mod about;
mod window;

use linemill_sdk::{Error, Filter, Handover, Output, export};
use serde::Deserialize;
use window::Window;
use xxhash_rust::xxh3::xxh3_128;

/// Remembers lines by a 128-bit hash, so that memory does not depend on their length.
pub struct Dedup {
    window: Window,
}

/// The settings. The README describes each key.
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

/// The largest window. An instance with this many lines takes 11 MiB (measured), which fits into
/// the default 16 MiB of an instance. Their hashes fit into the 1 MiB that can be handed over.
const MAX_WINDOW: usize = 50_000;

impl Filter for Dedup {
    type Settings = Settings;
    const KEEPS_STATE: bool = true;

    fn new(settings: Settings) -> Result<Self, Error> {
        match settings.window {
            window @ 1..=MAX_WINDOW => Ok(Self {
                window: Window::new(window),
            }),
            window => Err(Error::setting(
                "window",
                format!("{window} is out of range; it must be between 1 and {MAX_WINDOW} lines"),
            )),
        }
    }

    fn line(&mut self, line: &[u8], out: &mut Output) {
        if self.window.insert(xxh3_128(line)) {
            out.emit(line);
        }
    }
}

/// The state consists of the hashes in the window, oldest first, 16 bytes each, little-endian. A
/// window that has become smaller forgets the oldest.
impl Handover for Dedup {
    const TAG: &'static str = "dedup/1";

    fn save(&self) -> Result<Vec<u8>, Error> {
        let mut state = Vec::with_capacity(self.window.len() * HASH);
        for hash in self.window.oldest_first() {
            state.extend(hash.to_le_bytes());
        }
        Ok(state)
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), Error> {
        let (hashes, rest) = state.as_chunks::<HASH>();
        if !rest.is_empty() {
            return Err(Error::new(format!(
                "the state has {} bytes, which is not a multiple of {HASH}",
                state.len()
            )));
        }
        for hash in hashes {
            self.window.insert(u128::from_le_bytes(*hash));
        }
        Ok(())
    }
}

export!(Dedup: Handover, About);

/// The size of a hash in bytes.
const HASH: usize = 16;

#[cfg(test)]
mod tests {
    use super::Dedup;
    use linemill_sdk::testing::{handed_over, json, lines, refusal, refused_state, run};

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
    fn a_line_passes_again_after_enough_others() {
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
                format!("`window`: {window} is out of range; it must be between 1 and 50000 lines"),
            );
        }
    }

    #[test]
    fn the_window_continues_in_another_instance() {
        let hundred = json!({ "window": 100 });
        let before: Vec<String> = (0..500).map(|n| (n * 7 % 130).to_string()).collect();
        let after: Vec<String> = (0..300).map(|n| (n % 150).to_string()).collect();
        handed_over::<Dedup>(hundred.clone(), &before, hundred.clone(), &after);
        handed_over::<Dedup>(hundred.clone(), &before[..3], hundred.clone(), &after);
        handed_over::<Dedup>(hundred.clone(), [""; 0], hundred, &after);
    }

    #[test]
    fn a_smaller_window_keeps_the_latest_and_a_larger_one_all() {
        let (two, three) = (json!({ "window": 2 }), json!({ "window": 3 }));
        let before = ["a", "b", "c", "a"];
        let smaller = handed_over::<Dedup>(three.clone(), before, two.clone(), ["c", "a", "b"]);
        assert_eq!(smaller, ["b"], "c and a came last");
        let larger = handed_over::<Dedup>(two, before, three, ["x", "c", "a", "b"]);
        assert_eq!(larger, ["x", "b"], "c and a are known, and x fits too");
    }

    #[test]
    fn the_largest_window_can_be_handed_over() {
        let largest = json!({ "window": 50_000 });
        let before: Vec<String> = (0..50_000).map(|n| n.to_string()).collect();
        let out = handed_over::<Dedup>(largest.clone(), before, largest, ["0", "new", "49999"]);
        assert_eq!(out, ["new"]);
    }

    #[test]
    fn a_state_that_is_not_a_list_of_hashes_is_refused() {
        assert_eq!(
            refused_state::<Dedup>("dedup/1", [0; 17]),
            "the state has 17 bytes, which is not a multiple of 16"
        );
    }
}
