//! What stays as it is.

use super::{Redact, masked, untouched};
use linemill_sdk::testing::{json, lines};

#[test]
fn untouched_bytes_of_json_are_kept() {
    masked(
        "{ \"a\" : \"b\\/\\u00e9\\\\\" ,\t\"n\": 1.50e+3, \"e\":\"bob@x.org\" }",
        "{ \"a\" : \"b\\/\\u00e9\\\\\" ,\t\"n\": 1.50e+3, \"e\":\"[email]\" }",
    );
}

#[test]
fn keys_are_texts_too() {
    masked(r#"{"bob@x.org":{"n":1}}"#, r#"{"[email]":{"n":1}}"#);
}

#[test]
fn replacements_are_encoded() {
    let settings = json!({ "mask": "<\"{name}\\>" });
    let out = lines::<Redact>(
        settings,
        [
            r#"{"a":"bob@x.org","token":1,"b":"x\nbob@x.org","c":"u=bob%40x.org"}"#,
            "q=%22bob@x.org%22",
        ],
    );
    assert_eq!(
        out,
        [
            r#"{"a":"<\"email\\>","token":"<\"password\\>","b":"x\n<\"email\\>","c":"u=%3C%22email%5C%3E"}"#,
            "q=%22%3C%22email%5C%3E%22",
        ]
    );
}

#[test]
fn custom_patterns_do_not_touch_the_structure_of_json() {
    let settings = json!({ "patterns": [], "custom": { "any": "[a-z\":{}]+", "id": r#""id":"(\d+)""#, "n": "12" } });
    let out = lines::<Redact>(settings, [r#"{"id":"77","a":"b\"c","x":312}"#, "12 ab"]);
    assert_eq!(out, [r#"{"id":"77","a":"[any]","x":"3[n]"}"#, "[n] [any]"]);
    let settings = json!({ "patterns": [], "custom": { "id": r#""id":"(\d+)""# } });
    let out = lines::<Redact>(settings, [r#"{"id":"77","a":"77"}"#]);
    assert_eq!(out, [r#"{"id":"[id]","a":"77"}"#]);
}

#[test]
fn a_redacted_line_stays_as_it_is() {
    untouched(
        "password=[password] 'token': '[password]' Bearer [bearer] Cookie: [cookie] <password>[password]</password>",
    );
    for mask in ["<{name}>", "***", "{name}", "[{name}: gone]"] {
        let line = r#"password=a token: 'b' {"secret":["c"],"n":4111111111111111} <password>d</password> --token e u://f:g@h"#;
        let once = lines::<Redact>(json!({ "mask": mask }), [line]);
        let twice = lines::<Redact>(json!({ "mask": mask }), [&once[0].0]);
        assert_eq!(once, twice, "{mask}");
    }
}
