mod access;
mod csv;
mod logfmt;
mod random;
mod syslog;

use super::Parse;
use linemill_sdk::testing::{Value, Verdict, json, lines, refusal, verdicts};

/// The object that a line becomes. It must be JSON without a name that occurs twice.
fn parsed(settings: Value, line: impl AsRef<[u8]>) -> String {
    let lines = lines::<Parse>(settings, [line]);
    assert_eq!(lines.len(), 1);
    let json = String::from_utf8(lines[0].0.clone()).unwrap();
    let value: Value = serde_json::from_str(&json).unwrap();
    assert!(value.is_object(), "{json}");
    json
}

/// Why a line fails.
fn failure(settings: Value, line: &str) -> String {
    match &verdicts::<Parse>(settings, [line])[..] {
        [Verdict::Fail(reason)] => String::from_utf8(reason.0.clone()).unwrap(),
        other => panic!("the line does not fail: {other:?}"),
    }
}

const LEVELS: &str = r"^(?<level>[A-Z]+)(?: in (?<place>\w+))?: (?<text>.*)$";

#[test]
fn named_groups_become_fields() {
    let settings = json!({ "format": "regex", "pattern": LEVELS });
    assert_eq!(
        parsed(settings.clone(), "WARN in disk: 90 % \"full\""),
        r#"{"level":"WARN","place":"disk","text":"90 % \"full\""}"#
    );
    assert_eq!(
        parsed(settings.clone(), "INFO: "),
        r#"{"level":"INFO","text":""}"#
    );
    assert_eq!(failure(settings, "info: x"), "the pattern does not match");
    let anywhere = json!({ "format": "regex", "pattern": "(?<n>[0-9]+)(x)", "ignore_case": true });
    assert_eq!(parsed(anywhere, "1 22X 3x"), r#"{"n":"22"}"#);
}

#[test]
fn a_group_may_tear_a_character_apart() {
    let settings = json!({ "format": "regex", "pattern": "^(?<a>.)(?<b>.*)" });
    assert_eq!(
        parsed(settings, "äb"),
        "{\"a\":\"\u{FFFD}\",\"b\":\"\u{FFFD}b\"}"
    );
}

#[test]
fn a_line_of_another_format_fails_passes_or_is_dropped() {
    for (otherwise, expected) in [
        (
            json!({}),
            Verdict::Fail("the pattern does not match".into()),
        ),
        (
            json!({ "otherwise": "fail" }),
            Verdict::Fail("the pattern does not match".into()),
        ),
        (json!({ "otherwise": "pass" }), Verdict::Pass),
        (json!({ "otherwise": "drop" }), Verdict::Drop),
    ] {
        let mut settings = json!({ "format": "regex", "pattern": "^(?<n>\\d+)$" });
        settings
            .as_object_mut()
            .unwrap()
            .extend(otherwise.as_object().unwrap().clone());
        assert_eq!(
            verdicts::<Parse>(settings, ["x", "1"]),
            [expected, Verdict::Replace(r#"{"n":"1"}"#.into())]
        );
    }
}

#[test]
fn numbers_are_written_as_numbers_only_if_asked_for() {
    let settings =
        |numbers: Value| json!({ "format": "csv", "columns": ["a", "b"], "numbers": numbers });
    assert_eq!(parsed(settings(json!([])), "1,2"), r#"{"a":"1","b":"2"}"#);
    for (line, json) in [
        ("1.50,2", r#"{"a":"1.50","b":2}"#),
        ("1,-0.250e3", r#"{"a":"1","b":-0.250e3}"#),
        ("1,007", r#"{"a":"1","b":"007"}"#),
        ("1,", r#"{"a":"1","b":""}"#),
        ("1, 2", r#"{"a":"1","b":" 2"}"#),
        ("1,1e999", r#"{"a":"1","b":"1e999"}"#),
    ] {
        assert_eq!(parsed(settings(json!(["b"])), line), json);
    }
}

#[test]
fn the_original_is_kept_with_its_byte_order_mark() {
    let settings = json!({ "format": "csv", "columns": ["a"], "keep_original": "raw" });
    assert_eq!(
        parsed(settings, "\u{FEFF}x"),
        "{\"a\":\"x\",\"raw\":\"\u{FEFF}x\"}"
    );
}

#[test]
fn the_original_can_be_kept() {
    let settings = json!({ "format": "csv", "columns": ["a"], "keep_original": "raw \"line\"" });
    assert_eq!(
        parsed(settings, b"\"x\t\xff\""),
        "{\"a\":\"x\\t\u{FFFD}\",\"raw \\\"line\\\"\":\"\\\"x\\t\u{FFFD}\\\"\"}"
    );
}

#[test]
fn what_is_not_utf8_becomes_a_replacement_character() {
    let settings = json!({ "format": "csv", "columns": ["a"] });
    assert_eq!(
        parsed(settings.clone(), b"\xe4\xf0\x9f\x98x\x00\x7f"),
        "{\"a\":\"\u{FFFD}\u{FFFD}x\\u0000\u{7f}\"}"
    );
    assert_eq!(parsed(settings, "\u{FEFF}x"), r#"{"a":"x"}"#);
}

#[test]
fn refusals_name_the_key() {
    for (settings, expected) in [
        (json!({}), "missing key `format`"),
        (
            json!({ "format": "xml" }),
            "`format`: must be one of `syslog`, `syslog3164`, `syslog5424`, `logfmt`, `csv`, `common`, `combined`, \
             `regex`; found the text \"xml\"",
        ),
        (
            json!({ "format": "csv" }),
            "`columns`: needs the name of each column, such as [\"time\", \"level\"]",
        ),
        (
            json!({ "format": "csv", "columns": ["a", "b", "a"] }),
            "`columns[2]`: `a` is already a column",
        ),
        (
            json!({ "format": "csv", "columns": ["a"], "delimiter": "ab" }),
            "`delimiter`: must be one character, such as \";\", and neither a quote nor a line ending",
        ),
        (
            json!({ "format": "csv", "columns": ["a"], "delimiter": "\n" }),
            "`delimiter`: must be one character, such as \";\", and neither a quote nor a line ending",
        ),
        (
            json!({ "format": "logfmt", "columns": ["a"] }),
            "`columns`: only the format \"csv\" has this key",
        ),
        (
            json!({ "format": "csv", "columns": ["a"], "pattern": "a" }),
            "`pattern`: only the format \"regex\" has this key",
        ),
        (
            json!({ "format": "regex" }),
            "missing key `pattern`: the expression, with a group such as (?<name>.*) for each field",
        ),
        (
            json!({ "format": "regex", "pattern": "(a)" }),
            "`pattern`: needs a named group, such as (?<name>.*), for each field",
        ),
        (
            json!({ "format": "regex", "pattern": "(?<a>" }),
            "`pattern`: `(?<a>` is not a valid regular expression: unclosed group",
        ),
        (
            json!({ "format": "regex", "pattern": "(?<a>x)", "numbers": ["a", "b"] }),
            "`numbers[1]`: there is no field `b`; this format has `a`",
        ),
        (
            json!({ "format": "common", "keep_original": "status" }),
            "`keep_original`: `status` is already a field of this format; it has `vhost`, `client`, `identity`, `user`, \
             `timestamp`, `method`, `path`, `protocol`, `request`, `status`, `size`",
        ),
        (
            json!({ "format": "logfmt", "otherwise": "ignore" }),
            "`otherwise`: must be one of `fail`, `pass`, `drop`; found the text \"ignore\"",
        ),
    ] {
        assert_eq!(refusal::<Parse>(settings), expected);
    }
}
