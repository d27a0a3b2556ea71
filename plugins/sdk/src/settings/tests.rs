//! Tests of what is read, and of the words in which settings are refused.

use std::collections::{BTreeMap, HashSet};
use std::num::NonZeroU16;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{LineText, NoSettings, read};

#[derive(Debug, Deserialize, PartialEq)]
struct Lax {
    width: u8,
    #[serde(default)]
    inner: BTreeMap<String, Inner>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Inner {
    word: String,
}

fn refused(json: &str) -> String {
    read::<Lax>(json.into()).unwrap_err().to_string()
}

#[test]
fn settings_are_read() {
    let lax = read::<Lax>(br#"{"inner":{"a":{"word":"x"}},"width":3}"#.to_vec()).unwrap();
    assert_eq!((lax.width, &*lax.inner["a"].word), (3, "x"));
    assert_eq!(read::<NoSettings>(b"{}".to_vec()).unwrap(), NoSettings);
}

#[test]
fn an_unknown_key_is_refused_even_if_the_type_allows_it() {
    assert_eq!(
        refused(r#"{"width":3,"heigth":4}"#),
        "unknown key `heigth`; this filter does not use it",
    );
    assert_eq!(
        refused(r#"{"width":3,"inner":{"a":{"word":"","x":1}}}"#),
        "`inner.a`: unknown key `x`, expected `word`",
    );
    assert_eq!(
        read::<NoSettings>(br#"{"x":1}"#.to_vec())
            .unwrap_err()
            .to_string(),
        "unknown key `x`; this filter takes no settings",
    );
}

#[test]
fn a_key_that_is_not_read_is_named_with_its_path() {
    #[derive(Debug, Deserialize)]
    struct Outer {
        #[serde(rename = "list")]
        _list: Vec<Sub>,
    }
    #[derive(Debug, Deserialize)]
    struct Sub {}
    let error = read::<Outer>(br#"{"list":[{},{"x":[1]}]}"#.to_vec()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown key `list[1].x`; this filter does not use it"
    );
}

#[test]
fn a_refusal_names_the_key() {
    assert_eq!(refused("{}"), "missing key `width`");
    assert_eq!(
        refused(r#"{"width":300}"#),
        "`width`: must be a whole number from 0 to 255; found the number 300",
    );
    assert_eq!(
        refused(r#"{"width":3,"inner":{"a":{"word":[1]}}}"#),
        "`inner.a.word`: must be a text; found a list",
    );
    assert_eq!(
        refused(r#"{"width":3,"inner":{"a":{}}}"#),
        "`inner.a`: missing key `word`"
    );
}

#[test]
fn settings_that_are_not_an_object_are_refused() {
    assert_eq!(refused("[]"), "must be a table; found a list");
    assert_eq!(refused("[3, {}]"), "must be a table; found a list");
    assert_eq!(refused("3"), "must be a table; found the number 3");
    for json in [r#"{"width":3} x"#, r#"{"\ud800":3}"#, "", "{"] {
        let error = refused(json);
        assert!(
            error.starts_with("the settings are not valid JSON: "),
            "{error}"
        );
    }
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    One,
    Two(u8),
    TwoWords { of: bool },
}

/// Why `json` is not a `T`, without the key.
fn why<T: DeserializeOwned>(json: &str) -> String {
    let settings = format!(r#"{{"key":{json}}}"#);
    let Err(error) = read::<BTreeMap<String, T>>(settings.into_bytes()) else {
        panic!("{json} is accepted");
    };
    let error = error.to_string();
    error.strip_prefix("`key").unwrap_or(&error).to_owned()
}

#[test]
fn each_kind_of_setting_is_refused_in_the_words_of_a_configuration() {
    let cases = [
        (
            why::<Vec<String>>(r#""ERROR""#),
            r#"`: must be a list, such as ["ERROR"]; found the text "ERROR""#,
        ),
        (
            why::<Vec<u8>>("7"),
            "`: must be a list, such as [7]; found the number 7",
        ),
        (why::<Vec<u8>>("{}"), "`: must be a list; found a table"),
        (
            why::<HashSet<String>>("null"),
            "`: must be a list; found no value",
        ),
        (
            why::<Vec<u8>>("[1,256]"),
            "[1]`: must be a whole number from 0 to 255; found the number 256",
        ),
        (why::<String>("7"), "`: must be a text; found the number 7"),
        (
            why::<String>("true"),
            "`: must be a text; found the value true",
        ),
        (
            why::<char>(r#""ab""#),
            r#"`: must be a text of one character; found the text "ab""#,
        ),
        (
            why::<bool>(r#""yes""#),
            r#"`: must be true or false; found the text "yes""#,
        ),
        (
            why::<u64>("-1"),
            "`: must be a whole number from 0 to 18446744073709551615; found the number -1",
        ),
        (
            why::<u32>("1.0"),
            "`: must be a whole number from 0 to 4294967295; found the number 1.0",
        ),
        (
            why::<i8>("128"),
            "`: must be a whole number from -128 to 127; found the number 128",
        ),
        (
            why::<usize>("[]"),
            "`: must be a whole number from 0 to 18446744073709551615; found a list",
        ),
        (
            why::<NonZeroU16>("0"),
            "`: must be a whole number from 0 to 65535, but not 0; found the number 0",
        ),
        (
            why::<f64>(r#""1.5""#),
            r#"`: must be a number; found the text "1.5""#,
        ),
        (
            why::<Option<u8>>(r#""""#),
            r#"`: must be a whole number from 0 to 255; found the text """#,
        ),
        (
            why::<BTreeMap<String, u8>>("[]"),
            "`: must be a table; found a list",
        ),
        (
            why::<BTreeMap<u8, u8>>(r#"{"x":1}"#),
            r#"`: must be a whole number from 0 to 255; found the text "x""#,
        ),
        (why::<Inner>("[\"x\"]"), "`: must be a table; found a list"),
        (
            why::<Inner>("\"x\""),
            "`: must be a table; found the text \"x\"",
        ),
        (
            why::<(u8, u8)>("[1]"),
            "`: must be a list of 2 items; found 1 item",
        ),
        (
            why::<(u8, u8)>("[1,2,3]"),
            "`: must be a list of 2 items; found 3 items",
        ),
        (
            why::<[u8; 2]>("7"),
            "`: must be a list of 2 items; found the number 7",
        ),
        (
            why::<Kind>(r#""three""#),
            r#"`: must be one of `one`, `two`, `two-words`; found the text "three""#,
        ),
        (
            why::<Kind>("1"),
            "`: must be one of `one`, `two`, `two-words`; found the number 1",
        ),
        (
            why::<Kind>(r#"{"two":true}"#),
            ".two`: must be a whole number from 0 to 255; found the value true",
        ),
        (
            why::<LineText>(r#""a\u0000b""#),
            r#"`: must not contain a NUL (\0), because lines may end there; found the text "a\0b""#,
        ),
    ];
    for (refusal, expected) in cases {
        assert_eq!(refusal, expected);
    }
    let long = why::<u8>(&format!("\"{}\"", "ä".repeat(61)));
    assert!(
        long.ends_with(&format!(
            "found a text that begins with \"{}\"",
            "ä".repeat(60)
        )),
        "{long}"
    );
}

#[test]
fn each_kind_of_setting_is_read() {
    fn accepted<T: DeserializeOwned>(json: &str) -> T {
        let settings = format!(r#"{{"key":{json}}}"#);
        let mut settings = read::<BTreeMap<String, T>>(settings.into_bytes()).unwrap();
        settings.remove("key").unwrap()
    }
    assert_eq!(accepted::<(u8, i64, f64)>("[1,-2,3]"), (1, -2, 3.0));
    assert_eq!(accepted::<u64>("18446744073709551615"), u64::MAX);
    assert_eq!(accepted::<Option<char>>("null"), None);
    assert_eq!(accepted::<Option<char>>("\"ä\""), Some('ä'));
    assert_eq!(accepted::<Kind>("\"one\""), Kind::One);
    assert_eq!(accepted::<Kind>(r#"{"two":2}"#), Kind::Two(2));
    assert_eq!(
        accepted::<Kind>(r#"{"two-words":{"of":true}}"#),
        Kind::TwoWords { of: true }
    );
    let by_number = accepted::<BTreeMap<u16, bool>>(r#"{"404":true}"#);
    assert_eq!(by_number, BTreeMap::from([(404, true)]));
    let any = accepted::<serde_json::Value>(r#"{"a":[1,-1,0.5,null,"x"]}"#);
    assert_eq!(any.to_string(), r#"{"a":[1,-1,0.5,null,"x"]}"#);
    assert_eq!(&*accepted::<LineText>("\"a\\tb\\r\""), "a\tb\r");
}
