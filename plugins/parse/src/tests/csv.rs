use super::{failure, json, parsed};

/// The examples of RFC 4180, section 2.
#[test]
fn the_examples_of_the_rfc() {
    let settings = json!({ "format": "csv", "columns": ["x", "y", "z"] });
    for (line, json) in [
        ("aaa,bbb,ccc", r#"{"x":"aaa","y":"bbb","z":"ccc"}"#),
        (r#""aaa","bbb","ccc""#, r#"{"x":"aaa","y":"bbb","z":"ccc"}"#),
        ("zzz,yyy,xxx", r#"{"x":"zzz","y":"yyy","z":"xxx"}"#),
        (
            r#""aaa","b""bb","ccc""#,
            r#"{"x":"aaa","y":"b\"bb","z":"ccc"}"#,
        ),
    ] {
        assert_eq!(parsed(settings.clone(), line), json);
    }
    let broken = "\"aaa\",\"b";
    assert_eq!(failure(settings, broken), "not CSV: a quote is not closed");
}

#[test]
fn fields_are_kept_as_they_are() {
    let settings = json!({ "format": "csv", "columns": ["a", "b"] });
    for (line, json) in [
        (",", r#"{"a":"","b":""}"#),
        (r#""","""""#, r#"{"a":"","b":"\""}"#),
        (r#""a,b", c "#, r#"{"a":"a,b","b":" c "}"#),
        (r#"3" disk,x"y"#, r#"{"a":"3\" disk","b":"x\"y"}"#),
        (r#""""x""y""",1"#, r#"{"a":"\"x\"y\"","b":"1"}"#),
    ] {
        assert_eq!(parsed(settings.clone(), line), json);
    }
}

#[test]
fn another_character_may_separate_fields() {
    for delimiter in ["\t", ";", "|", "→"] {
        let settings = json!({ "format": "csv", "columns": ["a", "b"], "delimiter": delimiter });
        let line = format!("\"x{delimiter}\"{delimiter}y,z");
        let expected = json!({ "a": format!("x{delimiter}"), "b": "y,z" });
        assert_eq!(parsed(settings, line), expected.to_string());
    }
}

#[test]
fn a_line_must_have_a_field_for_each_column() {
    let settings = json!({ "format": "csv", "columns": ["a", "b"] });
    for (line, reason) in [
        ("", "the line has 1 field, but `columns` has 2"),
        ("1", "the line has 1 field, but `columns` has 2"),
        ("1,2,3", "the line has 3 fields, but `columns` has 2"),
        ("1,2,", "the line has 3 fields, but `columns` has 2"),
        ("\"1\" ,2", "not CSV: text after a closing quote"),
        ("1,\"2\"\"", "not CSV: a quote is not closed"),
    ] {
        assert_eq!(failure(settings.clone(), line), reason);
    }
    let one = json!({ "format": "csv", "columns": ["a"] });
    assert_eq!(parsed(one, ""), r#"{"a":""}"#);
}
