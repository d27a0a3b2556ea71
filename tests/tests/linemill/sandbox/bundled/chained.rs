//! Bundled filters in one chain.

use linemill_tests::{Folder, Host, assert_bytes, run};

use super::pipe::assert_same_lines;

#[test]
fn redact_then_rot13_by_pipe_and_by_serve() {
    let input = b"bob@x.org paid with 4111 1111 1111 1111\r\nnothing here\n10.0.0.1";
    let output = b"[rznvy] cnvq jvgu [pneq]\r\nabguvat urer\n[vci4]";
    let folder = Folder::new();
    let done = run(folder.path(), ["pipe", "redact", "rot13"], input).success();
    assert_bytes(done.stdout, output);
    let host = Host::serve(Host::config("chain = [\"redact\", \"rot13\"]", ""));
    assert_bytes(host.connect().exchange(input), output);
}

/// A filter does not see the lines that the filter before it dropped: the numbers have no gaps.
#[test]
fn filters_that_drop_lines_and_count_lines() {
    let folder = Folder::new();
    folder.write(
        "c.toml",
        "[filter.errors]\nplugin = \"grep\"\nsettings = { keep = [\"ERROR\"] }\n",
    );
    let input: String = (0..30_000)
        .map(|n| format!("{} {}\n", if n % 3 == 0 { "ERROR" } else { "INFO" }, n / 6))
        .collect();
    let expected: String = (0..5_000)
        .map(|n| format!("{} ERROR {n}\n", n + 1))
        .collect();
    let done = run(
        folder.path(),
        ["pipe", "--config", "c.toml", "errors", "dedup", "number"],
        input.as_bytes(),
    )
    .success();
    assert_same_lines(&done.stdout, &expected);
}
