//! Why a text does not parse.

/// What is wrong with a text that should have a form of its own, such as an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it {fault}; {hint}")]
pub struct Malformed {
    /// Continues a sentence that begins with the text: "`127.0.0.1` has no port".
    pub fault: &'static str,
    /// What would be right.
    pub hint: &'static str,
}
