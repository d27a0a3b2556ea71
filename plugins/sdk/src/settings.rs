//! Reads a filter's settings.
//!
//! In: a JSON object, as the host sends it. Out: settings of the filter's type, or an error that
//! names the key. Not here: checks of the values, which [`Filter::new`](crate::Filter::new) makes.
//!
//! Unknown keys are refused whether or not the type has `deny_unknown_fields`: a mistyped key in a
//! configuration must never be ignored silently.

mod problem;
#[cfg(test)]
mod tests;
mod text;
mod value;

use std::cell::RefCell;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Error;
use value::Setting;

pub use text::LineText;

/// The settings of a filter that takes none: an empty table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoSettings;

impl<'de> Deserialize<'de> for NoSettings {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Empty;
        impl<'de> serde::de::Visitor<'de> for Empty {
            type Value = NoSettings;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an empty table")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<NoSettings, A::Error> {
                match map.next_key::<String>()? {
                    None => Ok(NoSettings),
                    Some(key) => Err(serde::de::Error::unknown_field(&key, &[])),
                }
            }
        }
        deserializer.deserialize_map(Empty)
    }
}

/// Reads settings of type `S` from a JSON object.
pub(crate) fn read<S: DeserializeOwned>(json: Vec<u8>) -> Result<S, Error> {
    let value: Value = serde_json::from_slice(&json)
        .map_err(|error| Error::new(format!("the settings are not valid JSON: {error}")))?;
    // Settings may be as large as a list of patterns.
    drop(json);
    let unread = RefCell::new(None);
    let settings = S::deserialize(Setting::new(value, &unread))?;
    match unread.into_inner() {
        Some(key) => Err(Error::new(format!(
            "unknown key `{key}`; this filter does not use it"
        ))),
        None => Ok(settings),
    }
}
