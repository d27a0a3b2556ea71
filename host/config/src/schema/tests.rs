use serde_json::Value;

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
    visit(&schema(), "", &mut count);
    assert!(count > 80, "{count} keys");
}
