//! Tests of the filter `fields`.

use std::time::Duration;

use linemill_sdk::testing::{
    Instance, Line, Stream, Value, Verdict, json, lines, refusal, verdicts, with_stream, with_time,
};

use super::Fields;

/// The stream of the tests, at 2026-11-28T10:00:00.123Z.
fn with_client<R>(test: impl FnOnce() -> R) -> R {
    let stream = Stream {
        connection: 42,
        listener: Some("logs".into()),
        peer: Some("192.0.2.7:4711".parse().unwrap()),
        server_name: Some("logs.example.org".into()),
        client_name: None,
        ..Stream::default()
    };
    let time = Duration::from_millis(1_795_860_000_123);
    with_time(time, || with_stream(stream, test))
}

fn out(settings: Value, input: &[&str]) -> Vec<Line> {
    with_client(|| lines::<Fields>(settings, input))
}

#[test]
fn fields_are_added_at_the_end() {
    let settings = json!({ "add": {
        "time": "{time}", "ms": "{unix_ms}", "s": "{unix}", "where": "{listener}/{connection}", "peer": "{peer}",
        "ip": "{peer_ip}", "port": "{peer_port}", "sni": "{server_name}", "who": "{client_name}", "env": "prod",
        "n": 1.5, "list": [1, null],
    } });
    let added = concat!(
        r#""env":"prod","ip":"192.0.2.7","list":[1,null],"ms":1795860000123,"n":1.5,"peer":"192.0.2.7:4711","#,
        r#""port":4711,"s":1795860000,"sni":"logs.example.org","time":"2026-11-28T10:00:00.123Z","where":"logs/42""#,
    );
    let out = out(settings, &[r#" { "a" : 1.50 } "#, "{}", "{ }"]);
    assert_eq!(
        out,
        [
            format!(r#" {{ "a" : 1.50,{added} }} "#),
            format!("{{{added}}}"),
            format!("{{{added} }}"),
        ]
    );
}

#[test]
fn fields_are_added_at_the_start() {
    let settings = json!({ "add": { "x": 1, "y": 2 }, "at": "start" });
    let out = out(
        settings,
        &[r#"{ "a": 1}"#, "{ }", r#"{"x":0}"#, r#"{"x":0,"y":0}"#],
    );
    assert_eq!(
        out,
        [
            r#"{"x":1,"y":2, "a": 1}"#,
            r#"{"x":1,"y":2 }"#,
            r#"{"y":2,"x":0}"#,
            r#"{"x":0,"y":0}"#
        ]
    );
}

#[test]
fn existing_fields_are_kept_or_replaced() {
    let line = r#"{"x": "old", "\u0079": [1], "z": 0, "x": 2}"#;
    let settings = json!({ "add": { "x": "new", "y": "new", "v": "new" } });
    let mut replace = settings.clone();
    replace["existing"] = json!("replace");
    assert_eq!(
        out(settings, &[line]),
        [r#"{"x": "old", "\u0079": [1], "z": 0, "x": 2,"v":"new"}"#]
    );
    assert_eq!(
        out(replace.clone(), &[line]),
        [r#"{"x": "new", "\u0079": "new", "z": 0, "x": "new","v":"new"}"#]
    );
    replace["at"] = json!("start");
    assert_eq!(
        out(replace, &[line]),
        [r#"{"v":"new","x": "new", "\u0079": "new", "z": 0, "x": "new"}"#]
    );
}

#[test]
fn what_the_stream_does_not_have_is_left_out() {
    let settings = json!({ "add": { "who": "{client_name}", "sni": "host {server_name}" }, "existing": "replace" });
    let nobody = lines::<Fields>(settings, ["{}", r#"{"who":1}"#]);
    assert_eq!(nobody, ["{}", r#"{"who":1}"#]);
    let prefix = json!({ "prefix": "{peer} {client_name} {connection} " });
    assert_eq!(lines::<Fields>(prefix, ["a"]), ["- - - a"]);
}

#[test]
fn a_prefix_can_be_written_before_any_line() {
    let settings = json!({ "prefix": "{time} {{{peer}}} " });
    let input: [&[u8]; 2] = [b"a \xff", b""];
    let lines = with_client(|| lines::<Fields>(settings, input));
    let prefix = "2026-11-28T10:00:00.123Z {192.0.2.7:4711} ";
    assert_eq!(
        lines,
        [[prefix.as_bytes(), b"a \xff"].concat(), prefix.into()]
    );
    let both = json!({ "prefix": "{listener}: ", "add": { "a": 1 } });
    assert_eq!(
        out(both, &["{}", r#"{"a":0}"#]),
        [r#"logs: {"a":1}"#, r#"logs: {"a":0}"#]
    );
}

#[test]
fn texts_are_escaped_and_time_is_quoted() {
    let stream = Stream {
        listener: Some("a\"b\\".into()),
        ..Stream::default()
    };
    let settings = json!({ "add": { "l\"": "{listener}\t" } });
    let lines = with_stream(stream, || lines::<Fields>(settings, ["{}"]));
    assert_eq!(lines, [r#"{"l\"":"a\"b\\\t"}"#]);
}

#[test]
fn a_line_that_is_not_an_object_fails() {
    let settings = json!({ "add": { "a": 1 }, "prefix": "x" });
    let verdicts = verdicts::<Fields>(settings, ["[1]", r#"{"a":1"#]);
    let reasons = [
        "not a JSON object: expected an object, found an array at column 1",
        "not a JSON object: expected `,` or `}` at column 7, but the line ends",
    ];
    assert_eq!(verdicts, reasons.map(|reason| Verdict::Fail(reason.into())));
}

#[test]
fn an_instance_serves_several_streams() {
    let mut filter = Instance::<Fields>::new(&json!({ "prefix": "{connection} {unix} " })).unwrap();
    let mut found = Vec::new();
    for connection in [7, 8] {
        let stream = Stream {
            connection,
            ..Stream::default()
        };
        with_time(Duration::from_secs(connection * 10), || {
            with_stream(stream, || {
                filter.call(b"a\nb".to_vec(), vec![0, 1, 2, 3], |line| {
                    found.push(Line(line.to_vec()))
                });
            });
        });
    }
    assert_eq!(found, ["7 70 a", "7 70 b", "8 80 a", "8 80 b"]);
}

#[test]
fn refusals_name_the_key() {
    for (settings, reason) in [
        (
            json!({}),
            "`add` or `prefix`: one of them is needed, such as add = { time = \"{time}\" }",
        ),
        (
            json!({ "add": { "a": "{now}" } }),
            "`add.a`: `{now}` has no placeholder `{now}`; there are `{time}`, \
            `{unix}`, `{unix_ms}`, `{listener}`, `{peer}`, `{peer_ip}`, `{peer_port}`, `{server_name}`, \
            `{client_name}`, `{connection}`",
        ),
        (
            json!({ "prefix": "{time" }),
            "`prefix`: `{time` has a `{` without a `}`; write `{{` for a brace",
        ),
        (
            json!({ "prefix": "a\nb" }),
            "`prefix`: must not contain a line feed (\\n), because lines end there; \
            found the text \"a\\nb\"",
        ),
        (
            json!({ "add": { "a.b": 1 } }),
            "`add.a.b`: `a.b` is inside another field, and fields are only added to \
            the object itself; a name with dots is written as `/a.b`",
        ),
        (
            json!({ "add": { "a": 1, "/a": 2 } }),
            "`add.a`: another key is the same field",
        ),
        (
            json!({ "add": { "a": 1 }, "at": "top" }),
            "`at`: must be `start` or `end`; found the text \"top\"",
        ),
    ] {
        assert_eq!(refusal::<Fields>(settings), reason);
    }
}
