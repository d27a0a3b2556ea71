//! A filter's settings: from TOML to JSON.
//!
//! In: any TOML table. Out: a JSON object; dates and times become strings. Numbers that JSON cannot
//! express are refused; the error shows their place and path. Also, the places of everything in it.

use serde_json::{Map, Number, Value};
use toml::de::DeValue;

use super::item::{Item, Table};
use super::json_pointer;
use super::printable::quote;
use super::problem::Problem;
use super::problem::place::InnerPlaces;

/// The settings of a filter.
pub(super) fn object(item: &Item<'_>) -> Result<Value, Problem> {
    match item.value() {
        DeValue::Table(_) => value(item, "settings"),
        _ => Err(item.refuse(
            "is not a table",
            "write settings = { key = value }, or a table [filter.NAME.settings]",
        )),
    }
}

/// The places of everything in the settings of a filter, as the JSON Pointers in [`object`] lead to it.
/// `table` is that of the filter, or of its version on trial.
pub(super) fn places_of(table: &Table<'_>) -> InnerPlaces {
    let mut places = InnerPlaces::default();
    if let Some(item) = table.item("settings") {
        places.set(String::new(), item.place.clone(), item.place.clone());
        collect(&item, "", &mut places);
    }
    places
}

fn collect(item: &Item<'_>, pointer: &str, places: &mut InnerPlaces) {
    match item.value() {
        DeValue::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                let pointer = format!("{pointer}/{index}");
                let inner = item.inner(inner, String::new());
                places.set(pointer.clone(), inner.place.clone(), inner.place.clone());
                collect(&inner, &pointer, places);
            }
        }
        DeValue::Table(entries) => {
            for (key, inner) in entries.iter() {
                let pointer = json_pointer::entry(pointer, key.get_ref());
                let inner = item.inner(inner, String::new());
                places.set(pointer.clone(), item.place_of_key(key), inner.place.clone());
                collect(&inner, &pointer, places);
            }
        }
        _ => {}
    }
}

/// Any value; `path` leads to it.
fn value(item: &Item<'_>, path: &str) -> Result<Value, Problem> {
    Ok(match item.value() {
        DeValue::String(text) => Value::String(text.clone().into_owned()),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(time) => Value::String(time.to_string()),
        DeValue::Integer(number) => {
            let (digits, radix) = (number.as_str(), number.radix());
            let signed = i64::from_str_radix(digits, radix).map(Number::from);
            let number = signed.or_else(|_| u64::from_str_radix(digits, radix).map(Number::from));
            Value::Number(
                number.map_err(|_| item.refuse("has more than 64 bits", "write it as a text"))?,
            )
        }
        DeValue::Float(number) => {
            let number = number.as_str().parse().ok().and_then(Number::from_f64);
            let wrong = || {
                item.refuse(
                    "is a number that JSON does not have",
                    "write a finite number, or a text",
                )
            };
            Value::Number(number.ok_or_else(wrong)?)
        }
        DeValue::Array(items) => {
            let inner = |(index, inner)| {
                let path = format!("{path}[{index}]");
                value(&item.inner(inner, format!("key {}", quote(&path))), &path)
            };
            Value::Array(
                items
                    .iter()
                    .enumerate()
                    .map(inner)
                    .collect::<Result<_, _>>()?,
            )
        }
        DeValue::Table(entries) => {
            let mut object = Map::new();
            for (key, inner) in entries.iter() {
                let path = format!("{path}.{}", key.get_ref());
                let inner = value(&item.inner(inner, format!("key {}", quote(&path))), &path)?;
                object.insert(key.get_ref().clone().into_owned(), inner);
            }
            Value::Object(object)
        }
    })
}

#[cfg(test)]
mod tests {
    use crate::parse;
    use serde_json::json;
    use std::path::Path;

    #[test]
    fn every_kind_of_value_arrives() {
        let text = r#"
            [filter.a.settings]
            text = "é\u0000"
            whole = -9223372036854775808
            large = 9223372036854775808
            hex = 0xff
            half = 0.5
            yes = true
            day = 1979-05-27T07:32:00Z
            list = [1, [], { a = "b" }]
            inner.most = {}
        "#;
        let settings = parse(Path::new("a.toml"), text, &[]).expect("valid");
        let expected = json!({
            "text": "é\u{0}", "whole": i64::MIN, "large": 1_u64 << 63, "hex": 255, "half": 0.5, "yes": true,
            "day": "1979-05-27T07:32:00Z", "list": [1, [], { "a": "b" }], "inner": { "most": {} },
        });
        assert_eq!(settings.filters["a"].settings, expected);
    }

    #[test]
    fn everything_in_settings_has_a_place() {
        let text = r#"
            [filter.a]
            settings.list = ["x", { "a/b" = 7 }]
            [filter.b]
            settings = { one.two = 1 }
            [filter.c.settings]
            plain = true
            [filter.c.settings.sub]
            deep = 2.5
        "#;
        let settings = parse(Path::new("a.toml"), text, &[]).expect("valid");
        let shown = |filter: &str, pointer: &str| {
            let places = &settings.filters[filter].inner_places;
            let text = |place: Option<&crate::Place>| {
                place.and_then(crate::Place::text).map(str::to_owned)
            };
            (text(places.key(pointer)), text(places.value(pointer)))
        };
        for (filter, pointer, key, value) in [
            ("a", "/list/0", "\"x\"", "\"x\""),
            ("a", "/list/1/a~1b", "\"a/b\"", "7"),
            ("b", "/one/two", "two", "1"),
            ("c", "/plain", "plain", "true"),
            ("c", "/sub/deep", "deep", "2.5"),
            ("c", "/sub/deep/none/3", "2.5", "2.5"),
        ] {
            let expected = (Some(key.to_owned()), Some(value.to_owned()));
            assert_eq!(shown(filter, pointer), expected, "{filter} {pointer}");
        }
    }
}
