//! Changes the case of ASCII letters. All other bytes, those of other letters too, stay.

use linemill_sdk::{Error, Filter, Output, export, map_bytes};
use serde::Deserialize;

/// Writes letters as the settings say.
pub struct Case {
    to: To,
    /// A line in title case, made here because each letter depends on the one before.
    titled: Vec<u8>,
}

/// See the README.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    to: To,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum To {
    #[default]
    Lower,
    Upper,
    Swap,
    Title,
}

impl Filter for Case {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self, Error> {
        Ok(Self {
            to: settings.to,
            titled: Vec::new(),
        })
    }

    fn line(&mut self, line: &[u8], out: &mut Output) {
        match self.to {
            To::Lower => out.map(line, lower),
            To::Upper => out.map(line, upper),
            To::Swap => out.map(line, swapped),
            To::Title => {
                title(line, &mut self.titled);
                out.emit(&self.titled);
            }
        }
    }

    fn bytes(&mut self, bytes: &mut [u8]) -> bool {
        match self.to {
            To::Lower => map_bytes(bytes, lower),
            To::Upper => map_bytes(bytes, upper),
            To::Swap => map_bytes(bytes, swapped),
            To::Title => return false,
        }
        true
    }
}

export!(Case);

fn lower(byte: u8) -> u8 {
    byte.to_ascii_lowercase()
}

fn upper(byte: u8) -> u8 {
    byte.to_ascii_uppercase()
}

fn swapped(byte: u8) -> u8 {
    if byte.is_ascii_alphabetic() {
        byte ^ 0x20
    } else {
        byte
    }
}

/// A letter after anything that cannot be inside a word is large, any other small. Bytes outside
/// ASCII and apostrophes are taken to be inside words: `Ünlü's` has no letter to change.
fn title(line: &[u8], titled: &mut Vec<u8>) {
    titled.clear();
    let mut inside = false;
    titled.extend(line.iter().map(|byte| {
        let cased = if inside {
            byte.to_ascii_lowercase()
        } else {
            byte.to_ascii_uppercase()
        };
        inside = byte.is_ascii_alphanumeric() || matches!(byte, b'\'' | 0x80..);
        cased
    }));
}

#[cfg(test)]
mod tests {
    use super::Case;
    use linemill_sdk::testing::{json, lines, refusal};

    #[test]
    fn each_way() {
        let input = ["Hello, wORLD 7x", "ÄÖ äö don't", ""];
        for (to, output) in [
            ("lower", ["hello, world 7x", "ÄÖ äö don't", ""]),
            ("upper", ["HELLO, WORLD 7X", "ÄÖ äö DON'T", ""]),
            ("swap", ["hELLO, World 7X", "ÄÖ äö DON'T", ""]),
            ("title", ["Hello, World 7x", "ÄÖ äö Don't", ""]),
        ] {
            assert_eq!(lines::<Case>(json!({ "to": to }), input), output, "{to}");
        }
    }

    #[test]
    fn only_letters_change() {
        let every: Vec<u8> = (0..=255).collect();
        let swapped = lines::<Case>(json!({ "to": "swap" }), [&every]);
        for (before, after) in every.iter().zip(&swapped[0].0) {
            assert_eq!(before != after, before.is_ascii_alphabetic(), "{before}");
        }
        assert_eq!(
            lines::<Case>(json!({ "to": "swap" }), [&swapped[0].0]),
            [every]
        );
    }

    #[test]
    fn lower_is_the_default() {
        assert_eq!(lines::<Case>(json!({}), ["ABC"]), ["abc"]);
    }

    #[test]
    fn refusals_name_what_there_is() {
        assert_eq!(
            refusal::<Case>(json!({ "to": "camel" })),
            "`to`: unknown variant `camel`, expected one of `lower`, `upper`, `swap`, `title`",
        );
    }
}
