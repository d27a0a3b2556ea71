//! The JSON Schema of a configuration, for editors and programs that write one.
//!
//! In: the declarations of all keys, and the schemas of plugins' settings. Out: a schema of draft 7, which
//! editors for TOML read. Rules between keys are not part of it; `linemill check` knows them. `plugins` puts
//! the schemas of settings in.

use regex::Regex;
use serde_json::{Map, Value, json};

use super::key::Key;
use super::settings::{ChainTest, FilterSettings, HostSettings, ListenerSettings};
use super::shape::Shape;

/// Keywords of JSON Schema whose value is an object of schemas.
pub const SCHEMA_MAPS: &[&str] = &[
    "$defs",
    "dependentSchemas",
    "patternProperties",
    "properties",
];
/// What may stand wherever a text may: see `substitute`.
const OUTSIDE: &str = "#/definitions/outside";

/// The schema of the main file of a configuration, in which the settings of a filter with one of these
/// plugins have the schema of the plugin. A plugin is named as in the key `plugin`.
pub fn schema(plugins: &[(String, Value)]) -> Value {
    let mut schema = general();
    for (plugin, settings) in plugins {
        plugins::put(&mut schema, plugin, settings);
    }
    schema
}

/// The schema for any plugins.
fn general() -> Value {
    let tables = [
        (
            "include",
            Shape::Text.list(),
            "More files, whose tables count as if they were in this file: paths or patterns, relative to the folder of this file.",
        ),
        (
            "host",
            Shape::Table(HostSettings::keys),
            "What concerns the host as a whole.",
        ),
        (
            "listener",
            Shape::Table(ListenerSettings::keys).list(),
            "A place where lines come from, what filters them, and where they go.",
        ),
        (
            "filter",
            Shape::AnyTable,
            "A plugin with its settings and limits, by the name that chains use.",
        ),
        (
            "test",
            Shape::Table(ChainTest::keys).list(),
            "What the chain of a listener must make of lines before it goes live.",
        ),
    ];
    let mut properties: Map<String, Value> = tables
        .into_iter()
        .map(|(name, shape, text)| (name.to_owned(), described(value(&shape), text)))
        .collect();
    properties["filter"]["additionalProperties"] = json!({ "$ref": plugins::FILTER });
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "linemill configuration",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
        "definitions": {
            "filter": table(&FilterSettings::keys()),
            "outside": {
                "description": "A value from outside the file: a text with ${NAME}, or the content of a file.",
                "anyOf": [
                    { "type": "string", "pattern": "\\$\\{" },
                    {
                        "type": "object",
                        "properties": {
                            "file": {
                                "type": "string",
                                "minLength": 1,
                                "description": "The path of the file, relative to the folder of this one.",
                            },
                        },
                        "required": ["file"],
                        "additionalProperties": false,
                    },
                ],
            },
        },
    })
}

/// The schema of a value.
fn value(shape: &Shape) -> Value {
    match shape {
        Shape::Text => or_outside(json!({ "type": "string" })),
        Shape::Pattern(pattern) => or_outside(json!({ "type": "string", "pattern": pattern })),
        Shape::Choice(words) => or_outside(json!({ "enum": words })),
        Shape::Flag => or_outside(json!({ "type": "boolean" })),
        Shape::Whole(least, most) => {
            or_outside(json!({ "type": "integer", "minimum": least, "maximum": most }))
        }
        Shape::List(items) => json!({ "type": "array", "items": value(items) }),
        Shape::Map(values) => json!({ "type": "object", "additionalProperties": value(values) }),
        Shape::Table(keys) => table(&keys()),
        Shape::AnyTable => json!({ "type": "object" }),
        Shape::Either(one, other) => json!({ "anyOf": [value(one), value(other)] }),
    }
}

/// A value, or one from outside the file.
fn or_outside(value: Value) -> Value {
    json!({ "anyOf": [value, { "$ref": OUTSIDE }] })
}

/// The schema of a table.
fn table(keys: &[Key]) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for key in keys {
        let mut schema = described(value(&key.shape), &key.text);
        if let (Some(schema), Some(default)) = (schema.as_object_mut(), default(key)) {
            schema.insert("default".to_owned(), default);
        }
        properties.insert(key.name.to_owned(), schema);
        if key.default_text == Some("required") {
            required.push(key.name);
        }
    }
    let mut schema = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    });
    if let (Some(schema), false) = (schema.as_object_mut(), required.is_empty()) {
        schema.insert("required".to_owned(), json!(required));
    }
    schema
}

/// The default of a key, if it has one that a file can contain.
fn default(key: &Key) -> Option<Value> {
    let written = key
        .default
        .as_ref()
        .filter(|_| key.default_text.is_none())?;
    let file = format!("default = {written}");
    let mut file: Map<String, Value> = toml::from_str(&file).ok()?;
    file.remove("default")
}

/// A schema with a description. Links in `text` become plain.
fn described(mut schema: Value, text: &str) -> Value {
    let plain = match Regex::new(r"\[([^\]]*)\]\([^)]*\)") {
        Ok(link) => link.replace_all(text, "$1").into_owned(),
        Err(_) => text.to_owned(),
    };
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("description".to_owned(), plain.into());
    }
    schema
}

mod plugins;
#[cfg(test)]
mod tests;
