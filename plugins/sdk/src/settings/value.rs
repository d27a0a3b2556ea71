//! Deserializes settings from a JSON value.
//!
//! In: a value. Out: what the type asks for, or a [`Problem`] with the path of the value. Keys that nothing
//! read are collected. Unlike `serde_json`, a list never stands for a table.

use std::cell::RefCell;
use std::fmt::{self, Display, Formatter};

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};

use super::problem::Problem;

/// A value, and where it is in the settings. It is owned, so that long texts are not copied.
pub(super) struct Setting<'a> {
    value: Value,
    within: Within<'a>,
}

/// Where a value is, and the path of the first key that is not read.
#[derive(Clone, Copy)]
struct Within<'a> {
    place: Place<'a>,
    unread: &'a RefCell<Option<String>>,
}

/// Where a value is: the steps that lead to it.
#[derive(Clone, Copy)]
enum Place<'a> {
    Top,
    Key(&'a Place<'a>, &'a str),
    Index(&'a Place<'a>, usize),
}

impl<'a> Setting<'a> {
    /// All settings. The path of the first key that is not read is put into `unread`.
    pub(super) fn new(value: Value, unread: &'a RefCell<Option<String>>) -> Self {
        let place = Place::Top;
        Self {
            value,
            within: Within { place, unread },
        }
    }

    fn unexpected(&self) -> Unexpected<'_> {
        match &self.value {
            Value::Null => Unexpected::Unit,
            Value::Bool(value) => Unexpected::Bool(*value),
            Value::Number(number) => {
                if let Some(number) = number.as_u64() {
                    Unexpected::Unsigned(number)
                } else if let Some(number) = number.as_i64() {
                    Unexpected::Signed(number)
                } else {
                    Unexpected::Float(number.as_f64().unwrap_or(f64::NAN))
                }
            }
            Value::String(text) => Unexpected::Str(text),
            Value::Array(_) => Unexpected::Seq,
            Value::Object(_) => Unexpected::Map,
        }
    }

    /// Reads a list, of which a tuple of `length` items is expected.
    fn list<'de, V: Visitor<'de>>(
        within: Within<'a>,
        items: Vec<Value>,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        let count = items.len();
        let mut list = List {
            within,
            items: items.into_iter().enumerate(),
        };
        let value = visitor.visit_seq(&mut list)?;
        if list.items.len() > 0 {
            let expected = format!("a tuple of size {length}");
            return Err(Problem::invalid_length(count, &&*expected));
        }
        Ok(value)
    }
}

impl<'de> Deserializer<'de> for Setting<'_> {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Number(number) => match number.as_u64() {
                Some(number) => visitor.visit_u64(number),
                None => match number.as_i64() {
                    Some(number) => visitor.visit_i64(number),
                    None => visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN)),
                },
            },
            Value::String(text) => visitor.visit_string(text),
            Value::Array(items) => {
                let length = items.len();
                Self::list(self.within, items, length, visitor)
            }
            Value::Object(entries) => visitor.visit_map(Table::new(self.within, entries)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        match self.value {
            Value::Array(_) => Err(Problem::invalid_type(Unexpected::Seq, &"a map")),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        match self.value {
            Value::Array(items) => Self::list(self.within, items, length, visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        match self.value {
            Value::String(name) => visitor.visit_enum(StrDeserializer::new(&name)),
            Value::Object(entries) if entries.len() == 1 => {
                let table = Table::new(self.within, entries);
                visitor.visit_enum(MapAccessDeserializer::new(table))
            }
            _ => Err(Problem::not_one_of(self.unexpected(), variants)),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        let mut unread = self.within.unread.borrow_mut();
        unread.get_or_insert_with(|| self.within.place.to_string());
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq map identifier
    }
}

// === impl Place ===

impl<'a> Within<'a> {
    fn at<'b>(self, place: Place<'b>) -> Within<'b>
    where
        'a: 'b,
    {
        let unread = self.unread;
        Within { place, unread }
    }

    /// Reads the value that is here.
    fn read<'de, S: DeserializeSeed<'de>>(
        self,
        seed: S,
        value: Value,
    ) -> Result<S::Value, Problem> {
        let setting = Setting {
            value,
            within: self,
        };
        seed.deserialize(setting)
            .map_err(|problem| problem.at(self.place))
    }
}

impl Display for Place<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Top => Ok(()),
            Self::Key(Self::Top, key) => f.write_str(key),
            Self::Key(table, key) => write!(f, "{table}.{key}"),
            Self::Index(list, index) => write!(f, "{list}[{index}]"),
        }
    }
}

/// The items of a list.
struct List<'a> {
    within: Within<'a>,
    items: std::iter::Enumerate<std::vec::IntoIter<Value>>,
}

impl<'de> SeqAccess<'de> for &mut List<'_> {
    type Error = Problem;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Problem> {
        let Some((index, value)) = self.items.next() else {
            return Ok(None);
        };
        let place = Place::Index(&self.within.place, index);
        let item = self.within.at(place).read(seed, value);
        item.map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

/// The entries of a table.
struct Table<'a> {
    within: Within<'a>,
    entries: serde_json::map::IntoIter,
    /// The entry whose key was read.
    entry: Option<(String, Value)>,
}

impl<'a> Table<'a> {
    fn new(within: Within<'a>, entries: Map<String, Value>) -> Self {
        Self {
            within,
            entries: entries.into_iter(),
            entry: None,
        }
    }
}

impl<'de> MapAccess<'de> for Table<'_> {
    type Error = Problem;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Problem> {
        self.entry = self.entries.next();
        match &self.entry {
            Some((key, _)) => seed.deserialize(Key(key)).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Problem> {
        let Some((key, value)) = self.entry.take() else {
            return Err(Problem::custom("a value was asked for before its key"));
        };
        let place = Place::Key(&self.within.place, &key);
        self.within.at(place).read(seed, value)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len())
    }
}

/// A key, which may also stand for a number.
struct Key<'a>(&'a str);

macro_rules! number_keys {
    ($($deserialize:ident $visit:ident,)*) => {
        $(fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
            match self.0.parse() {
                Ok(number) => visitor.$visit(number),
                Err(_) => Err(Problem::invalid_type(Unexpected::Str(self.0), &visitor)),
            }
        })*
    };
}

impl<'de> Deserializer<'de> for Key<'_> {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_str(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        visitor.visit_enum(StrDeserializer::new(self.0))
    }

    number_keys! {
        deserialize_u8 visit_u8,
        deserialize_u16 visit_u16,
        deserialize_u32 visit_u32,
        deserialize_u64 visit_u64,
        deserialize_i8 visit_i8,
        deserialize_i16 visit_i16,
        deserialize_i32 visit_i32,
        deserialize_i64 visit_i64,
        deserialize_f64 visit_f64,
        deserialize_bool visit_bool,
    }

    forward_to_deserialize_any! {
        i128 u128 f32 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}
