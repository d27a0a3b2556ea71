//! Tests of the filter `route`.

use linemill_sdk::testing::{Value, Verdict, json, refusal, verdicts};

use super::Route;

/// The routes that lines take; `-` for those that continue.
#[track_caller]
fn routes(settings: Value, input: &[&str]) -> Vec<String> {
    let verdicts = verdicts::<Route>(settings, input);
    let taken = verdicts.into_iter().map(|verdict| match verdict {
        Verdict::Pass => "-".to_owned(),
        Verdict::Route(route, inner) if *inner == Verdict::Pass => route,
        other => panic!("a line is changed: {other:?}"),
    });
    taken.collect()
}

#[test]
fn the_first_rule_that_fits_decides() {
    let settings = json!({ "rules": [
        { "route": "errors", "field": "level", "in": ["error", "fatal"] },
        { "route": "auth", "pattern": "sshd\\[" },
        { "route": "urgent", "severity": "<=3" },
        { "route": "errors", "pattern": "ERROR" },
    ] });
    let input = [
        r#"{"level":"error","msg":"sshd[1]"}"#,
        r#"{"level":"info","msg":"sshd[1]"}"#,
        r#"{"level":"info"}"#,
        "<34>1 - web sshd[7]: x",
        "<34>1 - web cron[7]: x",
        "<38>1 - web cron[7]: x",
        "ERROR",
        r#"{"level":"error""#,
        "",
    ];
    let expected = [
        "errors", "auth", "-", "auth", "urgent", "-", "errors", "-", "-",
    ];
    assert_eq!(routes(settings.clone(), &input), expected);
    let mut rest = settings;
    rest["default"] = json!("other");
    let expected = expected.map(|route| if route == "-" { "other" } else { route });
    assert_eq!(routes(rest, &input), expected);
}

#[test]
fn all_tests_of_a_rule_must_hold() {
    let rule = json!({
        "route": "a", "pattern": "disk", "severity": ">=notice", "field": "code", "min": 500,
    });
    let input = [r#"{"code":500,"m":"disk"}"#, "<13>disk"];
    assert_eq!(routes(json!({ "rules": [rule] }), &input), ["-", "-"]);
    let rule = json!({ "route": "a", "pattern": "disk", "severity": ">=notice" });
    assert_eq!(
        routes(
            json!({ "rules": [rule] }),
            &["<13>disk", "<13>x", "<11>disk", "disk"]
        ),
        ["a", "-", "-", "-"]
    );
    let rule = json!({ "route": "a", "pattern": "disk", "field": "code", "min": 500, "max": 599 });
    let input = [
        r#"{"code":5e2,"m":"disk"}"#,
        r#"{"code":600,"m":"disk"}"#,
        r#"{"code":500}"#,
    ];
    assert_eq!(routes(json!({ "rules": [rule] }), &input), ["a", "-", "-"]);
}

#[test]
fn a_table_sends_by_value() {
    let settings = json!({ "rules": [
        { "field": "/user/tier", "routes": { "gold": "vip", "1": "first", "null": "none", "true": "yes" } },
    ] });
    let line = |value: &str| format!(r#"{{"user": {{"tier": {value}}}}}"#);
    let lines = [
        r#""gold""#,
        "1",
        r#""1""#,
        "1.0",
        "null",
        "true",
        r#""silver""#,
        "[1]",
    ]
    .map(line);
    let lines = lines.each_ref().map(|line| &**line);
    assert_eq!(
        routes(settings, &lines),
        ["vip", "first", "first", "first", "none", "yes", "-", "-"]
    );
}

#[test]
fn a_line_that_is_not_json_meets_no_test_of_a_field() {
    let absent = json!({ "rules": [{ "route": "a", "field": "x", "exists": false }] });
    assert_eq!(
        routes(absent, &["{}", "[]", r#"{"x":1}"#, "x", "{"]),
        ["a", "a", "-", "-", "-"]
    );
    let not = json!({ "rules": [{ "route": "a", "field": "x", "equals": 1, "not": true }] });
    assert_eq!(
        routes(not, &["{}", r#"{"x":1}"#, r#"{"x":2}"#, "x"]),
        ["a", "-", "a", "-"]
    );
}

#[test]
fn lines_are_bytes() {
    let settings = json!({ "rules": [{ "route": "a", "pattern": "x$" }] });
    let input: [&[u8]; 2] = [b"\xff\x00x", b"\xfe"];
    assert_eq!(
        verdicts::<Route>(settings, input),
        [Verdict::Pass.by("a"), Verdict::Pass]
    );
}

#[test]
fn refusals_name_the_key() {
    for (rule, reason) in [
        (
            json!({ "route": "a" }),
            "`rules[0]`: fits every line; add `pattern`, `severity` or `field`",
        ),
        (
            json!({ "pattern": "a" }),
            "`rules[0]`: lacks `route`, the name of a route",
        ),
        (
            json!({ "route": "a", "routes": { "b": "c" }, "field": "d" }),
            "`rules[0]`: has both `route` and `routes`; remove one",
        ),
        (
            json!({ "routes": { "b": "c" }, "pattern": "d" }),
            "`rules[0]`: with `routes`, needs `field` and no other test of its value",
        ),
        (
            json!({ "routes": { "b": "c" }, "field": "d", "equals": 1 }),
            "`rules[0]`: with `routes`, needs `field` and no other test of its value",
        ),
        (
            json!({ "route": "a", "field": "d", "min": "5" }),
            "`rules[0].min`: must be a number; found the text \"5\"",
        ),
        (
            json!({ "routes": {}, "field": "d" }),
            "`rules[0].routes`: needs a value and its route, such as { error = \"errors\" }",
        ),
        (
            json!({ "route": "a", "equals": 1 }),
            "`rules[0]`: has a test but lacks `field`, the path of the value",
        ),
        (
            json!({ "route": "a", "pattern": "b", "equals": 1 }),
            "`rules[0]`: has a test but lacks `field`, the path of the value",
        ),
        (
            json!({ "route": "a", "field": "b" }),
            "`rules[0]`: lacks a test; add `equals`, `in`, `matches`, `min`, `max` or `exists`",
        ),
        (
            json!({ "route": "a", "field": "b..c", "equals": 1 }),
            "`rules[0].field`: `b..c` has an empty name between dots; a name with dots is written as `/a.b`",
        ),
        (
            json!({ "route": "a", "pattern": "(" }),
            "`rules[0].pattern`: `(` is not a valid regular expression: unclosed group",
        ),
        (
            json!({ "route": "a", "severity": "loud" }),
            "`rules[0].severity`: `loud` is not a severity or a range of them, such as `err`, `3`, or `<=err` for it and all that are more urgent; there are emerg (0), alert, crit, err, warning, notice, info and debug (7)",
        ),
        (
            json!({ "route": "rest", "pattern": "a" }),
            "`rest` is not a valid route name: it stands for the lines that take no route",
        ),
    ] {
        assert_eq!(refusal::<Route>(json!({ "rules": [rule] })), reason);
    }
    assert_eq!(
        refusal::<Route>(json!({})),
        "`rules`: needs a rule, such as { route = \"errors\", pattern = \"ERROR\" }",
    );
    let many = vec![json!({ "route": "a", "pattern": "b" }); 257];
    assert_eq!(
        refusal::<Route>(json!({ "rules": many })),
        "`rules`: has 257 rules; at most 256 are allowed"
    );
}
