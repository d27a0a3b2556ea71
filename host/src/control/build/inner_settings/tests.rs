use std::path::Path;

use serde_json::json;

use super::*;

fn wrong(schema: &Value, config: &str) -> Vec<String> {
    let settings = linemill_config::parse(Path::new("a.toml"), config, &["rot13"]).expect("valid");
    match check_now(&settings.filters["a"], schema) {
        Ok(()) => Vec::new(),
        Err(Wrong::Schema(refusal)) => panic!("{refusal}"),
        Err(Wrong::Settings(problems)) => problems.iter().map(ToString::to_string).collect(),
    }
}

fn schema() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["mode"],
        "properties": {
            "mode": { "enum": ["lower", "upper"], "description": "How." },
            "count": { "type": "integer", "minimum": 1, "maximum": 9 },
            "names": { "type": "array", "items": { "$ref": "#/$defs/name" }, "uniqueItems": true },
            "inner": {
                "type": "object",
                "additionalProperties": false,
                "properties": { "width": { "type": "integer" } },
            },
            "either": { "anyOf": [
                { "type": "string" },
                { "type": "object", "properties": { "path": { "type": "string" } } },
            ] },
        },
        "$defs": { "name": { "type": "string", "pattern": "^[a-z]+$", "maxLength": 3 } },
    })
}

#[test]
fn each_mistake_is_reported_at_its_place() {
    for (settings, place, what) in [
        (
            "mode = 'uper'",
            "a.toml:2:8",
            "key `settings.mode` of filter `a`: `uper` is not one of the choices",
        ),
        (
            "mode = 'lower'\ncount = 10",
            "a.toml:3:9",
            "`10` is more than the largest number allowed, 9",
        ),
        (
            "mode = 'lower'\ncount = 'x'",
            "a.toml:3:9",
            "`x` is a text, not a whole number",
        ),
        (
            "mode = 'lower'\ncuont = 1",
            "a.toml:3:1",
            "unknown key `cuont` of `settings` of filter `a`",
        ),
        (
            "mode = 'lower'\nnames = ['ab', 'X']",
            "a.toml:3:16",
            "key `settings.names[1]` of filter `a`: `X` does not have the required form",
        ),
        (
            "mode = 'lower'\nnames = ['ab', 'ab']",
            "a.toml:3:9",
            "a list has an item twice",
        ),
        (
            "mode = 'lower'\ninner = { width = 1, hight = 2 }",
            "a.toml:3:22",
            "unknown key `hight` of `settings.inner`",
        ),
        (
            "mode = 'lower'\ninner.width = 'x'",
            "a.toml:3:15",
            "key `settings.inner.width`",
        ),
        (
            "mode = 'lower'\n[filter.a.settings.inner]\nwidth = false",
            "a.toml:4:9",
            "`false` is true or false, not a whole number",
        ),
        (
            "mode = 'lower'\neither = { path = 7 }",
            "a.toml:3:19",
            "key `settings.either.path`",
        ),
        (
            "mode = 'lower'\neither = 7",
            "a.toml:3:10",
            "`7` has none of the forms",
        ),
        (
            "count = 1",
            "a.toml:1:",
            "key `settings.mode` of filter `a` is missing",
        ),
    ] {
        let found = wrong(&schema(), &format!("[filter.a.settings]\n{settings}\n"));
        assert_eq!(found.len(), 1, "{settings}: {found:?}");
        assert!(
            found[0].starts_with(&format!("error: {place}")),
            "{settings}: {}",
            found[0]
        );
        assert!(found[0].contains(what), "{settings}: {}", found[0]);
    }
    let right =
        "[filter.a.settings]\nmode = 'upper'\ncount = 9\nnames = ['a', 'b']\neither = 'x'\n";
    assert_eq!(wrong(&schema(), right), [""; 0]);
}

#[test]
fn a_filter_without_settings_takes_none() {
    let schema = json!({ "type": "object", "additionalProperties": false });
    let mut found = wrong(&schema, "[filter.a]\nsettings = { by = 14, at = 1 }\n");
    found.sort();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].starts_with("error: a.toml:2:14: unknown key `by` of `settings` of filter `a`"),
        "{found:?}"
    );
    assert!(
        found[1].contains("this filter takes no settings"),
        "{found:?}"
    );
}

#[test]
fn hints_say_what_is_right() {
    for (settings, hint) in [
        (
            "mode = 'uper'",
            "did you mean `upper`? choices: `lower`, `upper`",
        ),
        (
            "mode = 'lower'\ncuont = 1",
            "did you mean `count`? known keys: ",
        ),
        ("mode = 'lower'\ncount = 'x'", "write a whole number"),
        ("count = 1", "described as: How"),
    ] {
        let found = wrong(&schema(), &format!("[filter.a.settings]\n{settings}\n"));
        assert!(found[0].contains(hint), "{settings}: {}", found[0]);
    }
}

#[test]
fn many_mistakes_are_reported_and_not_all_of_a_flood() {
    let config = "[filter.a.settings]\nmode = 'x'\ncount = 0\nnames = [1]\n";
    assert_eq!(wrong(&schema(), config).len(), 3);
    let names = "1,".repeat(1000);
    let config = format!("[filter.a.settings]\nmode = 'lower'\nnames = [{names}]\n");
    assert_eq!(wrong(&schema(), &config).len(), REPORTS);
}

#[test]
fn what_is_no_schema_is_refused() {
    for schema in [
        json!({ "type": "word" }),
        json!({ "properties": [] }),
        json!({ "pattern": "(" }),
        json!({ "pattern": "(?=a)" }),
        json!({ "pattern": "((a{100}){100}){100}" }),
        json!({ "$ref": "http://127.0.0.1/schema" }),
    ] {
        assert!(validator(&schema).is_err(), "{schema}");
    }
}

#[test]
fn patterns_take_linear_time() {
    let schema = json!({ "properties": { "a": { "pattern": "^(a+)+$" } } });
    let validator = validator(&schema).expect("valid");
    let settings = json!({ "a": format!("{}b", "a".repeat(100_000)) });
    let began = std::time::Instant::now();
    assert!(!validator.is_valid(&settings));
    assert!(began.elapsed() < Duration::from_secs(5));
}
