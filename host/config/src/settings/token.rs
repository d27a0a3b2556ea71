//! A secret that is compared and never shown.

use std::fmt;

use sha2::{Digest, Sha256};

/// A token; only its SHA-256 is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Token([u8; 32]);

impl Token {
    /// The token of this text.
    pub fn new(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// Whether `shown` is the token. The time that this takes does not reveal how much of `shown`
    /// is right, because digests are compared.
    pub fn is(&self, shown: &[u8]) -> bool {
        <[u8; 32]>::from(Sha256::digest(shown)) == self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::Token;

    #[test]
    fn only_the_same_text_matches_and_it_is_never_shown() {
        let token = Token::new("0123456789abcdef");
        assert!(token.is(b"0123456789abcdef"));
        assert!(!token.is(b"0123456789abcdeF") && !token.is(b""));
        assert_eq!(format!("{token:?}"), "Token(…)");
    }
}
