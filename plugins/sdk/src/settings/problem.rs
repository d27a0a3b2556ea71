//! What is wrong with a setting, in the words of a configuration.
//!
//! In: what a type expects and what was found, as serde says it. Out: a text that says where, what would be
//! right and what was found. Words of Rust, such as `usize` or "a sequence", are translated.

use std::fmt::{self, Display, Formatter};

use serde::de::{self, Expected, Unexpected};

/// Why settings were refused, and the path of the value.
#[derive(Debug)]
pub(super) struct Problem {
    /// Empty for the settings themselves.
    path: String,
    text: String,
}

impl Problem {
    /// The same problem with the place of the value, unless the place of a value in it is already known.
    pub(super) fn at(mut self, place: impl Display) -> Self {
        if self.path.is_empty() {
            self.path = place.to_string();
        }
        self
    }

    /// A value that is not one of a few names.
    pub(super) fn not_one_of(found: Unexpected<'_>, names: &[&str]) -> Self {
        let (expected, found) = (one_of(names), words(found));
        Self::new(format!("must be {expected}; found {found}"))
    }

    fn new(text: String) -> Self {
        Self {
            path: String::new(),
            text,
        }
    }
}

impl Display for Problem {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "`{}`: ", self.path)?;
        }
        f.write_str(&self.text)
    }
}

impl std::error::Error for Problem {}

impl de::Error for Problem {
    fn custom<T: Display>(text: T) -> Self {
        Self::new(text.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let right = &*right(&expected.to_string());
        let mut text = format!("must be {right}");
        let found = words(found);
        // A single value where a list is due: show that list.
        let single = found
            .strip_prefix("the ")
            .and_then(|value| value.split_once(' '));
        if let (Some((_, value)), "a list") = (single, right) {
            text += &format!(", such as [{value}]");
        }
        Self::new(format!("{text}; found {found}"))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = right(&expected.to_string());
        Self::new(format!("must be {expected}; found {}", words(found)))
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        let expected = right(&expected.to_string());
        let plural = if length == 1 { "" } else { "s" };
        Self::new(format!("must be {expected}; found {length} item{plural}"))
    }

    fn unknown_variant(found: &str, names: &'static [&'static str]) -> Self {
        Self::not_one_of(Unexpected::Str(found), names)
    }

    fn unknown_field(key: &str, known: &'static [&'static str]) -> Self {
        Self::new(if known.is_empty() {
            format!("unknown key `{key}`; this filter takes no settings")
        } else {
            format!("unknown key `{key}`, expected {}", one_of(known))
        })
    }

    fn missing_field(key: &'static str) -> Self {
        Self::new(format!("missing key `{key}`"))
    }

    fn duplicate_field(key: &'static str) -> Self {
        Self::new(format!("the key `{key}` is there twice"))
    }
}

fn one_of(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match &quoted[..] {
        [name] => name.clone(),
        [first, second] => format!("{first} or {second}"),
        names => format!("one of {}", names.join(", ")),
    }
}

/// The longest text that is shown as it was found, in characters.
const SHOWN: usize = 60;

/// What was found.
fn words(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(found) => format!("the value {found}"),
        Unexpected::Unsigned(found) => format!("the number {found}"),
        Unexpected::Signed(found) => format!("the number {found}"),
        // With a point, so that it differs from a whole number.
        Unexpected::Float(found) => format!("the number {found:?}"),
        Unexpected::Char(found) => format!("the text {:?}", found.to_string()),
        Unexpected::Str(found) if found.chars().count() <= SHOWN => format!("the text {found:?}"),
        Unexpected::Str(found) => {
            let start: String = found.chars().take(SHOWN).collect();
            format!("a text that begins with {start:?}")
        }
        Unexpected::Bytes(_) => "bytes".to_owned(),
        Unexpected::Unit | Unexpected::Option => "no value".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a table".to_owned(),
        Unexpected::NewtypeStruct
        | Unexpected::Enum
        | Unexpected::UnitVariant
        | Unexpected::NewtypeVariant
        | Unexpected::TupleVariant
        | Unexpected::StructVariant => "another kind of value".to_owned(),
        Unexpected::Other(found) => found.to_owned(),
    }
}

/// What would be right, for the words in which serde says it. Other words are those of a filter.
fn right(expected: &str) -> String {
    if let Some(range) = whole_numbers(expected) {
        return format!("a whole number {range}");
    }
    if let Some(range) = expected.strip_prefix("a nonzero ").and_then(whole_numbers) {
        return format!("a whole number {range}, but not 0");
    }
    let items = ["a tuple of size ", "an array of length "];
    if let Some(items) = items.iter().find_map(|start| expected.strip_prefix(start)) {
        return format!("a list of {items} items");
    }
    match expected {
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a string" | "a borrowed string" | "a byte array" | "a borrowed byte array" => "a text",
        "a character" => "a text of one character",
        "a sequence" => "a list",
        "a map" => "a table",
        "unit" => "left out",
        _ if expected.starts_with("struct ") => "a table",
        _ if expected.starts_with("tuple struct ") => "a list",
        _ => expected,
    }
    .to_owned()
}

/// The range of a type of whole numbers. `usize` has 32 bits in a component.
fn whole_numbers(name: &str) -> Option<&'static str> {
    Some(match name {
        "u8" => "from 0 to 255",
        "u16" => "from 0 to 65535",
        "usize" if cfg!(target_pointer_width = "32") => "from 0 to 4294967295",
        "u32" => "from 0 to 4294967295",
        "u64" | "usize" => "from 0 to 18446744073709551615",
        "u128" => "of at least 0",
        "i8" => "from -128 to 127",
        "i16" => "from -32768 to 32767",
        "isize" if cfg!(target_pointer_width = "32") => "from -2147483648 to 2147483647",
        "i32" => "from -2147483648 to 2147483647",
        "i64" | "isize" => "from -9223372036854775808 to 9223372036854775807",
        "i128" => "of any size",
        _ => return None,
    })
}
