//! Values of the settings that values in lines are compared with.
//!
//! In: a value of the settings, and one in a line. Out: whether they mean the same. Not here: other tests.

use linemill_sdk::Error;
use serde_json::Value;

use crate::decimal::Decimal;
use crate::{Kind, decode};

/// A value to compare with.
pub(crate) enum Constant {
    Text(String),
    Number(Decimal),
    /// `true`, `false` or `null`.
    Word(&'static str),
}

// === impl Constant ===

impl Constant {
    pub(crate) fn new(key: &str, value: Value) -> Result<Self, Error> {
        match value {
            Value::String(text) => Ok(Self::Text(text)),
            Value::Number(number) => Ok(Self::Number(Decimal::of(number.to_string().as_bytes()))),
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
            Self::Number(number) => kind == Kind::Number && number.compare(value).is_eq(),
            Self::Word(word) => value == word.as_bytes(),
        }
    }
}
