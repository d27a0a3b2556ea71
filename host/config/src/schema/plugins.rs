//! The schemas of plugins' settings inside the schema of a configuration.
//!
//! In: the schema of a configuration, and of the settings of a plugin (draft 2020-12, as bounded by
//! `wit/about.wit`). Out: a schema in which the settings of a filter depend on its plugin. What draft 7 does
//! not know is ignored there: `linemill check` knows all of it.

use serde_json::{Map, Value, json};

use crate::json_pointer;

/// Where the table of a filter is defined.
pub(super) const FILTER: &str = "#/definitions/filter";

/// Keywords whose value is data, not a schema.
const DATA: &[&str] = &["const", "default", "enum", "examples"];

/// Puts the schema of a plugin's settings in.
pub(super) fn put(schema: &mut Value, plugin: &str, settings: &Value) {
    let name = format!("plugin {plugin}");
    let pointer = format!("#/definitions/{}", token(&name));
    schema["definitions"][&name] = moved(settings, &pointer);
    let then = json!({ "properties": { "settings": { "$ref": pointer } } });
    let rule = json!({
        "if": { "properties": { "plugin": { "const": plugin } }, "required": ["plugin"] },
        "then": then,
    });
    let filter = &mut schema["definitions"]["filter"];
    // A version on trial has settings of its own.
    for trial in ["canary", "shadow"] {
        add_rule(&mut filter["properties"][trial], rule.clone());
    }
    add_rule(filter, rule);
    // A filter without `plugin` has the plugin of its own name.
    let filters = &mut schema["properties"]["filter"];
    filters["properties"][plugin] = json!({
        "allOf": [
            { "$ref": FILTER },
            { "if": { "not": { "required": ["plugin"] } }, "then": then },
        ],
    });
}

/// Adds to the rules of a table, all of which apply.
fn add_rule(table: &mut Value, rule: Value) {
    let mut rules = match table["allOf"].take() {
        Value::Array(rules) => rules,
        _ => Vec::new(),
    };
    rules.push(rule);
    table["allOf"] = rules.into();
}

/// A schema whose root is now at `pointer`, and in which a text may also come from outside the file.
fn moved(schema: &Value, pointer: &str) -> Value {
    let Value::Object(keywords) = schema else {
        return schema.clone();
    };
    let mut moved = Map::new();
    for (keyword, value) in keywords {
        let value = match (keyword.as_str(), value) {
            ("$schema", _) => continue,
            ("$ref", Value::String(target)) => {
                let inside = target.trim_start_matches('#');
                Value::from(format!("{pointer}{inside}"))
            }
            (keyword, value) if DATA.contains(&keyword) => value.clone(),
            (keyword, Value::Object(inner)) if super::SCHEMA_MAPS.contains(&keyword) => inner
                .iter()
                .map(|(key, inner)| (key.clone(), self::moved(inner, pointer)))
                .collect(),
            (_, Value::Array(items)) => items
                .iter()
                .map(|item| self::moved(item, pointer))
                .collect(),
            (_, value) => self::moved(value, pointer),
        };
        moved.insert(keyword.clone(), value);
    }
    let is_text = moved.get("type").is_some_and(|kind| kind == "string");
    if is_text || moved.contains_key("enum") || moved.contains_key("const") {
        let description = moved.get("description").cloned();
        let mut either = json!({ "anyOf": [moved, { "$ref": super::OUTSIDE }] });
        if let Some(description) = description {
            either["description"] = description;
        }
        return either;
    }
    Value::Object(moved)
}

/// A name as a JSON Pointer in a URI contains it.
fn token(name: &str) -> String {
    let mut token = String::new();
    for byte in json_pointer::escape(name).bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            token.push(char::from(byte));
        } else {
            token += &format!("%{byte:02X}");
        }
    }
    token
}
