use serde_json::{Value, json};

use super::schema;

#[test]
fn every_key_has_a_description() {
    /// Checks the schema of a value and of those in it.
    fn visit(schema: &Value, at: &str, count: &mut usize) {
        match schema {
            Value::Object(object) => {
                for (name, key) in object
                    .get("properties")
                    .and_then(Value::as_object)
                    .into_iter()
                    .flatten()
                {
                    let text = key["description"].as_str().unwrap_or_default();
                    assert!(
                        !text.is_empty() && !text.contains("]("),
                        "{at}.{name}: {text}"
                    );
                    *count += 1;
                }
                for (name, inner) in object {
                    visit(inner, &format!("{at}.{name}"), count);
                }
            }
            Value::Array(items) => items.iter().for_each(|inner| visit(inner, at, count)),
            _ => {}
        }
    }
    let mut count = 0;
    visit(&schema(&[]), "", &mut count);
    assert!(count > 80, "{count} keys");
}

#[test]
fn settings_depend_on_the_plugin() {
    let settings = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "properties": { "a": { "$ref": "#/$defs/word" }, "b": { "default": { "$ref": "#/x" } } },
        "$defs": { "word": { "type": "string", "description": "A word." } },
    });
    let whole = schema(&[("./a b.wasm".to_owned(), settings)]);
    let inside = &whole["definitions"]["plugin ./a b.wasm"];
    let root = "#/definitions/plugin%20.~1a%20b.wasm";
    assert_eq!(
        inside["properties"]["a"]["$ref"],
        format!("{root}/$defs/word")
    );
    assert_eq!(inside["properties"]["b"]["default"]["$ref"], "#/x");
    assert_eq!(inside.get("$schema"), None);
    assert_eq!(
        inside["$defs"]["word"]["anyOf"][1]["$ref"],
        "#/definitions/outside"
    );
    let rule = &whole["definitions"]["filter"]["allOf"][0];
    assert_eq!(rule["if"]["properties"]["plugin"]["const"], "./a b.wasm");
    assert_eq!(rule["then"]["properties"]["settings"]["$ref"], root);
}
