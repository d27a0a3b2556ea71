//! Changes the case of letters: of ASCII letters, while all other bytes stay as they are; or on request of the
//! letters of every script.

mod about;
mod unicode;

use linemill_sdk::{Error, Filter, Output, export, map_bytes};
use serde::Deserialize;

/// Changes the case of letters as the settings say.
pub struct Case {
    to: Mode,
    unicode: bool,
    /// The changed line, if a letter depends on those around it or may become longer.
    cased: Vec<u8>,
}

/// The settings. The README describes each key.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    to: Mode,
    unicode: bool,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
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
            unicode: settings.unicode,
            cased: Vec::new(),
        })
    }

    fn line(&mut self, line: &[u8], out: &mut Output) {
        if self.unicode && !line.is_ascii() {
            self.cased.clear();
            unicode::change(line, self.to, &mut self.cased);
            return out.emit(&self.cased);
        }
        match self.to {
            Mode::Lower => out.map(line, lower),
            Mode::Upper => out.map(line, upper),
            Mode::Swap => out.map(line, swapped),
            Mode::Title => {
                title(line, &mut self.cased);
                out.emit(&self.cased);
            }
        }
    }

    fn bytes(&mut self, bytes: &mut [u8]) -> bool {
        if self.unicode {
            return false;
        }
        match self.to {
            Mode::Lower => map_bytes(bytes, lower),
            Mode::Upper => map_bytes(bytes, upper),
            Mode::Swap => map_bytes(bytes, swapped),
            Mode::Title => return false,
        }
        true
    }
}

export!(Case: About);

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

/// Writes the first letter of each word in upper case and all others in lower case. Bytes outside
/// ASCII and apostrophes count as part of a word, so `Ünlü's` stays as it is.
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
    fn each_mode() {
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
    fn letters_of_every_script_change_on_request() {
        let input: [&[u8]; 3] = ["ÄÖ äö don't ß".as_bytes(), b"ascii Only", b"\xffX\xc3"];
        for (to, output) in [
            (
                "lower",
                ["äö äö don't ß".as_bytes(), b"ascii only", b"\xffx\xc3"],
            ),
            (
                "upper",
                ["ÄÖ ÄÖ DON'T SS".as_bytes(), b"ASCII ONLY", b"\xffX\xc3"],
            ),
            (
                "swap",
                ["äö ÄÖ DON'T SS".as_bytes(), b"ASCII oNLY", b"\xffx\xc3"],
            ),
            (
                "title",
                ["Äö Äö Don't Ss".as_bytes(), b"Ascii Only", b"\xffx\xc3"],
            ),
        ] {
            let settings = json!({ "to": to, "unicode": true });
            assert_eq!(lines::<Case>(settings, input), output, "{to}");
        }
    }

    #[test]
    fn lower_is_the_default() {
        assert_eq!(lines::<Case>(json!({}), ["ABC"]), ["abc"]);
    }

    #[test]
    fn refusals_list_the_modes() {
        assert_eq!(
            refusal::<Case>(json!({ "to": "camel" })),
            r#"`to`: must be one of `lower`, `upper`, `swap`, `title`; found the text "camel""#,
        );
    }
}
