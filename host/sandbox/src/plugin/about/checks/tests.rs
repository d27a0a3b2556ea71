use super::*;

fn answer(settings_schema: &str) -> wit::Description {
    wit::Description {
        name: "mask".to_owned(),
        version: "1.0.0".to_owned(),
        summary: "Masks words.".to_owned(),
        license: String::new(),
        settings_schema: settings_schema.to_owned(),
        on_error: Some(wit::OnError::Drop),
        needs: Vec::new(),
        examples: Vec::new(),
    }
}

#[track_caller]
fn refused(answer: wit::Description, part: &str) {
    let wrong = checked(answer).expect_err(part);
    assert!(wrong.contains(part), "{part}: {wrong}");
}

#[track_caller]
fn schema_refused(schema: &str, part: &str) {
    refused(answer(schema), part);
}

#[test]
fn a_description_within_the_bounds_is_accepted() {
    let schema = r##"{
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "properties": { "a": { "$ref": "#/$defs/word" }, "b": { "$ref": "#/$defs/word" }, "$id": true },
        "$defs": { "word": { "type": "string", "pattern": "^a", "default": { "$id": 1 } } }
    }"##;
    let described = checked(answer(schema)).expect("valid");
    assert_eq!(described.name, "mask");
    assert!(described.schema.is_some());
    assert_eq!(checked(answer("")).expect("valid").schema, None);
}

#[test]
fn texts_outside_the_bounds_are_refused() {
    for name in ["", "a b", "ü", &"x".repeat(65)] {
        let name = name.to_owned();
        refused(wit::Description { name, ..answer("") }, "name");
    }
    let summary = "a\u{1b}[2J".to_owned();
    let hostile = wit::Description {
        summary,
        ..answer("")
    };
    refused(hostile, "summary has a control character");
    let license = "x".repeat(64 << 10);
    let large = wit::Description {
        license,
        ..answer("")
    };
    refused(large, "more than 65536");
    let example = |settings: &str| wit::Example {
        summary: String::new(),
        settings: settings.to_owned(),
    };
    for (settings, part) in [
        ("[]", "not a JSON object"),
        ("{", "not JSON"),
        (
            &format!("{{\"a\":{}1{}}}", "[".repeat(40), "]".repeat(40)),
            "levels",
        ),
    ] {
        let examples = vec![example(settings)];
        refused(
            wit::Description {
                examples,
                ..answer("")
            },
            part,
        );
    }
    let examples = vec![example("{}"); 17];
    refused(
        wit::Description {
            examples,
            ..answer("")
        },
        "17 examples",
    );
}

#[test]
fn schemas_outside_the_bounds_are_refused() {
    schema_refused("{", "not JSON");
    schema_refused("[]", "not a JSON object");
    let deep = |levels: usize| {
        let open = r#"{"items":"#.repeat(levels);
        format!("{open}{{}}{}", "}".repeat(levels))
    };
    assert!(checked(answer(&deep(31))).is_ok());
    schema_refused(&deep(32), "32 levels");
    schema_refused(&deep(5_000), "recursion limit");
    schema_refused(
        r#"{"$schema":"http://json-schema.org/draft-07/schema#"}"#,
        "is not of",
    );
    for target in [
        "http://example.com/a",
        "other.json#/a",
        "#name",
        "#/$defs/b",
        "#/%24defs",
    ] {
        let schema = format!(r#"{{"items":{{"$ref":"{target}"}},"$defs":{{}}}}"#);
        schema_refused(&schema, "refers to");
    }
    schema_refused(r#"{"items":{"$id":"a"}}"#, "`$id`");
    schema_refused(
        r#"{"unevaluatedProperties":false}"#,
        "`unevaluatedProperties`",
    );
    let patterns: Vec<String> = (0..101)
        .map(|number| format!(r#""a{number}":{{"pattern":"a"}}"#))
        .collect();
    schema_refused(
        &format!(r#"{{"properties":{{{}}}}}"#, patterns.join(",")),
        "100 patterns",
    );
}

#[test]
fn references_may_neither_multiply_nor_lead_in_circles() {
    schema_refused(r##"{"items":{"$ref":"#"}}"##, "leads back");
    schema_refused(
        r##"{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}}"##,
        "leads back",
    );
    let doubled = |number: usize| {
        let next = number + 1;
        let next = format!(r##"{{"$ref":"#/$defs/a{next}"}}"##);
        format!(r#""a{number}":{{"anyOf":[{next},{next}]}}"#)
    };
    let doubled: Vec<String> = (0..20).map(doubled).collect();
    let schema = format!(
        r##"{{"$ref":"#/$defs/a0","$defs":{{{},"a20":{{}}}}}}"##,
        doubled.join(",")
    );
    schema_refused(&schema, "10000 parts");
}
