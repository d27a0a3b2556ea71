//! JSON as the host sends it → the filter's settings, or an error that names the key.
//!
//! A key that nothing reads is refused, whether or not the type says `deny_unknown_fields`: a
//! mistyped key in a configuration must never be silently without effect.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::Error;

/// The settings of a filter that takes none.
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
pub(crate) fn read<S: DeserializeOwned>(json: &[u8]) -> Result<S, Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(&mut deserializer, &mut track);
    let mut unread = None;
    let settings = serde_ignored::deserialize(tracked, |path| {
        unread.get_or_insert_with(|| path.to_string());
    });
    match settings {
        Err(error) => Err(refusal(&track.path().to_string(), &error.to_string())),
        Ok(_) if let Some(key) = unread => Err(Error::new(format!(
            "unknown key `{key}`; nothing in this filter reads it"
        ))),
        Ok(settings) => {
            deserializer.end()?;
            Ok(settings)
        }
    }
}

/// Puts serde's words into those of a configuration: keys, not fields, and no positions in a JSON
/// text that its author never saw.
fn refusal(path: &str, error: &str) -> Error {
    let problem = match error.rfind(" at line ") {
        Some(end) => &error[..end],
        None => error,
    };
    let problem = problem
        .replace("unknown field", "unknown key")
        .replace("missing field", "missing key")
        .replace(", there are no fields", "; this filter takes no settings");
    // For an unknown key serde's path ends in the key itself, which the text already names.
    let parent = if problem.starts_with("unknown key") {
        path.rsplit_once('.').map_or("", |(p, _)| p)
    } else {
        path
    };
    if parent.is_empty() || parent == "." {
        Error::new(problem)
    } else {
        Error::setting(parent, problem)
    }
}
