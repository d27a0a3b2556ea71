//! `number`, `dedup` and `sample`: filters that remember earlier lines of their stream.

use linemill_tests::Host;

use super::pipe::{assert_same_lines, outputs, pipe};

#[test]
fn number_prefixes_numbers() {
    outputs(
        "plugin = \"number\"\nsettings = { start = 99, width = 3, separator = \": \" }",
        b"a\nb\r\n\nlast",
        b"099: a\n100: b\r\n101: \n102: last",
    );
}

/// 100,000 lines are more than ten batches. No line is lost, doubled or reordered between batches, and
/// state is kept from one to the next.
#[test]
fn number_counts_on_across_batches() {
    let input: String = (0..100_000).map(|n| format!("line {n}\n")).collect();
    let expected: String = (0..100_000)
        .map(|n| format!("{} line {n}\n", n + 1))
        .collect();
    let done = pipe("plugin = \"number\"", input.as_bytes()).success();
    assert_same_lines(&done.stdout, &expected);

    let host = Host::serve(Host::config("chain = [\"number\"]", ""));
    let served = host.connect().exchange(input.as_bytes());
    assert_same_lines(&served, &expected);
    let calls = host.metric("linemill_filter_calls_total", &[("filter", "number")]);
    assert!((10.0..100_000.0).contains(&calls), "{calls} calls");
}

#[test]
fn dedup_drops_lines_in_its_window() {
    outputs(
        "plugin = \"dedup\"\nsettings = { window = 2 }",
        b"a\nb\na\nc\nb\n",
        b"a\nb\nc\nb\n",
    );
    outputs(
        "plugin = \"dedup\"\nsettings = { window = 1 }",
        b"a\na\nb\na\na",
        b"a\nb\na\n",
    );
    pipe("plugin = \"dedup\"\nsettings = { window = 0 }", b"")
        .failure()
        .stderr_has(&["c.toml:3", "window"]);
}

#[test]
fn dedup_compares_lines_of_one_connection_only() {
    let host = Host::serve(Host::config("chain = [\"dedup\"]", ""));
    let (mut one, mut two) = (host.connect(), host.connect());
    one.send(b"a\na\n");
    one.expect(b"a\n");
    two.send(b"a\nb\n");
    two.expect(b"a\nb\n");
    one.send(b"b\na\n");
    one.expect(b"b\n");
    for mut client in [one, two] {
        client.finish();
        client.expect_end();
    }
}

#[test]
fn sample_by_count_takes_the_first_of_each_group() {
    outputs(
        "plugin = \"sample\"\nsettings = { one_in = 3 }",
        b"a\nb\nc\nd\ne\nf\ng",
        b"a\nd\ng",
    );
    let input: String = (0..50_000).map(|n| format!("{n}\n")).collect();
    let expected: String = (0..50_000).step_by(10).map(|n| format!("{n}\n")).collect();
    let done = pipe("plugin = \"sample\"", input.as_bytes()).success();
    assert_same_lines(&done.stdout, &expected);
}

/// Which lines are chosen must not depend on the host or the version of the filter.
#[test]
fn sample_by_content_is_the_same_everywhere() {
    let table = "plugin = \"sample\"\nsettings = { one_in = 100, by = \"content\" }";
    let input: String = (1..=1000).map(|n| format!("{n}\n")).collect();
    outputs(table, input.as_bytes(), b"63\n66\n223\n379\n428\n653\n");
    outputs(table, b"653\n654\n653\r\n63", b"653\n653\r\n63");
}
