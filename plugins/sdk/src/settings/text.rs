//! Text from the settings that a filter writes into lines.

use std::borrow::Cow;
use std::ops::Deref;

use serde::{Deserialize, Deserializer, de};

/// A text in a filter's settings that becomes part of lines, such as a separator or a mask. A text with a
/// character that ends lines is refused when the settings are read: LF, and NUL, which ends lines in one of
/// the framings. Otherwise each line that it is written to would fail.
///
/// ```
/// use linemill_sdk::testing::{self, json};
/// use linemill_sdk::{Error, Filter, LineText, Output};
/// use serde::Deserialize;
///
/// /// Appends a text to each line.
/// struct Append(LineText);
///
/// #[derive(Deserialize)]
/// #[serde(deny_unknown_fields)]
/// struct Settings {
///     text: LineText,
/// }
///
/// impl Filter for Append {
///     type Settings = Settings;
///
///     fn new(settings: Settings) -> Result<Self, Error> {
///         Ok(Self(settings.text))
///     }
///
///     fn line(&mut self, line: &[u8], out: &mut Output) {
///         out.push(line);
///         out.emit(&self.0);
///     }
/// }
///
/// assert_eq!(testing::lines::<Append>(json!({ "text": "!" }), ["a"]), ["a!"]);
/// assert_eq!(
///     testing::refusal::<Append>(json!({ "text": "a\nb" })),
///     r#"`text`: must not contain a line feed (\n), because lines end there; found the text "a\nb""#,
/// );
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineText(Cow<'static, str>);

impl LineText {
    /// Checks a text. The error says what is wrong with it, but not which setting it is.
    ///
    /// # Errors
    /// If it contains LF or NUL.
    pub fn new(text: impl Into<String>) -> Result<Self, String> {
        let text = text.into();
        let problem = if text.contains('\n') {
            r"a line feed (\n), because lines end there"
        } else if text.contains('\0') {
            r"a NUL (\0), because lines may end there"
        } else {
            return Ok(Self(Cow::Owned(text)));
        };
        Err(format!(
            "must not contain {problem}; found the text {text:?}"
        ))
    }

    /// A default: `const DEFAULT: LineText = LineText::from_static(" ")`.
    ///
    /// # Panics
    /// If the text contains LF or NUL; in a constant, it then does not compile.
    pub const fn from_static(text: &'static str) -> Self {
        let mut at = 0;
        while at < text.len() {
            let byte = text.as_bytes()[at];
            assert!(
                byte != b'\n' && byte != 0,
                "a line must not contain LF or NUL"
            );
            at += 1;
        }
        Self(Cow::Borrowed(text))
    }
}

impl<'de> Deserialize<'de> for LineText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl Deref for LineText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<[u8]> for LineText {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl From<LineText> for String {
    fn from(text: LineText) -> Self {
        text.0.into_owned()
    }
}
