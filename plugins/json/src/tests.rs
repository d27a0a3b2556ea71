//! Tests of the filter `json`.

use super::Json;
use linemill_sdk::testing::{Line, Value, Verdict, json, lines, refusal, verdicts};

mod reference;

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
        ("", "the line is empty"),
        ("hello", "expected value at column 1"),
        ("[1]", "expected an object, found an array at column 1"),
        ("3", "expected an object, found a number at column 1"),
        (r#"{"a":1} x"#, "expected the end of the line at column 9"),
        (
            r#"{"a":1"#,
            "expected `,` or `}` at column 7, but the line ends",
        ),
        (r#"{"a":[1,}"#, "expected value at column 9"),
        (
            "{\"a\":\"\t\"}",
            "a control character in a string; it must be escaped at column 7",
        ),
    ] {
        assert_eq!(
            verdicts::<Json>(json!({}), [line]),
            [Verdict::Fail(Line(
                format!("not a JSON object: {reason}").into()
            ))],
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
    let part = json!({ "pick": ["a", "b.c"], "rename": { "a": "b" } });
    assert_eq!(one(part, r#"{"a":1,"b":{"d":2}}"#), r#"{"b":1}"#);
    let not_picked = json!({ "pick": ["a"], "rename": { "a": "b" } });
    assert_eq!(one(not_picked, r#"{"a":1,"b":2}"#), r#"{"b":1}"#);
}

#[test]
fn paths_lead_into_objects_and_arrays() {
    let line = r#"{"a": {"b": 1, "c": [1, {"d": 2, "e": 3}, 4]}, "a.b": 5}"#;
    for (settings, out) in [
        (
            json!({ "remove": ["a.b"] }),
            r#"{"a": {"c":[1, {"d": 2, "e": 3}, 4]}, "a.b": 5}"#,
        ),
        (
            json!({ "remove": ["/a.b"] }),
            r#"{"a":{"b": 1, "c": [1, {"d": 2, "e": 3}, 4]}}"#,
        ),
        (
            json!({ "remove": ["a.c[1].d"] }),
            r#"{"a": {"b": 1, "c": [1, {"e":3}, 4]}, "a.b": 5}"#,
        ),
        (
            json!({ "remove": ["a.c[0]", "/a/c/2"] }),
            r#"{"a": {"b": 1, "c": [{"d": 2, "e": 3}]}, "a.b": 5}"#,
        ),
        (
            json!({ "remove": ["a.c[*].d"] }),
            r#"{"a": {"b": 1, "c": [1, {"e":3}, 4]}, "a.b": 5}"#,
        ),
        (json!({ "pick": ["a.c[1].e"] }), r#"{"a":{"c":[{"e":3}]}}"#),
        (json!({ "pick": ["a.x", "a.b.y"] }), "{}"),
        (
            json!({ "rename": { "a.c[1].d": "f.g" } }),
            r#"{"a": {"b": 1, "c": [1, {"f.g":2,"e":3}, 4]}, "a.b": 5}"#,
        ),
        (
            json!({ "pick": ["a"], "remove": ["a.c"] }),
            r#"{"a":{"b":1}}"#,
        ),
    ] {
        assert_eq!(one(settings.clone(), line), out, "{settings}");
    }
}

#[test]
fn constants_are_set_in_place_or_added() {
    let set = json!({ "set": { "a": "x\"", "n.m": 1, "l[1]": true } });
    assert_eq!(
        one(set.clone(), r#"{"l": [1, 2], "a" : {"b": 1}, "n": {}}"#),
        r#"{"l": [1, true], "a" : "x\"", "n": {"m":1}}"#,
    );
    assert_eq!(
        one(
            json!({ "set": { "a": [1, { "b": null }], "n.m.o": 1, "n.p": 2 } }),
            "{ }"
        ),
        r#"{"a":[1,{"b":null}],"n":{"m":{"o":1},"p":2}}"#,
    );
    let exact = json!({ "set_json": { "a": " 1.50 ", "b": "null", "c": "[1, 2]" } });
    assert_eq!(
        one(exact, r#"{"b":1}"#),
        r#"{"b":null,"a":1.50,"c":[1, 2]}"#
    );
    for (line, reason) in [
        (r#"{"n":1,"l":[1,2]}"#, "set: cannot set `n.m` in a number"),
        (
            r#"{"n":{},"l":[1]}"#,
            "set: there is no `l[1]`; the array has the length 1",
        ),
        (r#"{"n":{},"l":{}}"#, "set: cannot set `l[1]` in an object"),
        (r#"{"n":{}}"#, "set: there is no `l[1]`"),
    ] {
        let verdict = verdicts::<Json>(set.clone(), [line]);
        assert_eq!(verdict, [Verdict::Fail(reason.into())], "{line}");
    }
    let each = json!({ "set": { "u[*].p": "x" } });
    assert_eq!(
        one(each.clone(), r#"{"u":[{"p":1},{}]}"#),
        r#"{"u":[{"p":"x"},{"p":"x"}]}"#
    );
    assert_eq!(verdicts::<Json>(each, [r#"{"u":[]}"#]), [Verdict::Pass]);
    for (path, line, reason) in [
        (
            "u[*].p",
            r#"{"u":1}"#,
            "set: cannot set `u[*].p` in a number",
        ),
        (
            "u[*].p",
            r#"{"u":{"0":{}}}"#,
            "set: cannot set `u[*].p` in an object",
        ),
        (
            "u[*].p",
            r#"{"u":null}"#,
            "set: cannot set `u[*].p` in `null`",
        ),
        (
            "u[*].p",
            r#"{"u":[{},1]}"#,
            "set: cannot set `u[*].p` in a number",
        ),
        ("u[*].p", "{}", "set: there is no `u[*].p`"),
        ("u[*]", r#"{"u":{}}"#, "set: cannot set `u[*]` in an object"),
        ("u[*]", "{}", "set: there is no `u[*]`"),
        (
            "u[*][*]",
            r#"{"u":[[1],2]}"#,
            "set: cannot set `u[*][*]` in a number",
        ),
        ("a.u[*]", r#"{"a":{}}"#, "set: there is no `a.u[*]`"),
    ] {
        let verdict = verdicts::<Json>(json!({ "set": { path: "x" } }), [line]);
        assert_eq!(verdict, [Verdict::Fail(reason.into())], "{path} {line}");
    }
}

#[test]
fn white_space_stays_unless_members_change_next_to_it() {
    let line = " { \"a\" : { \"b\" : [ 1 , 2 ] } , \"c\" : 3 } ";
    for (settings, out) in [
        (
            json!({ "remove": ["a.b[0]"] }),
            " { \"a\" : { \"b\" : [2] } , \"c\" : 3 } ",
        ),
        (
            json!({ "remove": ["c"] }),
            " {\"a\":{ \"b\" : [ 1 , 2 ] }} ",
        ),
        (
            json!({ "set": { "c": 4 } }),
            " { \"a\" : { \"b\" : [ 1 , 2 ] } , \"c\" : 4 } ",
        ),
        (
            json!({ "set": { "d": 4 } }),
            " {\"a\":{ \"b\" : [ 1 , 2 ] },\"c\":3,\"d\":4} ",
        ),
    ] {
        assert_eq!(one(settings.clone(), line), out, "{settings}");
    }
}

#[test]
fn a_byte_order_mark_stays() {
    let line = "\u{feff} {\"a\":1,\"b\":2}";
    assert_eq!(one(json!({ "remove": ["a"] }), line), "\u{feff} {\"b\":2}");
    assert_eq!(verdicts::<Json>(json!({}), [line]), [Verdict::Pass]);
    let twice = verdicts::<Json>(json!({}), ["\u{feff}\u{feff}{}"]);
    assert!(matches!(twice[0], Verdict::Fail(_)), "{twice:?}");
}

#[test]
fn half_a_surrogate_pair_is_not_the_empty_name() {
    let line = r#"{"\ud800":1,"\udc00":2,"":3}"#;
    assert_eq!(
        one(json!({ "remove": ["/"] }), line),
        r#"{"\ud800":1,"\udc00":2}"#
    );
    assert_eq!(one(json!({ "pick": ["/"] }), line), r#"{"":3}"#);
}

#[test]
fn equal_names_are_treated_alike() {
    let line = r#"{"a":{"b":1},"c":2,"a":{"b":3,"d":4}}"#;
    assert_eq!(
        one(json!({ "remove": ["a.b"] }), line),
        r#"{"a":{},"c":2,"a":{"d":4}}"#
    );
    assert_eq!(one(json!({ "remove": ["a"] }), line), r#"{"c":2}"#);
    assert_eq!(
        one(json!({ "rename": { "a": "x" } }), line),
        r#"{"x":{"b":1},"c":2,"x":{"b":3,"d":4}}"#
    );
    assert_eq!(
        one(json!({ "set": { "a": 0 } }), line),
        r#"{"a":0,"c":2,"a":0}"#
    );
}

#[test]
fn conditions_select_lines() {
    let input = [
        r#"{"level":"error","status":503,"user":{"id":1}}"#,
        r#"{"level":"info","status":503}"#,
        r#"{"level":"error","status":200}"#,
    ];
    let both = [
        json!({ "field": "level", "in": ["error", "fatal"] }),
        json!({ "field": "status", "min": 500 }),
    ];
    let settings = json!({ "where": both, "remove": ["status"] });
    assert_eq!(
        lines::<Json>(settings.clone(), input),
        [r#"{"level":"error","user":{"id":1}}"#]
    );
    let mut rest = settings;
    rest["otherwise"] = json!("pass");
    assert_eq!(lines::<Json>(rest.clone(), input)[1..], input[1..]);
    let absent = json!({ "where": [{ "field": "user.id", "exists": false }] });
    assert_eq!(lines::<Json>(absent, input), input[1..]);
    let wrong = verdicts::<Json>(rest, ["[1]", "{\"level\":}"]);
    for (verdict, reason) in wrong.into_iter().zip([
        "not a JSON object: expected an object, found an array at column 1",
        "not a JSON object: expected value at column 10",
    ]) {
        assert_eq!(verdict, Verdict::Fail(reason.into()));
    }
}

#[test]
fn contradictions_are_refused() {
    for (settings, reason) in [
        (
            json!({ "remove": ["a"], "rename": { "a.b": "c" } }),
            "`rename.a.b`: is inside `a`, which is removed",
        ),
        (
            json!({ "remove": ["a"], "set": { "a.b": 1 } }),
            "`set.a.b`: is inside `a`, which is removed",
        ),
        (
            json!({ "remove": ["a"], "pick": ["a.b"] }),
            "`pick`: is inside `a`, which is removed",
        ),
        (
            json!({ "remove": ["a"], "set": { "a": 1 } }),
            "`set.a`: the field is also in `remove`",
        ),
        (
            json!({ "set": { "a": 1, "a.b": 1 } }),
            "`set.a.b`: is inside what `set.a` sets as a whole",
        ),
        (
            json!({ "set": { "a": 1 }, "set_json": { "/a": "1" } }),
            "`set_json./a`: the field is also set as `set.a`",
        ),
        (
            json!({ "set": { "b": 1 }, "rename": { "a": "b" } }),
            "`set.b`: another field is renamed to `b`",
        ),
        (
            json!({ "set": { "a": 1 }, "rename": { "a": "b" } }),
            "`set.a`: the field is also in `rename`; set the new name",
        ),
        (
            json!({ "set": { "b.c": 1 }, "pick": ["a"] }),
            "`set.b.c`: is inside a field that is not picked; add that to `pick`",
        ),
        (
            json!({ "rename": { "a.b": "c", "/a/b": "d" } }),
            "`rename.a.b`: the field is also renamed as `/a/b`",
        ),
        (
            json!({ "rename": { "a[0]": "c" } }),
            "`rename.a[0]`: an element of an array has no name",
        ),
        (
            json!({ "remove": ["[0]"] }),
            "`remove`: `[0]` begins with an element of an array, but a line is an object",
        ),
        (
            json!({ "remove": ["a..b"] }),
            "`remove`: `a..b` has an empty name between dots; a name with dots is written as `/a.b`",
        ),
        (
            json!({ "remove": ["a[*]", "a[1]"] }),
            "`remove`: `a[1]` and another path name the same element of an array in different ways",
        ),
        (
            json!({ "set_json": { "a": "{x}" } }),
            "`set_json.a`: `{x}` is not JSON: expected a name in quotes or `}` at column 2",
        ),
        (
            json!({ "set_json": { "a": "[1,\n2]" } }),
            "`set_json.a`: must be on one line, without tabs; write control characters as escapes",
        ),
        (
            json!({ "otherwise": "pass" }),
            "`otherwise`: has no effect without `where`",
        ),
        (
            json!({ "where": [{ "field": "a" }] }),
            "`where[0]`: lacks a test; add `equals`, `in`, `matches`, `min`, `max` or `exists`",
        ),
    ] {
        assert_eq!(refusal::<Json>(settings), reason);
    }
}

#[test]
fn long_lines_take_no_longer_per_member() {
    // Every other member goes, at every level that has a rule.
    let members = r#""a": {"b" : 1 , "c" : 2 } , "b" : 1 ,"#.repeat(20_000);
    let line = format!("{{{members}\"z\":0}}");
    let out = one(json!({ "remove": ["b", "a.b", "z"] }), &line);
    assert_eq!(out, format!("{{{}}}", [r#""a":{"c":2}"#; 20_000].join(",")));
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
            "unknown key `keep`, expected one of `pick`, `remove`, `rename`, `set`, \
             `set_json`, `where`, `otherwise`",
        ),
        (
            json!({ "rename": { "a": 1 } }),
            "`rename.a`: must be a text; found the number 1",
        ),
    ] {
        assert_eq!(refusal::<Json>(settings), reason);
    }
}
