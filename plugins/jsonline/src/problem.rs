//! Why a line is not JSON, in JSON's words.
//!
//! In: what was expected, and where. Out: a text with the column. Not here: finding it out (`scan`).

use std::fmt::{self, Display, Formatter};

use crate::Kind;

/// Why a line is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Problem {
    what: What,
    /// The index of the byte in the line.
    at: usize,
    /// Nothing is left of the line there.
    at_end: bool,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Empty,
    NotUtf8,
    Value,
    Object(Kind),
    Name,
    NameOrBrace,
    Colon,
    CommaOrBrace,
    CommaOrBracket,
    End,
    Digit,
    LeadingZero,
    Word(&'static str),
    Quote,
    Escape,
    HexDigits,
    Control,
}

// === impl Problem ===

impl Problem {
    #[cold]
    pub(crate) fn new(what: What, line: &[u8], at: usize) -> Self {
        let at_end = at >= line.len();
        Self { what, at, at_end }
    }

    /// The index of the byte in the line where it is.
    pub fn at(&self) -> usize {
        self.at
    }
}

impl Display for Problem {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.what {
            What::Empty => return f.write_str("the line is empty"),
            What::Object(found) => write!(f, "expected an object, found {found}")?,
            What::Word(word) => write!(f, "expected `{word}`")?,
            other => f.write_str(match other {
                What::NotUtf8 => "a byte that is not UTF-8",
                What::Name => "expected a name in quotes",
                What::NameOrBrace => "expected a name in quotes or `}`",
                What::Colon => "expected `:`",
                What::CommaOrBrace => "expected `,` or `}`",
                What::CommaOrBracket => "expected `,` or `]`",
                What::End => "expected the end of the line",
                What::Digit => "expected a digit",
                What::LeadingZero => "a number must not begin with 0",
                What::Quote => "expected a closing quote",
                What::Escape => "expected an escape such as `\\n` or `\\u000a`",
                What::HexDigits => "expected four hexadecimal digits",
                What::Control => "a control character in a string; it must be escaped",
                _ => "expected value",
            })?,
        }
        write!(f, " at column {}", self.at + 1)?;
        if self.at_end {
            f.write_str(", but the line ends")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}
