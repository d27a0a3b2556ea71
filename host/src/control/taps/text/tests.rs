//! Events as people see them.

use super::*;

fn line(json: &str) -> String {
    let head = r#""type":"line","time":"2026-01-02T03:04:05.000006Z","listener":"web","peer":"192.0.2.1:7","direction":"forward","stage":"f","position":1,"generation":3"#;
    format!("{{{head},{json}}}")
}

#[track_caller]
fn text(json: &str, colours: bool) -> String {
    let json = line(json);
    event(&serde_json::from_str(&json).expect("an event"), colours)
}

#[test]
fn a_line_shows_what_went_in_and_what_came_out() {
    let head = "03:04:05.000006 web/f 192.0.2.1:7 g3";
    for (json, expected) in [
        (
            r#""version":"live","verdict":"passed","before":{"text":"a"},"after":[{"text":"a"}]"#,
            format!("{head} passed\n  = a\n"),
        ),
        (
            r#""version":"canary","verdict":"replaced","before":{"text":"a"},"after":[{"text":"b"}]"#,
            format!("{head} canary replaced\n  - a\n  + b\n"),
        ),
        (
            r#""version":"shadow","verdict":"dropped","before":{"base64":"Yf8="},"after":[]"#,
            format!("{head} shadow dropped\n  - a\\xff\n"),
        ),
        (
            r#""version":"live","verdict":"split","before":{"text":"a,b"},"after":[{"text":"a"},{"text":"b"}]"#,
            format!("{head} split\n  - a,b\n  + a\n  + b\n"),
        ),
        (
            r#""version":"live","verdict":"routed","before":{"text":"a"},"after":[],"routed":[{"route":"errors","text":"A"}]"#,
            format!("{head} routed\n  - a\n  > errors: A\n"),
        ),
        (
            r#""version":"live","verdict":"failed","before":{"text":"a"},"after":[],"failure":{"kind":"trap","reason":"it\ntraps","on_error":"drop"}"#,
            format!("{head} failed: trap: it\\ntraps (on_error = \"drop\")\n  - a\n"),
        ),
    ] {
        assert_eq!(text(json, false), expected);
    }
}

/// What a client or a filter sends cannot drive the terminal, with colours or without.
#[test]
fn nothing_of_others_drives_the_terminal() {
    let hostile = r#"x\u001b[2J\u202e\u009b1m\n"#;
    let json = format!(
        r#""version":"{hostile}","verdict":"{hostile}","before":{{"text":"{hostile}"}},"after":[{{"text":"{hostile}y"}}],"routed":[{{"route":"{hostile}","text":"{hostile}"}}],"failure":{{"kind":"{hostile}","reason":"{hostile}","on_error":"{hostile}"}}"#
    );
    for colours in [false, true] {
        let text = text(&json, colours);
        let mut own = text.replace('\n', "");
        for sequence in [RED, GREEN, YELLOW, DIM, RESET] {
            own = own.replace(sequence, "");
        }
        assert!(!own.contains(linemill_config::is_unprintable), "{own:?}");
        assert_eq!(text.lines().count(), 4, "{text}");
    }
    let json = r#""version":"live","verdict":"replaced","before":{"text":"a\u001b[2J"},"after":[{"text":"b\u001b[2J"}]"#;
    let text = text(json, true);
    assert!(
        text.contains(&format!("- {RED}a{RESET}\\u{{1b}}[2J\n")),
        "{text:?}"
    );
}

#[test]
fn only_what_differs_is_in_colour() {
    for (one, other, expected) in [
        ("abc", "axc", ("a", ["b", "x"], "c")),
        ("aa", "aaa", ("aa", ["", "a"], "")),
        ("", "x", ("", ["", "x"], "")),
        ("é1", "é2", ("é", ["1", "2"], "")),
        ("1é", "2é", ("", ["1", "2"], "é")),
        ("é", "è", ("", ["é", "è"], "")),
        ("same", "same", ("same", ["", ""], "")),
    ] {
        assert_eq!(difference(one, other), expected, "{one} {other}");
    }
}

#[test]
fn long_contents_are_cut() {
    let long = "x".repeat(LONGEST + 1);
    let json =
        format!(r#""version":"live","verdict":"passed","before":{{"text":"{long}"}},"after":[]"#);
    let text = text(&json, false);
    assert!(
        text.ends_with(&format!("x… ({} bytes)\n", LONGEST + 1)),
        "{text}"
    );
}
