//! Why a filter refuses its settings: text for the person who wrote the configuration.

use std::fmt::{self, Debug, Display, Formatter};

/// Why a filter cannot start. Shown to whoever wrote the configuration.
///
/// `?` turns any [`std::error::Error`] into one. It is no error type itself, as anyhow's is not,
/// because only so can it be made from all of them.
pub struct Error(String);

impl Error {
    /// An error in the author's words: what is wrong, and what would be right.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// An error about one key of the settings; `key` is its path, such as `fields.rename`.
    pub fn setting(key: impl Display, problem: impl Display) -> Self {
        Self(format!("`{key}`: {problem}"))
    }

    /// The text as the bytes that cross to the host.
    #[cfg_attr(
        not(target_family = "wasm"),
        expect(dead_code, reason = "only the component crosses")
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
