//! Why a filter refuses its settings or a state.
//!
//! In: any error, or a text. Out: bytes that the host shows to the author of the configuration.

use std::fmt::{self, Debug, Display, Formatter};

/// Why a filter cannot start, or cannot hand over its state. The host shows the text to the author
/// of the configuration.
///
/// The `?` operator converts any [`std::error::Error`] into an `Error`. To make that possible,
/// `Error` does not implement [`std::error::Error`] itself.
pub struct Error(String);

impl Error {
    /// An error with its own text, which says what is wrong and what would be valid.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// An error about one key of the settings. `key` is its path, such as `fields.rename`.
    pub fn setting(key: impl Display, problem: impl Display) -> Self {
        Self(format!("`{key}`: {problem}"))
    }

    /// The text as bytes, as the host receives it.
    #[cfg_attr(
        not(target_family = "wasm"),
        expect(dead_code, reason = "only the component passes it to the host")
    )]
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0.into_bytes()
    }
}

impl<E: std::error::Error> From<E> for Error {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Debug for Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
