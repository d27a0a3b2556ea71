//! The settings of a filter as rows of a table, for `linemill help`.
//!
//! In: the JSON Schema of the settings. Out: a row for each key: its kind with its limits, its default, and
//! its description. Keys of tables inside the settings have rows of their own.
//! Not here: checking settings.

use serde_json::Value;

pub mod toml;

/// A key of the settings.
pub struct Row {
    /// As users write the way to it: `inner.width`.
    pub key: String,
    /// What a value may be, with its limits.
    pub kind: String,
    /// Its default and its description.
    pub notes: Vec<String>,
}

/// A row for each key, those of inner tables behind their table.
pub fn rows(schema: &Value) -> Vec<Row> {
    let mut rows = Vec::new();
    add(schema, schema, "", &mut rows);
    rows
}

fn add(root: &Value, schema: &Value, before: &str, rows: &mut Vec<Row>) {
    let schema = referred(root, schema);
    let properties = schema.get("properties").and_then(Value::as_object);
    let required = schema.get("required").and_then(Value::as_array);
    for (name, property) in properties.into_iter().flatten() {
        let key = format!("{before}{}", toml::key(name));
        let property = referred(root, property);
        let mut notes = Vec::new();
        if required.is_some_and(|required| required.iter().any(|key| key == name)) {
            notes.push("required".to_owned());
        }
        if let Some(default) = property.get("default") {
            notes.push(format!("default: {}", toml::value(default)));
        }
        if let Some(text) = property.get("description").and_then(Value::as_str) {
            notes.push(text.to_owned());
        }
        let kind = kind(root, property);
        let inside = format!("{key}.");
        rows.push(Row { key, kind, notes });
        add(root, property, &inside, rows);
    }
}

/// The schema itself, or the one that its `$ref` leads to. References do not lead in circles.
fn referred<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let mut schema = schema;
    while let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        match root.pointer(target.trim_start_matches('#')) {
            Some(part) => schema = part,
            None => break,
        }
    }
    schema
}

/// What a value may be: "whole number, at least 1".
fn kind(root: &Value, schema: &Value) -> String {
    let schema = referred(root, schema);
    if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
        let choices: Vec<_> = choices.iter().map(toml::value).collect();
        return format!("one of {}", choices.join(", "));
    }
    if let Some(only) = schema.get("const") {
        return toml::value(only);
    }
    for several in ["anyOf", "oneOf"] {
        if let Some(forms) = schema.get(several).and_then(Value::as_array) {
            let forms: Vec<_> = forms.iter().map(|form| kind(root, form)).collect();
            return forms.join(", or ");
        }
    }
    let types = match schema.get("type") {
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(one)) => vec![one.as_str()],
        _ => Vec::new(),
    };
    let names = types.into_iter().map(|name| match name {
        "integer" => "whole number".to_owned(),
        "string" => "text".to_owned(),
        "boolean" => "true or false".to_owned(),
        "array" => match schema.get("items") {
            Some(items) if items.is_object() => format!("list of: {}", kind(root, items)),
            _ => "list".to_owned(),
        },
        "object" => match schema.get("additionalProperties") {
            Some(values) if values.is_object() => format!("table of: {}", kind(root, values)),
            _ => "table".to_owned(),
        },
        other => other.to_owned(),
    });
    let names: Vec<_> = names.collect();
    let name = if names.is_empty() {
        "any value".to_owned()
    } else {
        names.join(" or ")
    };
    format!("{name}{}", limits(schema))
}

/// The limits of a value, each behind a comma.
fn limits(schema: &Value) -> String {
    let mut limits = String::new();
    for (keyword, before, after) in [
        ("minimum", "at least ", ""),
        ("exclusiveMinimum", "more than ", ""),
        ("maximum", "at most ", ""),
        ("exclusiveMaximum", "less than ", ""),
        ("multipleOf", "a multiple of ", ""),
        ("minLength", "at least ", " characters"),
        ("maxLength", "at most ", " characters"),
        ("minItems", "at least ", " items"),
        ("maxItems", "at most ", " items"),
        ("minProperties", "at least ", " keys"),
        ("maxProperties", "at most ", " keys"),
    ] {
        if let Some(limit) = schema.get(keyword) {
            limits += &format!(", {before}{limit}{after}");
        }
    }
    if let Some(pattern) = schema.get("pattern").and_then(Value::as_str) {
        limits += &format!(", matching {pattern}");
    }
    limits
}

#[cfg(test)]
mod tests {
    use super::rows;
    use serde_json::json;

    #[test]
    fn each_key_has_a_row() {
        let schema = json!({
            "required": ["mode"],
            "properties": {
                "mode": { "enum": ["a", 1] },
                "count": { "type": "integer", "minimum": 1, "maximum": 9, "default": 3, "description": "How many." },
                "names": { "type": "array", "items": { "$ref": "#/$defs/name" } },
                "odd key": { "anyOf": [{ "type": "string" }, { "type": "boolean" }] },
                "inner": { "type": "object", "properties": { "width": true } },
                "map": { "type": "object", "additionalProperties": { "type": "number" } },
            },
            "$defs": { "name": { "type": "string", "maxLength": 3 } },
        });
        let mut shown: Vec<String> = rows(&schema)
            .iter()
            .map(|row| format!("{}: {}; {}", row.key, row.kind, row.notes.join("; ")))
            .collect();
        shown.sort();
        assert_eq!(
            shown,
            [
                "\"odd key\": text, or true or false; ",
                "count: whole number, at least 1, at most 9; default: 3; How many.",
                "inner.width: any value; ",
                "inner: table; ",
                "map: table of: number; ",
                "mode: one of \"a\", 1; required",
                "names: list of: text, at most 3 characters; ",
            ]
        );
    }
}
