//! Reads a filter's settings.
//!
//! In: a JSON object, as the host sends it. Out: settings of the filter's type, or an error that
//! names the key. Not here: checks of the values, which [`Filter::new`](crate::Filter::new) makes.
//!
//! Unknown keys are refused whether or not the type has `deny_unknown_fields`: a mistyped key in a
//! configuration must never be ignored silently.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::Error;

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
            "unknown key `{key}`; this filter does not use it"
        ))),
        Ok(settings) => {
            deserializer.end()?;
            Ok(settings)
        }
    }
}

/// Translates serde's message into the terms of a configuration: keys instead of fields, and no
/// positions in a JSON text that the configuration's author never saw.
fn refusal(path: &str, error: &str) -> Error {
    let message = match error.rfind(" at line ") {
        Some(end) => &error[..end],
        None => error,
    };
    let problem = message
        .replace("unknown field", "unknown key")
        .replace("missing field", "missing key")
        .replace(", there are no fields", "; this filter takes no settings");
    // For an unknown key, serde's path ends in the key itself, which the message already names.
    let parent = if problem.starts_with("unknown key") {
        path.rsplit_once('.').map_or("", |(parent, _)| parent)
    } else {
        path
    };
    if parent.is_empty() || parent == "." {
        Error::new(problem)
    } else {
        Error::setting(parent, problem)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::{NoSettings, read};

    #[derive(Debug, Deserialize, PartialEq)]
    struct Lax {
        width: u8,
        #[serde(default)]
        inner: BTreeMap<String, Inner>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        word: String,
    }

    fn refused(json: &str) -> String {
        read::<Lax>(json.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn settings_are_read() {
        let lax = read::<Lax>(br#"{"inner":{"a":{"word":"x"}},"width":3}"#).unwrap();
        assert_eq!((lax.width, &*lax.inner["a"].word), (3, "x"));
        assert_eq!(read::<NoSettings>(b"{}").unwrap(), NoSettings);
    }

    #[test]
    fn an_unknown_key_is_refused_even_if_the_type_allows_it() {
        assert_eq!(
            refused(r#"{"width":3,"heigth":4}"#),
            "unknown key `heigth`; this filter does not use it",
        );
        assert_eq!(
            refused(r#"{"width":3,"inner":{"a":{"word":"","x":1}}}"#),
            "`inner.a`: unknown key `x`, expected `word`",
        );
        assert_eq!(
            read::<NoSettings>(br#"{"x":1}"#).unwrap_err().to_string(),
            "unknown key `x`; this filter takes no settings",
        );
    }

    #[test]
    fn a_refusal_names_the_key_but_no_position_in_the_json() {
        assert_eq!(refused("{}"), "missing key `width`");
        assert_eq!(
            refused(r#"{"width":300}"#),
            "`width`: invalid value: integer `300`, expected u8",
        );
        assert_eq!(
            refused(r#"{"width":3,"inner":{"a":{"word":[1]}}}"#),
            "`inner.a.word`: invalid type: sequence, expected a string",
        );
        assert_eq!(
            refused(r#"{"width":3,"inner":{"a":{}}}"#),
            "`inner.a`: missing key `word`"
        );
    }

    #[test]
    fn settings_that_are_not_an_object_are_refused() {
        assert_eq!(
            refused("[]"),
            "invalid length 0, expected struct Lax with 2 elements"
        );
        assert_eq!(
            refused(r#"{"width":3} x"#),
            "trailing characters at line 1 column 13"
        );
    }
}
