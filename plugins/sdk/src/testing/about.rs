//! Checks what a filter says about itself.
//!
//! In: a filter that implements [`About`]. Out: a panic that says which rule of `wit/about.wit` its
//! description breaks, or where it contradicts the filter.
//! Not here: whether the schema is right in every respect. `linemill check` knows that.

use std::fmt::Debug;

use super::{Value, start};
use crate::about::{About, Package};
use crate::settings;

/// The most bytes of all texts together.
const TEXTS: usize = 64 << 10;
/// The deepest nesting of the schema and of settings.
const DEPTH: usize = 32;

/// Checks the description of a filter as the host does, and that the filter accepts its examples and the
/// defaults in its schema.
///
/// # Panics
/// If the description breaks a rule, or the filter refuses what it describes.
#[track_caller]
pub fn described<F: About + Package>() {
    let described = F::describe();
    let name = described.name.unwrap_or(F::NAME);
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    assert!(
        (1..=64).contains(&name.len()) && name.bytes().all(allowed),
        "the name {name:?} is not 1 to 64 letters, digits, `-` and `_`",
    );
    let pairs = described.needs.iter().chain(&described.examples);
    let mut texts: Vec<&str> = vec![name, F::VERSION, described.summary, F::LICENSE];
    texts.extend(pairs.flat_map(|(one, other)| [*one, *other]));
    let size = texts.iter().map(|text| text.len()).sum::<usize>() + described.schema.len();
    assert!(
        size <= TEXTS,
        "the texts have {size} bytes, more than {TEXTS}"
    );
    let spoken = described.examples.iter().map(|(summary, _)| *summary);
    let spoken = spoken.chain(
        described
            .needs
            .iter()
            .flat_map(|(grant, why)| [*grant, *why]),
    );
    for text in spoken.chain([described.summary, F::VERSION, F::LICENSE]) {
        assert!(
            !text.chars().any(char::is_control),
            "{text:?} has a control character"
        );
    }
    assert!(!described.summary.is_empty(), "the summary is empty");
    at_most_16("needs", &described.needs);
    at_most_16("examples", &described.examples);
    let schema = match described.schema {
        "" => None,
        text => Some(parsed("the schema", text)),
    };
    let known = schema.as_ref().and_then(|schema| schema.get("properties"));
    for (summary, text) in &described.examples {
        // In a configuration, it stands for an environment variable.
        let variable = text.match_indices("${").any(|(at, _)| {
            let next = text[at + 2..].chars().next();
            next.is_none_or(|next| !next.is_ascii_digit())
        });
        assert!(
            !variable,
            "an example has `${{`, which stands for an environment variable in a configuration; write `$name`"
        );
        let settings = parsed(summary, text);
        if let Some(known) = known {
            for key in settings
                .as_object()
                .into_iter()
                .flat_map(|object| object.keys())
            {
                assert!(
                    known.get(key).is_some(),
                    "the schema has no key `{key}`, which an example has"
                );
            }
        }
        if let Err(error) = start::<F>(&settings) {
            panic!("the filter refuses its example {settings}: {error}");
        }
    }
    let base = described
        .examples
        .first()
        .map_or("{}", |(_, settings)| *settings);
    let base = parsed("an example", base);
    for (key, property) in known.and_then(Value::as_object).into_iter().flatten() {
        let Some(default) = property.get("default") else {
            continue;
        };
        let mut settings = base.clone();
        settings[key] = default.clone();
        if let Err(error) = settings::read::<F::Settings>(settings.to_string().into_bytes()) {
            panic!("the filter refuses the default of `{key}`, {default}: {error}");
        }
    }
    let (small, large) = (F::memory(64 << 10), F::memory(u32::MAX));
    assert!(
        small <= large,
        "longer lines need less memory: {small} and {large} bytes"
    );
}

#[track_caller]
fn at_most_16<T: Debug>(what: &str, all: &[T]) {
    assert!(all.len() <= 16, "it has {} {what}, more than 16", all.len());
}

/// A JSON object within the bounds.
#[track_caller]
fn parsed(what: &str, text: &str) -> Value {
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => panic!("{what} is not JSON: {error}"),
    };
    assert!(value.is_object(), "{what} is not a JSON object");
    assert!(
        depth(&value) <= DEPTH,
        "{what} is more than {DEPTH} levels deep"
    );
    value
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(entries) => 1 + entries.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}
