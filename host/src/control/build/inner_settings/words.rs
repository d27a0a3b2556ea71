//! The words for what is wrong with a value.
//!
//! In: an error of the validator. Out: what is wrong, and what is right.

use jsonschema::JsonType;
use jsonschema::error::{TypeKind, ValidationError, ValidationErrorKind as Kind};
use serde_json::Value;

use linemill_config::{hint_of_names, json_pointer, printable, quote};

/// What is wrong with the value that an error is about, as the end of a sentence, and a hint.
pub(super) fn fault(error: &ValidationError<'_>) -> (String, String) {
    let plain = |text: &str| (text.to_owned(), String::new());
    let limit =
        |text: &str, limit: &dyn std::fmt::Display| (format!("{text}, {limit}"), String::new());
    let count = |text: &str, limit: &u64, noun: &str| {
        let s = if *limit == 1 { "" } else { "s" };
        (format!("{text} {limit} {noun}{s}"), String::new())
    };
    match error.kind() {
        Kind::Type { kind } => {
            let right = types(kind);
            let found = error.instance().as_ref();
            let hint = match (right.as_str(), found) {
                ("a text", Value::Object(_)) => {
                    "write a text in double quotes; a key that contains a dot needs them too: \"a.b\" = \"c\"".to_owned()
                }
                ("a text", _) => "write it in double quotes".to_owned(),
                (right, _) => format!("write {right}"),
            };
            let what = match found {
                // The sentence begins with that.
                Value::Array(_) | Value::Object(_) => format!("is not {right}"),
                _ => format!("is {}, not {right}", type_of(found)),
            };
            (what, hint)
        }
        Kind::Enum { options } => choice(error.instance(), options),
        Kind::Constant { expected_value } => plain(&format!("is not {}", shown(expected_value))),
        Kind::Minimum { limit: least } => limit("is less than the smallest number allowed", least),
        Kind::Maximum { limit: most } => limit("is more than the largest number allowed", most),
        Kind::ExclusiveMinimum { limit } => plain(&format!("is not more than {limit}")),
        Kind::ExclusiveMaximum { limit } => plain(&format!("is not less than {limit}")),
        Kind::MultipleOf { multiple_of } => plain(&format!("is not a multiple of {multiple_of}")),
        Kind::MinLength { limit } => count("has fewer than", limit, "character"),
        Kind::MaxLength { limit } => count("has more than", limit, "character"),
        Kind::MinItems { limit } => count("has fewer than", limit, "item"),
        Kind::MaxItems { limit } => count("has more than", limit, "item"),
        Kind::MinProperties { limit } => count("has fewer than", limit, "key"),
        Kind::MaxProperties { limit } => count("has more than", limit, "key"),
        Kind::AdditionalItems { limit } => count("has more than", &(*limit as u64), "item"),
        Kind::UniqueItems => plain("has an item twice"),
        Kind::Pattern { pattern } => (
            "does not have the required form".to_owned(),
            format!(
                "it must match the regular expression {}",
                printable(pattern)
            ),
        ),
        Kind::Not { .. } => plain("is not allowed"),
        Kind::Contains => plain("lacks a required item"),
        Kind::OneOfMultipleValid { .. } => {
            plain("has more than one of the forms that the filter knows")
        }
        _ => plain("does not fit the schema of the filter's settings"),
    }
}

fn choice(found: &Value, options: &Value) -> (String, String) {
    let options = options.as_array().map_or(&[][..], Vec::as_slice);
    let texts: Option<Vec<&str>> = options.iter().map(Value::as_str).collect();
    let hint = match (texts, found.as_str()) {
        (Some(texts), found) => hint_of_names(found.unwrap_or_default(), "choices", &texts),
        (None, _) => {
            let all: Vec<_> = options.iter().map(shown).collect();
            format!("choices: {}", all.join(", "))
        }
    };
    ("is not one of the choices".to_owned(), hint)
}

/// A value inside a sentence.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "`\"\"`".to_owned(),
        Value::String(text) => quote(text),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a table".to_owned(),
        other => quote(&other.to_string()),
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => name(JsonType::Boolean),
        Value::Number(number) if number.is_f64() => name(JsonType::Number),
        Value::Number(_) => name(JsonType::Integer),
        Value::String(_) => name(JsonType::String),
        Value::Array(_) => name(JsonType::Array),
        Value::Object(_) => name(JsonType::Object),
    }
}

fn types(kind: &TypeKind) -> String {
    let names: Vec<_> = match kind {
        TypeKind::Single(one) => vec![name(*one)],
        TypeKind::Multiple(several) => several.into_iter().map(name).collect(),
    };
    names.join(" or ")
}

fn name(kind: JsonType) -> &'static str {
    match kind {
        JsonType::Null => "nothing",
        JsonType::Boolean => "true or false",
        JsonType::Integer => "a whole number",
        JsonType::Number => "a number",
        JsonType::String => "a text",
        JsonType::Array => "a list",
        JsonType::Object => "a table",
    }
}

/// A JSON Pointer as users write the way to a value: `settings.patterns[0]`.
pub(super) fn path(pointer: &str) -> String {
    let mut path = "settings".to_owned();
    for key in json_pointer::keys(pointer) {
        if key.parse::<usize>().is_ok() {
            path += &format!("[{key}]");
        } else {
            path += &format!(".{key}");
        }
    }
    printable(path)
}
