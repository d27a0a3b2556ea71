//! An output line in tests of filters.
//!
//! In: bytes or text. Out: comparisons with either, and a readable `Debug` text.

use std::fmt::{self, Debug, Formatter};

/// An output line: bytes that can be compared with text. `Debug` shows them as text if they are
/// UTF-8.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Line(pub Vec<u8>);

impl Debug for Line {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match std::str::from_utf8(&self.0) {
            Ok(text) => Debug::fmt(text, f),
            Err(_) => write!(f, "b\"{}\"", self.0.escape_ascii()),
        }
    }
}

impl<T: AsRef<[u8]> + ?Sized> From<&T> for Line {
    fn from(content: &T) -> Self {
        Self(content.as_ref().to_vec())
    }
}

impl<T: AsRef<[u8]> + ?Sized> PartialEq<&T> for Line {
    fn eq(&self, other: &&T) -> bool {
        self.0 == (*other).as_ref()
    }
}

impl PartialEq<Vec<u8>> for Line {
    fn eq(&self, other: &Vec<u8>) -> bool {
        self.0 == *other
    }
}

impl PartialEq<String> for Line {
    fn eq(&self, other: &String) -> bool {
        self.0 == other.as_bytes()
    }
}
