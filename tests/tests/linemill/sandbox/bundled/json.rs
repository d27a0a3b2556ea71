//! `json`: picks, removes and renames members of JSON objects.

use super::pipe::{outputs, pipe};

const EVENTS: &[u8] = b"{\"t\": 1.50, \"level\":\"info\", \"user\":{\"id\":7}}\n{\"t\":2}\n";

#[test]
fn picks_removes_and_renames() {
    outputs(
        "plugin = \"json\"\nsettings = { remove = [\"user\"], rename = { level = \"severity\" } }",
        EVENTS,
        b"{\"t\":1.50,\"severity\":\"info\"}\n{\"t\":2}\n",
    );
    outputs(
        "plugin = \"json\"\nsettings = { pick = [\"user\", \"level\"] }",
        EVENTS,
        b"{\"level\":\"info\",\"user\":{\"id\":7}}\n{}\n",
    );
    // Nothing to change: the line stays as it is, including spaces.
    outputs("plugin = \"json\"", EVENTS, EVENTS);
}

#[test]
fn fails_lines_that_are_not_objects() {
    let input = b"{\"a\": 1,\"b\":2}\nhello\n[1]\n{\"b\":3}\n{\"c\":1,\"a\":2}\n{\"b\":4,\"z\":5}";
    let table = |on_error: &str| {
        format!(
            "plugin = \"json\"\non_error = \"{on_error}\"\n\
             settings = {{ remove = [\"b\"], rename = {{ a = \"c\" }} }}"
        )
    };
    let passed = pipe(&table("pass"), input).exits_with(2);
    assert_eq!(
        passed.text(),
        "{\"c\":1}\nhello\n[1]\n{}\n{\"c\":1,\"a\":2}\n{\"z\":5}"
    );
    let dropped = pipe(&table("drop"), input)
        .exits_with(2)
        .stderr_has(&["not a JSON object: expected value at column 1"]);
    assert_eq!(dropped.text(), "{\"c\":1}\n{}\n{\"z\":5}");
    let closed = pipe(&table("close"), input)
        .failure()
        .stderr_has(&["on_error"]);
    assert_eq!(closed.text(), "{\"c\":1}\n");
}
