//! Tests of the filter `json`.

use super::Json;
use linemill_sdk::testing::{Value, Verdict, json, lines, refusal, verdicts};

const LINE: &str = r#"{"time": 1.50, "level":"info" ,"user":{"id":7,"mail":"a@b.c"},"n":[1, 2]}"#;

#[track_caller]
fn one(settings: Value, line: &str) -> String {
    let out = lines::<Json>(settings, [line]);
    assert_eq!(out.len(), 1);
    String::from_utf8(out[0].0.clone()).unwrap()
}

#[test]
fn picks_in_the_order_of_the_line() {
    let out = one(json!({ "pick": ["user", "time", "none"] }), LINE);
    assert_eq!(out, r#"{"time":1.50,"user":{"id":7,"mail":"a@b.c"}}"#);
}

#[test]
fn removes() {
    assert_eq!(
        one(json!({ "remove": ["user", "n"] }), LINE),
        r#"{"time":1.50,"level":"info"}"#
    );
    assert_eq!(one(json!({ "remove": ["a"] }), r#"{"a":1}"#), "{}");
}

#[test]
fn renames_in_place() {
    let settings = json!({ "rename": { "level": "severity", "n": "na\"me" } });
    assert_eq!(
        one(settings, r#"{"a":1,"level":"x","n":null}"#),
        r#"{"a":1,"severity":"x","na\"me":null}"#
    );
}

#[test]
fn settings_can_be_combined() {
    let settings = json!({ "pick": ["level", "n"], "rename": { "n": "list" } });
    assert_eq!(one(settings, LINE), r#"{"level":"info","list":[1, 2]}"#);
}

#[test]
fn names_can_be_swapped() {
    let settings = json!({ "rename": { "a": "b", "b": "a" } });
    assert_eq!(one(settings, r#"{"a":1,"b":2}"#), r#"{"b":1,"a":2}"#);
}

#[test]
fn names_are_compared_unescaped() {
    assert_eq!(
        one(
            json!({ "remove": ["user", "ü"] }),
            r#"{"us\u0065r":1,"\u00fc":2,"x\n":3}"#
        ),
        r#"{"x\n":3}"#
    );
}

#[test]
fn only_top_level_names_count() {
    assert_eq!(
        one(json!({ "remove": ["id"] }), r#"{"user":{"id":7}}"#),
        r#"{"user":{"id":7}}"#
    );
}

#[test]
fn a_line_without_changes_passes_unchanged() {
    let odd = r#" { "a" : 1e400 , "a":-0, "b":"\ud834\udd1e" } "#;
    for settings in [
        json!({}),
        json!({ "remove": ["x"] }),
        json!({ "pick": ["a", "b"] }),
    ] {
        assert_eq!(
            verdicts::<Json>(settings, [odd, "{}"]),
            [Verdict::Pass, Verdict::Pass]
        );
    }
}

#[test]
fn a_line_that_is_not_an_object_fails_with_the_reason() {
    for (line, reason) in [
        (
            "",
            "not a JSON object: EOF while parsing a value at column 0",
        ),
        ("hello", "not a JSON object: expected value at column 1"),
        (
            "[1]",
            "not a JSON object: invalid type: sequence, expected an object at column 0",
        ),
        (
            "3",
            "not a JSON object: invalid type: integer `3`, expected an object at column 1",
        ),
        (
            r#"{"a":1} x"#,
            "not a JSON object: trailing characters at column 9",
        ),
        (
            r#"{"a":1"#,
            "not a JSON object: EOF while parsing an object at column 6",
        ),
        (
            r#"{"a":[1,}"#,
            "not a JSON object: expected value at column 9",
        ),
    ] {
        assert_eq!(
            verdicts::<Json>(json!({}), [line]),
            [Verdict::Fail(reason.into())],
            "{line}"
        );
    }
    let verdicts = verdicts::<Json>(json!({}), [&b"{\"a\":\"\xff\"}"[..], b"{\"a\":1}"]);
    assert!(
        matches!(verdicts[0], Verdict::Fail(_)),
        "JSON is UTF-8: {verdicts:?}"
    );
    assert_eq!(
        verdicts[1],
        Verdict::Pass,
        "a failure does not affect other lines"
    );
}

#[test]
fn a_line_that_already_has_the_new_name_fails() {
    let settings = json!({ "rename": { "a": "b" } });
    let reason = "rename: the object already has a field \"b\"";
    for line in [r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#] {
        assert_eq!(
            verdicts::<Json>(settings.clone(), [line]),
            [Verdict::Fail(reason.into())]
        );
    }
    assert_eq!(verdicts::<Json>(settings, [r#"{"b":2}"#]), [Verdict::Pass]);
    let removed = json!({ "remove": ["b"], "rename": { "a": "b" } });
    assert_eq!(one(removed, r#"{"a":1,"b":2}"#), r#"{"b":1}"#);
    let not_picked = json!({ "pick": ["a"], "rename": { "a": "b" } });
    assert_eq!(one(not_picked, r#"{"a":1,"b":2}"#), r#"{"b":1}"#);
}

#[test]
fn refusals_name_the_key() {
    for (settings, reason) in [
        (
            json!({ "pick": [] }),
            "`pick`: needs at least one field; omit the key to pick all fields",
        ),
        (
            json!({ "pick": ["a"], "remove": ["a"] }),
            "`remove`: `a` is also in `pick`",
        ),
        (
            json!({ "remove": ["a"], "rename": { "a": "b" } }),
            "`rename.a`: the field is also in `remove`",
        ),
        (
            json!({ "pick": ["b"], "rename": { "a": "b" } }),
            "`rename.a`: the field is not picked; add it to `pick`",
        ),
        (
            json!({ "rename": { "a": "c", "b": "c" } }),
            "`rename.b`: another field is also renamed to \"c\"",
        ),
        (
            json!({ "keep": [] }),
            "unknown key `keep`, expected one of `pick`, `remove`, `rename`",
        ),
        (
            json!({ "rename": { "a": 1 } }),
            "`rename.a`: must be a text; found the number 1",
        ),
    ] {
        assert_eq!(refusal::<Json>(settings), reason);
    }
}
