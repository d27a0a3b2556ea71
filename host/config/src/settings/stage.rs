//! A stage of a chain, and its condition.

use crate::keys::keys;
use crate::kind::Special;
use crate::shape::Shape;

keys! {
    /// A stage of a chain.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct StageSettings: "a stage" {
        // One of `Settings::filters`.
        /// The filter that lines pass through.
        filter: String = "rot13".to_owned(), Special::new("name of a filter", || Shape::Text), Live, default "required";
        /// Only lines whose content matches pass through the filter. Other lines skip it without a
        /// call and keep their position.
        when: Option<When> = None, Special::new("regular expression", || Shape::Text), Live, default "every line";
    }
}

/// A condition on the content of a line: a regular expression that matches somewhere in it.
/// Two are equal when their patterns are the same text.
#[derive(Debug, Clone)]
pub struct When(regex::bytes::Regex);

impl StageSettings {
    /// A stage whose filter sees every line.
    pub fn always(filter: impl Into<String>) -> Self {
        Self {
            filter: filter.into(),
            when: None,
        }
    }
}

impl StageSettings {
    /// The stage as it is written in a chain.
    pub(crate) fn toml(&self) -> String {
        let filter = &self.filter;
        match &self.when {
            None => format!("{filter:?}"),
            Some(when) => format!("{{ filter = {filter:?}, when = {:?} }}", when.as_str()),
        }
    }
}

impl When {
    /// The condition that a line's content matches `pattern`.
    ///
    /// # Errors
    /// When `pattern` is not a regular expression, or is too large.
    pub fn new(pattern: &str) -> Result<Self, regex::Error> {
        regex::bytes::Regex::new(pattern).map(Self)
    }

    /// Whether a line's content fulfils the condition.
    pub fn is_match(&self, content: &[u8]) -> bool {
        self.0.is_match(content)
    }

    /// The pattern.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(pattern: &str, content: &[u8]) -> bool {
        When::new(pattern).expect(pattern).is_match(content)
    }

    #[test]
    fn a_condition_looks_anywhere_in_the_content() {
        assert!(holds("b", b"abc"));
        assert!(!holds("^b", b"abc"));
        assert!(holds(r"^\{.*\}$", b"{}"));
        // In a framing other than LF, content may contain LF; `^` does not match after it.
        assert!(!holds("^b", b"a\nb"));
        assert!(holds("(?m)^b", b"a\nb"));
        assert!(holds("^$", b""));
    }

    #[test]
    fn content_need_not_be_utf_8() {
        assert!(holds(r"(?-u)\xFF", b"a\xffb"));
        assert!(holds("b$", b"\xff\0b"));
        assert!(!holds("^.b", b"\xffb"));
        assert!(holds("(?-u)^.b", b"\xffb"));
    }

    #[test]
    fn conditions_are_the_same_when_their_patterns_are() {
        let when = |pattern| When::new(pattern).expect(pattern);
        assert_eq!(when("a|b"), when("a|b"));
        assert_ne!(when("a|b"), when("[ab]"));
        assert!(When::new("(").is_err());
    }
}
