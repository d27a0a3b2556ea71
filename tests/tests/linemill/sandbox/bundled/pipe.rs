//! Runs input through one bundled filter with `linemill pipe`.
//!
//! In: the filter's table of a configuration, and input. Out: the finished run, or an assertion on its
//! output. Not here: any tests.

use linemill_tests::{Finished, Folder, run};

/// Runs `input` through the filter `f`, configured by `table`.
pub(super) fn pipe(table: &str, input: &[u8]) -> Finished {
    let folder = Folder::new();
    folder.write("c.toml", format!("[filter.f]\n{table}\n"));
    run(folder.path(), ["pipe", "--config", "c.toml", "f"], input)
}

/// Asserts the output for `input`, and that standard error is empty.
#[track_caller]
pub(super) fn outputs(table: &str, input: &[u8], output: &[u8]) {
    let done = pipe(table, input).success();
    assert_eq!(
        done.stdout.escape_ascii().to_string(),
        output.escape_ascii().to_string(),
        "{table}"
    );
    assert_eq!(done.stderr, "", "{table}");
}

/// Asserts that two long outputs are equal; on failure shows only the first line that differs.
#[track_caller]
pub(super) fn assert_same_lines(found: &[u8], expected: &str) {
    let found: Vec<_> = found.split_inclusive(|&byte| byte == b'\n').collect();
    let expected: Vec<_> = expected.split_inclusive('\n').collect();
    for (number, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert_eq!(
            found.escape_ascii().to_string(),
            expected.escape_default().to_string(),
            "line {}",
            number + 1
        );
    }
    assert_eq!(found.len(), expected.len(), "lines");
}
