//! Passes one line in N, either by counting lines or by their content or key.

mod about;
#[cfg(test)]
mod tests;

use linemill_sdk::{Error, Filter, Handover, Output, export};
use serde::Deserialize;
use thinning::{Fields, Key};
use xxhash_rust::xxh3::xxh3_64;

/// Passes the first of every `one_in` lines, or one in `one_in` of all possible lines or keys.
pub struct Sample {
    by: By,
    /// With `By::Content`: the part that is decided by.
    key: Option<Key>,
    one_in: u64,
    /// With `By::Count`: how many lines to drop before the next one passes.
    skip: u64,
}

/// The settings. The README describes each key.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    one_in: u64,
    by: Option<By>,
    key: Option<String>,
    field: Option<Fields>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            one_in: 10,
            by: None,
            key: None,
            field: None,
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

    fn new(settings: Settings) -> Result<Self, Error> {
        let Settings {
            one_in,
            by,
            key,
            field,
        } = settings;
        if one_in == 0 {
            return Err(Error::setting(
                "one_in",
                "must be at least 1; 1 passes every line",
            ));
        }
        let key = Key::new(key.as_deref(), field.as_ref())?;
        let by = match by {
            Some(By::Count) if key.is_some() => {
                return Err(Error::setting(
                    "by",
                    "lines are not counted by key; with `key` or `field`, write \"content\" or leave `by` out",
                ));
            }
            None if key.is_some() => By::Content,
            by => by.unwrap_or(By::Count),
        };
        Ok(Self {
            by,
            key,
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
            By::Content => {
                let key = self.key.as_mut().and_then(|key| key.of(line));
                xxh3_64(key.unwrap_or(line)).is_multiple_of(self.one_in)
            }
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
