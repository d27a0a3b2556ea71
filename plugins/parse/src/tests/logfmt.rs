use super::{failure, json, parsed};

fn object(line: &str) -> String {
    parsed(json!({ "format": "logfmt" }), line)
}

#[test]
fn pairs_become_fields_in_order() {
    for (line, json) in [
        ("b=1 a=2", r#"{"b":"1","a":"2"}"#),
        (
            "level=info msg=\"it works\" cached",
            r#"{"level":"info","msg":"it works","cached":true}"#,
        ),
        ("a= b=\"\"  c=x=y?z=1", r#"{"a":"","b":"","c":"x=y?z=1"}"#),
        ("\ta=b\t", r#"{"a":"b"}"#),
        ("ä=ö é.1-x=5\"", r#"{"ä":"ö","é.1-x":"5\""}"#),
    ] {
        assert_eq!(object(line), json);
    }
}

#[test]
fn a_line_of_the_heroku_router() {
    let line = "at=info method=GET path=\"/a?b=c d\" host=app.example.com request_id=8601b555-6a83-4c12-8269-97c8e32cdb22 \
        fwd=\"204.204.204.204\" dyno=web.1 connect=1ms service=18ms status=200 bytes=13 tls_version=tls1.1 protocol=http";
    let settings = json!({ "format": "logfmt", "numbers": ["status", "bytes", "connect"] });
    assert_eq!(
        parsed(settings, line),
        "{\"at\":\"info\",\"method\":\"GET\",\"path\":\"/a?b=c d\",\"host\":\"app.example.com\",\
         \"request_id\":\"8601b555-6a83-4c12-8269-97c8e32cdb22\",\"fwd\":\"204.204.204.204\",\"dyno\":\"web.1\",\
         \"connect\":\"1ms\",\"service\":\"18ms\",\"status\":200,\"bytes\":13,\"tls_version\":\"tls1.1\",\
         \"protocol\":\"http\"}"
    );
}

#[test]
fn escapes_in_quotes_stand_for_characters() {
    for (line, json) in [
        (r#"a="x \"y\" \\ z""#, r#"{"a":"x \"y\" \\ z"}"#),
        (r#"a="1\n2\t3\/""#, r#"{"a":"1\n2\t3/"}"#),
        (r#"a="C:\dir""#, r#"{"a":"C:\\dir"}"#),
        (
            r#"a="\u00e4\ud83d\ude00\ud83dx\u12""#,
            "{\"a\":\"ä😀\u{FFFD}x\\\\u12\"}",
        ),
        (r#"a=x\ny"#, r#"{"a":"x\\ny"}"#),
    ] {
        assert_eq!(object(line), json);
    }
}

#[test]
fn a_repeated_name_has_an_array() {
    assert_eq!(object("a=1 b=2 a=3 a"), r#"{"a":["1","3",true],"b":"2"}"#);
    // So many that they are sorted.
    let line: Vec<String> = (0..100).map(|n| format!("k{}={n}", n % 40)).collect();
    let expected: Vec<String> = (0..40)
        .map(|n| match n {
            0..20 => format!("\"k{n}\":[\"{n}\",\"{}\",\"{}\"]", n + 40, n + 80),
            _ => format!("\"k{n}\":[\"{n}\",\"{}\"]", n + 40),
        })
        .collect();
    assert_eq!(
        object(&line.join(" ")),
        format!("{{{}}}", expected.join(","))
    );
}

#[test]
fn a_field_with_the_name_of_the_original_is_left_out() {
    let settings = json!({ "format": "logfmt", "keep_original": "raw" });
    assert_eq!(
        parsed(settings.clone(), "raw=1 a=2 raw=3"),
        r#"{"a":"2","raw":"raw=1 a=2 raw=3"}"#
    );
    assert_eq!(parsed(settings, "raw=1"), r#"{"raw":"raw=1"}"#);
}

#[test]
fn what_is_not_logfmt_fails() {
    for (line, reason) in [
        ("", "not logfmt: there is no `name=value`"),
        ("hello world", "not logfmt: there is no `name=value`"),
        (
            "a=1 =2",
            "not logfmt: a name is missing before `=` or a quote",
        ),
        (
            "a=1 \"b\"",
            "not logfmt: a name is missing before `=` or a quote",
        ),
        (
            "a=1 b\"c\"",
            "not logfmt: a name is missing before `=` or a quote",
        ),
        ("a=\"1", "not logfmt: a quote is not closed"),
        ("a=\"1\\\"", "not logfmt: a quote is not closed"),
        ("a=\"1\\", "not logfmt: a quote is not closed"),
        ("a=\"1\"b", "not logfmt: no space after a closing quote"),
    ] {
        assert_eq!(
            failure(json!({ "format": "logfmt" }), line),
            reason,
            "{line}"
        );
    }
}
