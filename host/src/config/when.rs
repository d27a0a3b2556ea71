//! The condition of a stage: which lines it is for.

use regex::bytes::Regex;

/// A regular expression on the content of a line, terminator not included. Two are equal when
/// they are written the same.
#[derive(Debug, Clone)]
pub struct When(Regex);

impl When {
    /// # Errors
    /// When `pattern` is no regular expression, or too large a one.
    pub fn new(pattern: &str) -> Result<Self, regex::Error> {
        Regex::new(pattern).map(Self)
    }

    /// Whether a line with this content is meant.
    pub fn is_match(&self, content: &[u8]) -> bool {
        self.0.is_match(content)
    }

    /// The expression as written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl PartialEq for When {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for When {}
