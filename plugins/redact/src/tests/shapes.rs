//! Lines that are as hard as possible: one shape, again and again.
//!
//! A search that looks at the rest of the line at each of them would take minutes here.

use super::layouts::redacted;
use super::{Redact, lines};
use linemill_sdk::testing::{Instance, Value, json};

const SHAPES: [&str; 48] = [
    "-eyJ",
    "eyJhbGciOiJub25lIn0.",
    "1-1-1-",
    "1.1.1.",
    "a:a:a:",
    "::::",
    "::1",
    "f:",
    "@@@@",
    "a@a.",
    "((((",
    "\\",
    "\\\\u",
    "\"",
    "\\\"",
    "'",
    "{\"\":{\"\":",
    "[[[[",
    "{\"a\":1}",
    "{\"token\":",
    "%25%25",
    "%2540",
    "&#64;",
    "#012",
    "token=",
    "token::token::",
    "token=\"",
    "token=[\"",
    "token:auth)",
    "pwd=/a/",
    "pass=1/",
    "--token ",
    "--token--",
    "<token>",
    "<token a=\"",
    "Bearer a1",
    "Cookie: a;",
    "authorization: digest a=b, ",
    "a://b:c@",
    "a:b@tcp(",
    "-----BEGIN PRIVATE KEY-----",
    "AKIAIOSFODNN7EXAMPLE ",
    "4111 ",
    "11111",
    "DE89 ",
    "key",
    "key-",
    "é@é.",
];

/// How long the lines are.
const LEN: usize = 64 << 10;

#[test]
fn every_shape_is_read_in_linear_time_and_json_stays_json() {
    let mut filter = Instance::<Redact>::new(&json!({})).unwrap();
    for shape in SHAPES {
        let long = shape.repeat(LEN / shape.len());
        let in_json = json!({ "a": long }).to_string();
        let once = redacted(&mut filter, &[long, in_json]);
        let json = str::from_utf8(&once[1]).unwrap();
        assert!(serde_json::from_str::<Value>(json).is_ok(), "{shape}");
    }
}

#[test]
fn text_stays_text() {
    // Wherever a line of characters with several bytes is cut, what comes out is UTF-8 if that went in.
    let line = "é=\"ü\" tökén=ñ password=é€😀 é@é.éé token=\"é\\u00e9\" [😀](é) secret:é";
    let cuts: Vec<&str> = line.char_indices().map(|(at, _)| &line[at..]).collect();
    for out in lines::<Redact>(json!({ "action": "keep_last4" }), cuts) {
        assert!(str::from_utf8(&out.0).is_ok(), "{out:?}");
    }
}
