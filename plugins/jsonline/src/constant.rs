//! Values of the settings that values in lines are compared with.
//!
//! In: a value of the settings, and one in a line. Out: whether they mean the same. Not here: other tests.

use linemill_sdk::Error;
use serde_json::Value;

use crate::{Kind, decode};

/// A value to compare with.
pub(crate) enum Constant {
    Text(String),
    Number(Number),
    /// `true`, `false` or `null`.
    Word(&'static str),
}

/// A number: exact if it is a whole number of up to 38 digits.
#[derive(Clone, Copy)]
pub(crate) enum Number {
    Whole(i128),
    Float(f64),
}

// === impl Constant ===

impl Constant {
    pub(crate) fn new(key: &str, value: Value) -> Result<Self, Error> {
        match value {
            Value::String(text) => Ok(Self::Text(text)),
            Value::Number(number) => Ok(Self::Number(Number::of(number.to_string().as_bytes()))),
            Value::Bool(true) => Ok(Self::Word("true")),
            Value::Bool(false) => Ok(Self::Word("false")),
            Value::Null => Ok(Self::Word("null")),
            Value::Array(_) | Value::Object(_) => Err(Error::setting(
                key,
                "must be a text, a number, true or false; give the path of what is inside as `field`",
            )),
        }
    }

    pub(crate) fn equals(&self, kind: Kind, value: &[u8]) -> bool {
        match self {
            Self::Text(text) => kind == Kind::String && *decode(value) == *text.as_bytes(),
            Self::Number(number) => kind == Kind::Number && number.equals(Number::of(value)),
            Self::Word(word) => value == word.as_bytes(),
        }
    }
}

// === impl Number ===

impl Number {
    /// Reads a number that is valid JSON.
    pub(crate) fn of(text: &[u8]) -> Self {
        let text = std::str::from_utf8(text).unwrap_or_default();
        match text.parse() {
            Ok(whole) => Self::Whole(whole),
            Err(_) => Self::Float(text.parse().unwrap_or(f64::NAN)),
        }
    }

    pub(crate) fn to_float(self) -> f64 {
        match self {
            Self::Whole(whole) => whole as f64,
            Self::Float(float) => float,
        }
    }

    pub(crate) fn equals(self, other: Self) -> bool {
        match (self, other) {
            (Self::Whole(one), Self::Whole(other)) => one == other,
            _ => self.to_float() == other.to_float(),
        }
    }
}
