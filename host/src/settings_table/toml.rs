//! JSON values as a configuration contains them.
//!
//! In: values of settings. Out: TOML on one line.

use serde_json::Value;

/// A value; `null`, which TOML does not have, is left out of tables and lists.
pub fn value(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items = items.iter().filter(|item| !item.is_null());
            let items: Vec<_> = items.map(self::value).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(entries) if entries.is_empty() => "{ }".to_owned(),
        Value::Object(entries) => {
            let entries = entries.iter().filter(|(_, value)| !value.is_null());
            let entry = |(name, value): (&String, &Value)| {
                format!("{} = {}", key(name), self::value(value))
            };
            let entries: Vec<_> = entries.map(entry).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        Value::String(string) => text(string),
        other => other.to_string(),
    }
}

/// A text in quotes. The escapes of JSON are escapes of TOML, too.
pub fn text(text: &str) -> String {
    Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

/// A key, in quotes if it must be.
pub fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    if !name.is_empty() && name.chars().all(bare) {
        name.to_owned()
    } else {
        text(name)
    }
}

#[cfg(test)]
mod tests {
    use super::value;
    use serde_json::json;

    #[test]
    fn values_are_written_on_one_line() {
        for (json, toml) in [
            (
                json!([1, 2.5, true, "a\"b\n"]),
                r#"[1, 2.5, true, "a\"b\n"]"#,
            ),
            (json!({ "a": null, "b c": {} }), r#"{ "b c" = { } }"#),
            (json!({ "a-b": [{ "": 1 }] }), r#"{ a-b = [{ "" = 1 }] }"#),
        ] {
            assert_eq!(value(&json), toml);
        }
    }
}
