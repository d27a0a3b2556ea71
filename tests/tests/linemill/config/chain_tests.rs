//! Tests of whole chains: what they see, and that a reload which breaks one changes nothing.

use linemill_tests::{Folder, Host, Outcome, run};

/// A listener whose chain routes digits, edits JSON and turns letters, and these tests.
fn config(tests: &str) -> String {
    let filters = "[filter.digits]\nplugin = \"grep\"\nsettings = { keep = [\"[0-9]\"], route = \"numbers\" }\n[filter.short]\nplugin = \"json\"\nsettings = { pick = [\"a\"] }\non_error = \"drop\"\n[filter.after]\nplugin = \"case\"\nsettings = { to = \"upper\" }\n";
    Host::config(
        "chain = [{ filter = \"short\", when = \"^[{]\" }, \"digits\", \"rot13\"]\nroutes = { numbers = \"file:numbers\" }\nreply_chain = []\n",
        &format!("{filters}\n{tests}"),
    )
}

/// What `check` says of this configuration.
fn check(tests: &str) -> linemill_tests::Finished {
    let folder = Folder::new();
    folder.write("linemill.toml", config(tests));
    run(folder.path(), ["check", "linemill.toml"], b"")
}

#[test]
fn a_test_sees_the_whole_chain() {
    let test = r#"
        [[test]]
        listener = "test"
        in = ["Hello", "no 1", '{"a":"x","b":"y"}', "{broken"]
        out = ["Uryyb", '{"n":"k"}']
        routes = { numbers = ["no 1"] }
        failed = 1
    "#;
    check(test).success().stdout_has(&["rot13; 1 test held"]);
}

#[test]
fn each_difference_is_reported_at_the_test() {
    for (keys, report) in [
        (
            r#"in = ["Hello"]
               out = ["Hello"]"#,
            r#"linemill.toml:27:1: listener `test`: its test does not hold: ["Hello"] in `chain` gave ["Uryyb"], not ["Hello"]"#,
        ),
        (
            r#"in = ["1"]
               out = []"#,
            r#"gave ["1"] by the route `numbers`, not []"#,
        ),
        (
            r#"in = ["a"]
               out = ["n"]
               routes = { numbers = ["2"] }"#,
            r#"gave [] by the route `numbers`, not ["2"]"#,
        ),
        (
            r#"in = ["{"]
               out = []"#,
            "gave 1 failed lines, not 0",
        ),
    ] {
        let test = format!("[[test]]\nlistener = \"test\"\n{keys}");
        check(&test).failure().stderr_has(&[report]);
    }
}

#[test]
fn a_reload_that_breaks_a_test_is_refused() {
    let test = "[[test]]\nlistener = \"test\"\nin = [\"Hello\"]\nout = [\"Uryyb\"]\n";
    let host = Host::serve(config(test));
    let mut client = host.connect();
    client.send(b"Hello\n");
    client.expect(b"Uryyb\n");
    host.write_config(config(test).replace("\"digits\", \"rot13\"", "\"digits\", \"after\""));
    assert_eq!(host.reload().outcome, Outcome::Refused);
    client.send(b"Hello\n");
    client.expect(b"Uryyb\n");
    // Tests are not counted.
    assert_eq!(
        host.metric("linemill_filter_lines_total", &[("filter", "rot13")]),
        2.0
    );
    host.write_config(config("").replace("\"digits\", \"rot13\"", "\"digits\", \"after\""));
    assert_eq!(host.reload().outcome, Outcome::Applied);
    client.send(b"Hello\n");
    client.expect(b"HELLO\n");
}
