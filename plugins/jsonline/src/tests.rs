//! Tests of the scanner against serde_json, and of paths and conditions.

use serde_json::Value;

use crate::{Finder, Kind, Path, Scan, decode, write_bytes, write_string};

/// Whether serde_json takes it for JSON; nested values are not decoded, as here.
fn reference(line: &[u8]) -> bool {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    serde_json::from_slice::<&serde_json::value::RawValue>(line).is_ok()
}

fn accepted(line: &[u8]) -> bool {
    let checked = Scan::new(line).and_then(|mut scan| {
        scan.value()?;
        scan.end()
    });
    checked.is_ok()
}

mod generated {
    use proptest::prelude::*;

    use super::{accepted, reference};

    const PARTS: &[&str] = &[
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "\\u00",
        "\\ud83d",
        "\\n",
        "\"a\"",
        "\"\"",
        "0",
        "1",
        "-",
        ".",
        "e",
        "E+",
        "12",
        "true",
        "false",
        "null",
        "nul",
        " ",
        "\t",
        "\r",
        "\u{1}",
        "ü",
        "\u{7f}",
        "\"aaaaaaaaaaaaaaaa\"",
        "\"k\":",
        "{\"k\":",
        "},",
        "],",
        "\u{feff}",
        "abcdefgh",
    ];
    const LEAVES: &[&str] = &[
        "0",
        "-0",
        "1.50",
        "1e400",
        "-12.5E-3",
        "123456789012345678901234567890",
        "true",
        "false",
        "null",
        r#""""#,
        r#""a\n\u00e9\ud83d\ude00""#,
        r#""\ud800""#,
        r#""ünïcode, and long""#,
        r#""\"quoted\" \\ \/""#,
        "{}",
        "[]",
        "[ ]",
        "{ }",
    ];
    const NAMES: &[&str] = &[
        "a", "b", "c", "a.b", "", r"\u0061", r"\ud800", "ü", "0", "1",
    ];
    const BLANKS: &[&str] = &["", "", "", " ", "\t ", "\r"];

    /// A value, with white space in all places.
    pub(crate) fn value() -> impl Strategy<Value = String> {
        let blank = || prop::sample::select(BLANKS);
        let leaf = prop::sample::select(LEAVES).prop_map(str::to_owned);
        leaf.prop_recursive(4, 40, 5, move |inner| {
            let element =
                (blank(), inner.clone(), blank()).prop_map(|(a, v, b)| format!("{a}{v}{b}"));
            let name = prop::sample::select(NAMES);
            let member = (blank(), name, blank(), blank(), inner, blank());
            let member = member.prop_map(|(a, n, b, c, v, d)| format!("{a}\"{n}\"{b}:{c}{v}{d}"));
            let array = prop::collection::vec(element, 1..5);
            let object = prop::collection::vec(member, 1..5);
            prop_oneof![
                array.prop_map(|parts| format!("[{}]", parts.join(","))),
                object.prop_map(|parts| format!("{{{}}}", parts.join(","))),
            ]
        })
    }

    /// A document, or nearly one.
    fn line() -> impl Strategy<Value = Vec<u8>> {
        let parts = prop::collection::vec(prop::sample::select(PARTS), 0..14);
        let mixed = parts.prop_map(|parts| parts.concat().into_bytes());
        let change = (
            any::<prop::sample::Index>(),
            prop::sample::select(PARTS),
            0..3usize,
        );
        let changes = prop::collection::vec(change, 0..3);
        let mutated = (value(), changes).prop_map(|(value, changes)| {
            let mut line = value.into_bytes();
            for (at, part, cut) in changes {
                let at = at.index(line.len() + 1);
                let to = (at + cut).min(line.len());
                line.splice(at..to, part.bytes());
            }
            line
        });
        prop_oneof![mixed, mutated]
    }

    /// No files of failures: the folder is part of the repository.
    fn config(cases: u32) -> ProptestConfig {
        ProptestConfig {
            cases,
            failure_persistence: None,
            ..ProptestConfig::default()
        }
    }

    proptest! {
        #![proptest_config(config(1_500))]

        #[test]
        fn a_line_is_json_if_serde_json_says_so(line in line()) {
            let text = String::from_utf8_lossy(&line);
            prop_assert_eq!(accepted(&line), reference(&line), "{}", text);
        }

        #[test]
        fn strings_are_decoded_and_written_as_serde_json_does(text in ".*", quoted in r#""(\\[nrtbf"/\\]|\\u[0-9a-f]{4}|[a-zü])*""#) {
            let mut written = Vec::new();
            super::write_string(&text, &mut written);
            prop_assert_eq!(&written, &serde_json::to_vec(&text).unwrap());
            prop_assert_eq!(&*super::decode(&written), text.as_bytes());
            if let Ok(expected) = serde_json::from_str::<String>(&quoted) {
                prop_assert_eq!(&*super::decode(quoted.as_bytes()), expected.as_bytes());
            }
        }

        #[test]
        fn values_are_found_as_pointers_find_them(value in value()) {
            let Ok(document) = serde_json::from_str::<super::Value>(&value) else {
                return Ok(());
            };
            let paths = ["/a", "/a/0", "/b/a/c", "/a.b", "/0/1", "/ü", "/"];
            let mut finder = super::Finder::default();
            for path in paths {
                finder.add(&super::Path::parse(path).unwrap()).unwrap();
            }
            let mut found = Vec::new();
            finder.find(value.as_bytes(), &mut found).unwrap();
            for (number, path) in paths.iter().enumerate() {
                let here: Vec<_> = found.iter().filter(|(path, _)| *path == number).collect();
                prop_assert!(here.len() <= 1);
                let here = here.first().map(|(_, range)| {
                    serde_json::from_str::<super::Value>(&value[range.clone()]).unwrap()
                });
                prop_assert_eq!(here.as_ref(), document.pointer(path), "{}", path);
            }
        }
    }
}

#[test]
fn problems_name_the_column_and_what_was_expected() {
    for (line, problem) in [
        ("", "the line is empty"),
        (" \t", "the line is empty"),
        ("hello", "expected value at column 1"),
        (
            r#"{"a":1"#,
            "expected `,` or `}` at column 7, but the line ends",
        ),
        (r#"{"a":[1,}"#, "expected value at column 9"),
        (r#"{"a":[1 2]}"#, "expected `,` or `]` at column 9"),
        (r#"{"a" 1}"#, "expected `:` at column 6"),
        (r#"{a:1}"#, "expected a name in quotes or `}` at column 2"),
        (r#"{"a":1,}"#, "expected a name in quotes at column 8"),
        (r#"{"a":tru}"#, "expected `true` at column 6"),
        (r#"{"a":01}"#, "a number must not begin with 0 at column 6"),
        (r#"{"a":1.}"#, "expected a digit at column 8"),
        (r#"{"a":-}"#, "expected a digit at column 7"),
        (
            r#"{"a":"b"#,
            "expected a closing quote at column 8, but the line ends",
        ),
        (
            r#"{"a":"\x"}"#,
            r"expected an escape such as `\n` or `\u000a` at column 8",
        ),
        (
            r#"{"a":"\u00g0"}"#,
            "expected four hexadecimal digits at column 11",
        ),
        (
            "[\"a\tb\"]",
            "a control character in a string; it must be escaped at column 4",
        ),
        ("[1] x", "expected the end of the line at column 5"),
    ] {
        let checked = Scan::new(line.as_bytes()).and_then(|mut scan| {
            scan.value()?;
            scan.end()
        });
        assert_eq!(checked.unwrap_err().to_string(), problem, "{line}");
    }
    let bytes = Scan::new(b"\"a\xff\"").unwrap_err();
    assert_eq!(bytes.to_string(), "a byte that is not UTF-8 at column 3");
}

#[test]
fn nesting_may_be_deep() {
    for depth in [1, 63, 64, 65, 127, 128, 129, 100_000] {
        let objects = format!("{}1{}", r#"{"a":["#.repeat(depth), "]}".repeat(depth));
        assert!(accepted(objects.as_bytes()), "{depth}");
        let wrong = format!("{}1{}]]", r#"{"a":["#.repeat(depth), "]}".repeat(depth - 1));
        assert!(!accepted(wrong.as_bytes()), "{depth}");
        assert!(!accepted("[".repeat(depth).as_bytes()), "{depth}");
    }
}

#[test]
fn halves_of_pairs_are_texts_of_their_own() {
    assert_eq!(&*decode(br#""\ud800""#), b"\xed\xa0\x80");
    assert_eq!(&*decode(br#""\udc00\ud800""#), b"\xed\xb0\x80\xed\xa0\x80");
    assert_eq!(
        &*decode(br#""\ud800\ud800\udc00""#),
        b"\xed\xa0\x80\xf0\x90\x80\x80"
    );
}

#[test]
fn bytes_that_are_not_utf_8_become_replacement_characters() {
    let mut out = Vec::new();
    write_bytes(b"a\xff\"\xc3(", &mut out);
    assert_eq!(out, "\"a\u{fffd}\\\"\u{fffd}(\"".as_bytes());
}

#[test]
fn paths_that_are_not_valid_are_refused() {
    for (path, problem) in [
        (
            "",
            "`` names no field; the field with the empty name is `/`",
        ),
        (
            "a..b",
            "`a..b` has an empty name between dots; a name with dots is written as `/a.b`",
        ),
        (
            ".a",
            "`.a` has an empty name between dots; a name with dots is written as `/a.b`",
        ),
        (
            "a[x]",
            "`a[x]` has brackets without a number or `*`; a name with brackets is written as `/a[b]`",
        ),
        (
            "a[1",
            "`a[1` has brackets without a number or `*`; a name with brackets is written as `/a[b]`",
        ),
        (
            "/a~b",
            "`/a~b` has a `~` that stands for nothing; write `~0` for `~` and `~1` for `/`",
        ),
    ] {
        assert_eq!(Path::parse(path).unwrap_err(), problem);
    }
    let long = vec!["a"; crate::MAX_STEPS + 1].join(".");
    assert!(
        Path::parse(&long)
            .unwrap_err()
            .ends_with("has more than 32 steps")
    );
    let mut finder = Finder::default();
    finder.add(&Path::parse("a[0]").unwrap()).unwrap();
    for other in ["a.0", "/a/0", "a[*]"] {
        let refused = finder.add(&Path::parse(other).unwrap()).unwrap_err();
        assert!(
            refused.starts_with(&format!("`{other}` and another path")),
            "{refused}"
        );
    }
    finder.add(&Path::parse("a[1]").unwrap()).unwrap();
}

#[track_caller]
fn found(line: &str, path: &str) -> Vec<String> {
    let mut finder = Finder::default();
    finder.add(&Path::parse(path).unwrap()).unwrap();
    let mut found = Vec::new();
    finder.find(line.as_bytes(), &mut found).unwrap();
    found
        .into_iter()
        .map(|(_, value)| line[value].to_owned())
        .collect()
}

#[test]
fn every_element_is_found() {
    let line = r#"{"a": [{"b": 1}, {"b": 2, "b": 3}, {"c": 4}, 5]}"#;
    assert_eq!(found(line, "a[*].b"), ["1", "3"]);
    assert_eq!(found(line, "a[1].b"), ["3"]);
    assert_eq!(found(line, "a[3]"), ["5"]);
    assert_eq!(found(line, "a.b"), [""; 0]);
    assert_eq!(found(r#"{"0": 7, "a": {"0": 8}}"#, "a.0"), ["8"]);
    assert_eq!(found(r#"{"0": 7, "a": {"0": 8}}"#, "a[0]"), [""; 0]);
}

#[test]
fn the_last_of_equal_names_counts() {
    let line = r#"{"a": {"b": 1}, "\u0061": {"c": 2}}"#;
    assert_eq!(found(line, "a.b"), [""; 0]);
    assert_eq!(found(line, "a.c"), ["2"]);
    assert_eq!(found(r#"{"\ud800": 1}"#, "/"), [""; 0]);
    assert_eq!(found(r#"{"": 1}"#, "/"), ["1"]);
}

#[test]
fn names_that_recur_take_no_longer_each() {
    // Forgetting a value of one path must not depend on how many another path has.
    let line = format!(
        "{{\"l\":[{}0],{}\"x\":2}}",
        "1,".repeat(100_000),
        "\"x\":1,".repeat(100_000)
    );
    let mut finder = Finder::default();
    for path in ["l[*]", "x"] {
        finder.add(&Path::parse(path).unwrap()).unwrap();
    }
    let mut found = Vec::new();
    finder.find(line.as_bytes(), &mut found).unwrap();
    assert_eq!(found.len(), 100_002);
    let (path, value) = found.last().unwrap().clone();
    assert_eq!((path, &line[value]), (1, "2"));
}

#[test]
fn more_children_than_bits_are_told_apart() {
    let mut finder = Finder::default();
    for number in 0..130 {
        finder
            .add(&Path::parse(&format!("n{number}")).unwrap())
            .unwrap();
    }
    let members = |value: u32| (0..130).map(move |number| format!("\"n{number}\":{value}"));
    let line = format!(
        "{{{}}}",
        members(1).chain(members(2)).collect::<Vec<_>>().join(",")
    );
    let mut found = Vec::new();
    finder.find(line.as_bytes(), &mut found).unwrap();
    assert_eq!(found.len(), 130);
    assert!(found.into_iter().all(|(_, value)| &line[value] == "2"));
}

#[test]
fn kinds_have_names() {
    let kinds = ["{}", "[]", "\"\"", "-1", "true", "null"].map(|value| Kind::of(value.as_bytes()));
    assert_eq!(
        kinds.map(|kind| kind.to_string()),
        [
            "an object",
            "an array",
            "a string",
            "a number",
            "`true` or `false`",
            "`null`"
        ],
    );
}

mod conditions {
    use linemill_sdk::testing::json;
    use serde_json::Value;

    use crate::{Condition, Conditions};

    fn conditions(condition: Value) -> Result<Conditions, String> {
        let condition: Condition = serde_json::from_value(condition).unwrap();
        let mut conditions = Conditions::default();
        let added = conditions.add("where[0]", condition);
        added
            .map(|()| conditions)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn values_are_compared_by_what_they_mean() {
        for (mut condition, value, expected) in [
            (json!({ "equals": "a\"b" }), r#""a\u0022b""#, true),
            (json!({ "equals": "1" }), "1", false),
            (json!({ "equals": 500 }), "5e2", true),
            (json!({ "equals": 500 }), "500.0", true),
            (
                json!({ "equals": 9007199254740993u64 }),
                "9007199254740992",
                false,
            ),
            (json!({ "equals": true }), "true", true),
            (json!({ "equals": true }), "\"true\"", false),
            (json!({ "in": ["error", null, 3] }), "null", true),
            (json!({ "in": ["error", null, 3] }), "\"error\"", true),
            (json!({ "in": ["error", null, 3] }), "[3]", false),
            (json!({ "in": ["error"], "not": true }), "\"info\"", true),
            (json!({ "matches": "^a\\sc$" }), r#""a\nc""#, true),
            (json!({ "matches": "^5" }), "503", true),
            (json!({ "matches": "^a.c$" }), r#""a\nc""#, true),
            (json!({ "matches": "a\nc" }), r#""a\nc""#, true),
            (json!({ "matches": "^c" }), r#""a\nc""#, false),
            (json!({ "equals": 0.1 }), "10e-2", true),
            (
                json!({ "min": 9007199254740993u64 }),
                "9007199254740992",
                false,
            ),
            (
                json!({ "min": 9007199254740993u64 }),
                "9007199254740993.0",
                true,
            ),
            (
                json!({ "max": 9007199254740992u64 }),
                "9007199254740993",
                false,
            ),
            (json!({ "max": 0.1 }), "0.10000000000000000001", false),
            (json!({ "min": 0.1, "max": 0.1 }), "1e-1", true),
            (json!({ "min": 1 }), "1e400", true),
            (json!({ "max": 1 }), "1e400", false),
            (json!({ "min": -1 }), "-1e400", false),
            (json!({ "min": 500 }), "5e2", true),
            (json!({ "min": 500 }), "499.9", false),
            (json!({ "min": 500, "max": 599 }), "600", false),
            (json!({ "max": 599 }), "\"1\"", false),
            (json!({ "exists": true }), "null", true),
            (json!({ "exists": false }), "null", false),
            (json!({ "exists": false, "not": true }), "null", true),
        ] {
            condition["field"] = json!("v");
            let line = format!(r#"{{"v": {value}}}"#);
            let mut conditions = conditions(condition.clone()).unwrap();
            conditions.read(line.as_bytes()).unwrap();
            assert_eq!(
                conditions.holds(0, line.as_bytes()),
                expected,
                "{condition} {value}"
            );
        }
    }

    #[test]
    fn without_a_value_only_negations_hold() {
        for (mut condition, expected) in [
            (json!({ "equals": 1 }), false),
            (json!({ "equals": 1, "not": true }), true),
            (json!({ "matches": "" }), false),
            (json!({ "exists": true }), false),
            (json!({ "exists": false }), true),
        ] {
            condition["field"] = json!("v");
            let mut conditions = conditions(condition.clone()).unwrap();
            conditions.read(b"[]").unwrap();
            assert_eq!(conditions.all_hold(b"[]"), expected, "{condition}");
        }
    }

    #[test]
    fn refusals_name_the_key() {
        for (condition, problem) in [
            (
                json!({ "field": "a" }),
                "`where[0]`: lacks a test; add `equals`, `in`, `matches`, `min`, `max` or `exists`",
            ),
            (
                json!({ "field": "a", "equals": 1, "min": 1 }),
                "`where[0]`: has several tests; only `min` and `max` go together, so make it several conditions",
            ),
            (
                json!({ "field": "a", "in": [] }),
                "`where[0].in`: needs at least one value",
            ),
            (
                json!({ "field": "a", "in": [1, {}] }),
                "`where[0].in[1]`: must be a text, a number, true or false; give the path of what is inside as `field`",
            ),
            (
                json!({ "field": "a", "min": 2, "max": 1 }),
                "`where[0].min`: 2 is greater than `max`, so no value passes",
            ),
            (
                json!({ "field": "a", "matches": "(" }),
                "`where[0].matches`: `(` is not a valid regular expression: unclosed group",
            ),
            (
                json!({ "field": "a[01]", "equals": 1 }),
                "`where[0].field`: `a[01]` has the index 01; write 1, without zeros before it",
            ),
            (
                json!({ "field": "a[00]", "equals": 1 }),
                "`where[0].field`: `a[00]` has the index 00; write 0 without further zeros",
            ),
            (
                json!({ "field": "a[99999999999999999999]", "equals": 1 }),
                "`where[0].field`: `a[99999999999999999999]` has the index 99999999999999999999, which is too large; \
                 the greatest is 4294967295",
            ),
            (
                json!({ "field": "a[-1]", "equals": 1 }),
                "`where[0].field`: `a[-1]` has brackets without a number or `*`; a name with brackets is written as \
                 `/a[b]`",
            ),
            (
                json!({ "field": "a..b", "equals": 1 }),
                "`where[0].field`: `a..b` has an empty name between dots; a name with dots is written as `/a.b`",
            ),
        ] {
            assert_eq!(conditions(condition).err().unwrap(), problem);
        }
    }
}
