use serde_json::{Value, from_value, json};

use super::{Fields, Key};

fn refusal(key: Option<&str>, field: Option<Value>) -> String {
    let field: Option<Fields> = field.map(|field| from_value(field).unwrap());
    match Key::new(key, field.as_ref()) {
        Ok(_) => panic!("expected a refusal"),
        Err(error) => error.to_string(),
    }
}

fn by_pattern(pattern: &str) -> Key {
    Key::new(Some(pattern), None).unwrap().unwrap()
}

fn by_field(field: Value) -> Key {
    let field: Fields = from_value(field).unwrap();
    Key::new(None, Some(&field)).unwrap().unwrap()
}

/// Whether the keys of two lines are equal.
fn alike(key: &mut Key, one: &str, other: &str) -> bool {
    let one = key.of(one.as_bytes()).map(<[u8]>::to_vec);
    one.as_deref() == key.of(other.as_bytes())
}

#[test]
fn a_pattern_finds_its_group_or_the_whole_match() {
    let mut group = by_pattern(r"id=(\w*)");
    assert_eq!(group.of(b"x id=ab y"), Some(&b"ab"[..]));
    assert_eq!(group.of(b"id="), Some(&b""[..]));
    assert_eq!(group.of(b"none"), None);
    assert_eq!(by_pattern(r"\d+").of(b"a 12 3"), Some(&b"12"[..]));
    assert_eq!(
        by_pattern("a|(b)").of(b"a b"),
        None,
        "the group took no part"
    );
    assert_eq!(by_pattern("(.)$").of(b"\xfe\xff"), Some(&b"\xff"[..]));
}

#[test]
fn all_groups_count() {
    let mut key = by_pattern("(.*)-(.*)");
    assert!(alike(&mut key, "a-b", "a-b"));
    assert!(!alike(&mut key, "ab-", "a-b"));
    assert!(!alike(&mut key, "-ab", "ab-"));
    let mut either = by_pattern("(a+)|(b*)|c");
    assert!(!alike(&mut either, "a", "b"));
    assert!(either.of(b"a").is_some());
    assert!(!alike(&mut by_pattern("^(a)?(b)?$"), "", "a"));
    assert_eq!(by_pattern("^(a)?(b)?$").of(b""), None);
}

#[test]
fn a_field_is_found_by_its_path() {
    let mut key = by_field(json!("user.id"));
    assert_eq!(
        key.of(br#"{"user": {"id": "ann"}, "x": 1}"#),
        Some(&b"ann"[..])
    );
    assert_eq!(key.of(br#"{"user": {"id": 17}}"#), Some(&b"17"[..]));
    assert_eq!(
        key.of(br#"{"user": {"id": "\u0061nn"}}"#),
        Some(&b"ann"[..])
    );
    assert_eq!(key.of(br#"{"user": {"id": ""}}"#), Some(&b""[..]));
    for line in [
        r#"{"user": {}}"#,
        r#"{"user": 1}"#,
        "text",
        "",
        r#"{"user": {"id": 1}"#,
    ] {
        assert_eq!(key.of(line.as_bytes()), None, "{line}");
    }
    assert_eq!(
        by_field(json!("/a.b")).of(br#"{"a.b": true}"#),
        Some(&b"true"[..])
    );
    assert_eq!(
        by_field(json!(["a"])).of(br#"{"a": [1]}"#),
        Some(&b"[1]"[..])
    );
}

#[test]
fn several_fields_count_in_the_order_of_their_paths() {
    let mut key = by_field(json!(["a", "b.c"]));
    let one = r#"{"a": 1, "b": {"c": "x"}}"#;
    assert!(alike(
        &mut key,
        one,
        r#"{"b": {"c": "\u0078"}, "d": 2, "a": 1}"#
    ));
    assert!(!alike(&mut key, one, r#"{"a": "x", "b": {"c": 1}}"#));
    assert!(!alike(&mut key, one, r#"{"a": 1}"#));
    assert!(!alike(&mut key, r#"{"a": 1}"#, r#"{"b": {"c": 1}}"#));
    assert!(!alike(
        &mut key,
        r#"{"a": ""}"#,
        r#"{"a": "", "b": {"c": ""}}"#
    ));
    assert_eq!(key.of(b"{}"), None);
    assert!(alike(&mut key, r#"{"a": 1, "a": 2}"#, r#"{"a": 2}"#));
}

#[test]
fn a_pattern_and_a_field_find_the_same_key() {
    let line = br#"{"id": 17}"#;
    let found = by_field(json!("id")).of(line).map(<[u8]>::to_vec);
    assert_eq!(found.as_deref(), by_pattern(r"(\d+)").of(line));
}

#[test]
fn refusals_name_the_key_and_the_fix() {
    assert_eq!(
        refusal(Some("a"), Some(json!("b"))),
        "`field`: it does not go with `key`; both say what the key of a line is, so remove one of them"
    );
    assert_eq!(
        refusal(None, Some(json!([]))),
        "`field`: it has 0 paths; 1 to 16 are allowed"
    );
    assert_eq!(
        refusal(None, Some(json!(vec!["a"; 17]))),
        "`field`: it has 17 paths; 1 to 16 are allowed"
    );
    assert!(refusal(None, Some(json!("a..b"))).starts_with("`field`: `a..b` has an empty name"));
    assert_eq!(
        refusal(None, Some(json!("tags[*]"))),
        "`field`: `tags[*]` stands for any number of values; name one element, such as [0], or the array itself"
    );
    assert!(refusal(Some("("), None).starts_with("`key`: `(` is not a valid regular expression"));
    assert_eq!(
        from_value::<Fields>(json!(1)).unwrap_err().to_string(),
        "invalid type: integer `1`, expected a path such as \"user.id\", or a list of paths"
    );
    assert!(Key::new(None, None).is_ok_and(|key| key.is_none()));
}
