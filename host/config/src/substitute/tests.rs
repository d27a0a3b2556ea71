use std::ffi::OsString;
use std::fs;
use std::path::Path;

use super::{Fault, expand};
use crate::settings::{OnError, OutsideValues, Settings, Token};
use crate::{Files, load, parse};

fn variable(name: &str) -> Option<OsString> {
    match name {
        "HOST" => Some("a.example".into()),
        "EMPTY" => Some("".into()),
        "TRICKY" => Some("${HOST}".into()),
        _ => None,
    }
}

fn expanded(text: &str) -> Result<String, String> {
    let mut values = OutsideValues::default();
    expand(text, &variable, &mut values)
        .map_err(|Fault { at, what, .. }| format!("{}: {what}", &text[at]))
}

#[test]
fn references_are_replaced_once() {
    for (written, value) in [
        ("tcp://${HOST}:514", "tcp://a.example:514"),
        ("${HOST}${HOST}", "a.examplea.example"),
        ("${EMPTY}", ""),
        ("${UNSET:-b}", "b"),
        ("${UNSET:-}", ""),
        ("${EMPTY:-b}", "b"),
        ("${HOST:-b}", "a.example"),
        ("$${HOST}", "${HOST}"),
        ("$${", "${"),
        ("$$${HOST}", "$${HOST}"),
        ("a$b $ {HOST} ${1}x${12}", "a$b $ {HOST} ${1}x${12}"),
        // A value is not a text with references.
        ("${TRICKY}", "${HOST}"),
    ] {
        assert_eq!(expanded(written), Ok(value.to_owned()), "{written}");
    }
}

#[test]
fn references_that_lead_nowhere_are_refused() {
    for (written, report) in [
        (
            "a ${UNSET} b",
            "${UNSET}: the environment variable UNSET is not set",
        ),
        (
            "é${",
            "${: a reference to an environment variable has no end",
        ),
        (
            "${HOST",
            "${HOST: a reference to an environment variable has no end",
        ),
        ("${}", "${}: `` is not the name of an environment variable"),
        (
            "${A-B}",
            "${A-B}: `A-B` is not the name of an environment variable",
        ),
        (
            "${1A}",
            "${1A}: `1A` is not the name of an environment variable",
        ),
        (
            "${A B:-c}",
            "${A B:-c}: `A B` is not the name of an environment variable",
        ),
    ] {
        assert_eq!(expanded(written), Err(report.to_owned()), "{written}");
    }
}

/// A configuration in a folder with files `secret` and `number`.
fn loaded(text: &str) -> Result<Settings, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &[u8]| fs::write(folder.path().join(name), text);
    write("secret", b"0123456789abcdef hidden\r\n").expect("written");
    write("number", b"12\n").expect("written");
    write("binary", b"\xff").expect("written");
    write("a.toml", text.as_bytes()).expect("written");
    let path = folder.path().join("a.toml");
    let shown = |problems: crate::Problems| {
        problems
            .to_string()
            .replace(&format!("{}/", folder.path().display()), "")
    };
    load(&path, &["rot13"], &Files::default()).map_err(shown)
}

#[test]
fn a_file_is_a_value_wherever_a_text_is() {
    let settings = loaded(
        r#"
        host.admin = "127.0.0.1:0"
        host.admin_token = { file = "secret2" }
        [[listener]]
        "#,
    );
    let refused = settings.expect_err("no such file");
    assert!(
        refused
            .starts_with("error: a.toml:3:28: the file `secret2` of this value cannot be read: "),
        "{refused}"
    );
    let settings = loaded(
        r#"
        [host]
        admin = "127.0.0.1:0"
        admin_token = { file = "number" }
        "#,
    );
    let refused = settings.expect_err("too short");
    assert!(
        refused.contains("admin_token = { file = \"number\" }"),
        "{refused}"
    );
    let settings = loaded(
        r#"
        [[listener]]
        max_connections = { file = "number" }
        [filter.rot13]
        on_error = "${LINEMILL_TEST_THAT_IS_NOT_SET:-drop}"
        [filter.rot13.settings]
        key = { file = "secret" }
        keys = [{ file = "secret" }, { file = "secret", other = 1 }]
        "#,
    );
    let settings = settings.expect("valid");
    assert_eq!(settings.listeners[0].max_connections, 12);
    let filter = &settings.filters["rot13"];
    assert_eq!(filter.on_error, Some(OnError::Drop));
    let secret = "0123456789abcdef hidden";
    let expected = serde_json::json!({
        "key": secret,
        "keys": [secret, { "file": "secret", "other": 1 }],
    });
    assert_eq!(filter.settings, expected);
}

#[test]
fn the_settings_of_a_filter_are_never_a_value() {
    let text = "[filter.a]\nplugin = \"rot13\"\nsettings = { file = \"number\" }\n[filter.b]\nplugin = \"rot13\"\n[filter.b.settings]\nfile = \"x\"";
    let settings = loaded(text).expect("valid");
    assert_eq!(settings.filters["a"].settings["file"], "number");
    assert_eq!(settings.filters["b"].settings["file"], "x");
}

#[test]
fn reports_show_what_is_written_and_never_the_value() {
    let text = r#"
        [[listener]]
        bind = { file = "secret" }
        framing = { file = "secret" }
        max_connections = { file = "secret" }
        max_line = { file = "secret" }
        strip_bom = { file = "secret" }
        to = { file = "secret" }
        chain = [{ file = "secret" }]
        allow = [{ file = "secret" }]
        client_names = [{ file = "secret" }]
        name = { file = "secret" }
        [filter.a]
        plugin = { file = "secret" }
        sha256 = { file = "secret" }
        on_error = { file = "secret" }
        deadline = { file = "secret" }
        grant = [{ file = "secret" }]
        memory = { file = "secret" }
        quarantine = { file = "secret" }
    "#;
    let refused = loaded(text).expect_err("nothing fits");
    assert!(!refused.contains("hidden"), "{refused}");
    assert!(refused.matches("error: a.toml:").count() > 12, "{refused}");
    let refused = loaded("[[listener]]\nname = { file = \"binary\" }").expect_err("not a text");
    assert!(refused.contains("is not UTF-8"), "{refused}");
}

#[test]
fn a_reference_is_marked_where_it_is() {
    let text = "[[listener]]\nto = \"tcp://${LINEMILL_TEST_THAT_IS_NOT_SET}:1\"";
    let refused = parse(Path::new("a.toml"), text, &[])
        .expect_err("not set")
        .to_string();
    let expected =
        "error: a.toml:2:13: the environment variable LINEMILL_TEST_THAT_IS_NOT_SET is not set\n";
    assert!(refused.starts_with(expected), "{refused}");
}

#[test]
fn a_token_from_a_file_is_the_token() {
    let text = "[host]\nadmin = \"127.0.0.1:0\"\nadmin_token = \"${LINEMILL_TEST_UNSET:-0123456789abcdef}\"";
    let settings = loaded(text).expect("valid");
    assert_eq!(
        settings.host.admin_token,
        Some(Token::new("0123456789abcdef"))
    );
}

#[test]
fn lists_in_the_settings_of_a_filter_may_be_long() {
    let folder = tempfile::tempdir().expect("a folder");
    let list = "a line of a list\n".repeat(100_000);
    fs::write(folder.path().join("list"), &list).expect("written");
    let path = folder.path().join("a.toml");
    let config = |text: &str| {
        fs::write(&path, text).expect("written");
        load(&path, &[], &Files::default())
    };
    let settings = config("[filter.a]\nsettings = { deep = [ { list = { file = \"list\" } } ] }\n");
    let settings = settings.expect("valid").filters["a"].settings.clone();
    assert_eq!(settings["deep"][0]["list"], list.trim_end());
    let elsewhere = config("[host]\nadmin_token = { file = \"list\" }\n").expect_err("too long");
    assert!(elsewhere.to_string().contains("larger than"), "{elsewhere}");
}
