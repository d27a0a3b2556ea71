//! A bound for numbers, as settings write it.
//!
//! In: a number of the settings. Out: the same, without rounding. Not here: comparing it (`decimal`).

use std::fmt::{self, Formatter};

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde_json::Number;

use crate::decimal::Decimal;

/// A number that others are compared with: `500` or `0.5`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound(Number);

impl Bound {
    pub(crate) fn decimal(&self) -> Decimal {
        Decimal::of(self.0.to_string().as_bytes())
    }
}

/// Unlike that of `Number`, it speaks of a number and not of JSON.
impl<'de> Deserialize<'de> for Bound {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl Visitor<'_> for Read {
            type Value = Bound;

            fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Bound, E> {
                Ok(Bound(number.into()))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Bound, E> {
                Ok(Bound(number.into()))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Bound, E> {
                let finite = Number::from_f64(number);
                finite.map(Bound).ok_or_else(|| E::custom("must be finite"))
            }
        }
        deserializer.deserialize_any(Read)
    }
}
