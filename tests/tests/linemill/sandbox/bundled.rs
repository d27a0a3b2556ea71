//! The bundled filters, as the components that the binary carries: exact bytes for each setting.
//!
//! Each is tested natively beside its code too; here it is what a user gets.

use linemill_tests::{Finished, Folder, Host, run};

/// Runs `input` through one filter of the configuration `table`, named `f`.
fn pipe(table: &str, input: &[u8]) -> Finished {
    let folder = Folder::new();
    folder.write("c.toml", format!("[filter.f]\n{table}\n"));
    run(folder.path(), ["pipe", "--config", "c.toml", "f"], input)
}

/// Asserts what comes of `input`, and that there is nothing to say about it.
#[track_caller]
fn turns(table: &str, input: &[u8], output: &[u8]) {
    let done = pipe(table, input).success();
    assert_eq!(
        done.stdout.escape_ascii().to_string(),
        output.escape_ascii().to_string(),
        "{table}"
    );
    assert_eq!(done.stderr, "", "{table}");
}

// === rot13 ===

#[test]
fn rot13_turns_letters_and_nothing_else() {
    let table = "plugin = \"rot13\"";
    turns(
        table,
        "Hello\nGrüße, 13!\r\n".as_bytes(),
        "Uryyb\nTeüßr, 13!\r\n".as_bytes(),
    );
    turns(
        table,
        b"\0a\xff\xfe\n\n[`{@\nrest",
        b"\0n\xff\xfe\n\n[`{@\nerfg",
    );
}

// === redact ===

#[test]
fn redact_masks_each_built_in_pattern() {
    turns(
        "plugin = \"redact\"",
        b"1.2.3.4 - bob@x.org \"GET /?password=hunter2&x=1\"\r\n\
          paid with 4111 1111 1111 1111.\n\
          Authorization: Bearer abc.DEF-123_456==\n\
          to DE89370400440532013000\n\
          auth eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl ok\n\
          from fe80::1 now\n\
          \0\xff bob@x.org \xfe",
        b"[ipv4] - [email] \"GET /?password=[password]&x=1\"\r\n\
          paid with [card].\n\
          Authorization: Bearer [bearer]\n\
          to [iban]\n\
          auth [jwt] ok\n\
          from [ipv6] now\n\
          \0\xff [email] \xfe",
    );
}

#[test]
fn redact_leaves_what_only_looks_the_part() {
    // Wrong check digits of a card and an IBAN, versions, times, paths, a pattern that is off.
    let input = b"order 4111 1111 1111 1112\n\
                  to DE88370400440532013000\n\
                  version 1.2.3 or 1.2.3.4.5\n\
                  at 10:14:02 in std::vec\n\
                  00:1b:44:11:3a:b7\n";
    turns("plugin = \"redact\"", input, input);
}

#[test]
fn redact_takes_patterns_of_the_users_own_and_a_mask() {
    turns(
        "plugin = \"redact\"\nsettings = { patterns = [\"email\", \"mac\"], \
         custom = { badge = \"B-[0-9]{4}\" }, mask = \"<{name}>\" }",
        b"B-1234 B-12 bob@x.org 1.2.3.4 00:1b:44:11:3a:b7\n",
        b"<badge> B-12 <email> 1.2.3.4 <mac>\n",
    );
    turns(
        "plugin = \"redact\"\nsettings = { mask = \"\" }",
        b"mail bob@x.org now\n",
        b"mail  now\n",
    );
}

#[test]
fn redact_refuses_settings_that_would_mask_nothing_meant() {
    let refused = |settings: &str, parts: &[&str]| {
        pipe(&format!("plugin = \"redact\"\nsettings = {settings}"), b"")
            .failure()
            .says(parts);
    };
    refused(
        "{ patterns = [\"e-mail\"] }",
        &["c.toml:3", "e-mail", "email"],
    );
    refused("{ custom = { badge = \"[\" } }", &["c.toml:3", "badge"]);
    refused("{ pattern = [\"email\"] }", &["c.toml:3", "pattern"]);
}

// === grep ===

#[test]
fn grep_keeps_and_drops() {
    let log = b"ERROR disk full\nWARN  GET /healthz slow\nINFO  started\nWARN  late\r\nerror x\n";
    turns(
        "plugin = \"grep\"\nsettings = { keep = [\"ERROR\", \"^WARN\"], drop = [\"/healthz\"] }",
        log,
        b"ERROR disk full\nWARN  late\r\n",
    );
    turns(
        "plugin = \"grep\"\nsettings = { keep = [\"ERROR\"], ignore_case = true }",
        log,
        b"ERROR disk full\nerror x\n",
    );
    turns(
        "plugin = \"grep\"\nsettings = { drop = [\"^(WARN|INFO)\"] }",
        log,
        b"ERROR disk full\nerror x\n",
    );
}

#[test]
fn grep_takes_plain_texts() {
    turns(
        "plugin = \"grep\"\nsettings = { drop = [\"a.c\", \"(\"], literal = true }",
        b"a.c\nabc\nf(x)\nlast",
        b"abc\nlast",
    );
}

#[test]
fn grep_lets_all_lines_through_if_its_route_leads_nowhere() {
    turns(
        "plugin = \"grep\"\nsettings = { keep = [\"ERROR\"], route = \"errors\" }",
        b"ERROR disk full\nINFO  started\r\nlast",
        b"ERROR disk full\nINFO  started\r\nlast",
    );
    // In an example the route leads out of the stream.
    turns(
        "plugin = \"grep\"\nsettings = { keep = [\"ERROR\"], route = \"errors\" }\n\
         test = [{ in = [\"ERROR x\", \"INFO y\"], out = [\"INFO y\"] }]",
        b"ERROR z\n",
        b"ERROR z\n",
    );
    pipe(
        "plugin = \"grep\"\nsettings = { keep = [\"ERROR\"], route = \"a b\" }",
        b"",
    )
    .failure()
    .says(&["c.toml:3", "`a b` is not a valid route name"]);
}

#[test]
fn grep_without_a_pattern_is_refused() {
    pipe("plugin = \"grep\"", b"x\n").failure().says(&[
        "c.toml:1",
        "`keep` or `drop`",
        "needs a pattern",
    ]);
    let folder = Folder::new();
    run(folder.path(), ["pipe", "grep"], b"x\n")
        .failure()
        .says(&["`grep`", "needs a pattern"]);
    pipe("plugin = \"grep\"\nsettings = { keep = [\"(\"] }", b"x\n")
        .failure()
        .says(&["c.toml:3", "keep[0]", "unclosed group"]);
}

// === json ===

const EVENTS: &[u8] = b"{\"t\": 1.50, \"level\":\"info\", \"user\":{\"id\":7}}\n{\"t\":2}\n";

#[test]
fn json_picks_removes_and_renames() {
    turns(
        "plugin = \"json\"\nsettings = { remove = [\"user\"], rename = { level = \"severity\" } }",
        EVENTS,
        b"{\"t\":1.50,\"severity\":\"info\"}\n{\"t\":2}\n",
    );
    turns(
        "plugin = \"json\"\nsettings = { pick = [\"user\", \"level\"] }",
        EVENTS,
        b"{\"level\":\"info\",\"user\":{\"id\":7}}\n{}\n",
    );
    // Nothing to change: as it came, blanks too.
    turns("plugin = \"json\"", EVENTS, EVENTS);
}

#[test]
fn json_fails_what_is_no_object_and_on_error_decides() {
    let input = b"{\"a\": 1,\"b\":2}\nhello\n[1]\n{\"b\":3}\n{\"c\":1,\"a\":2}\n{\"b\":4,\"z\":5}";
    let table = |on_error: &str| {
        format!(
            "plugin = \"json\"\non_error = \"{on_error}\"\n\
             settings = {{ remove = [\"b\"], rename = {{ a = \"c\" }} }}"
        )
    };
    let passed = pipe(&table("pass"), input).success();
    assert_eq!(
        passed.text(),
        "{\"c\":1}\nhello\n[1]\n{}\n{\"c\":1,\"a\":2}\n{\"z\":5}"
    );
    let dropped = pipe(&table("drop"), input)
        .success()
        .says(&["not a JSON object: expected value at column 1"]);
    assert_eq!(dropped.text(), "{\"c\":1}\n{}\n{\"z\":5}");
    let closed = pipe(&table("close"), input).failure().says(&["on_error"]);
    assert_eq!(closed.text(), "{\"c\":1}\n");
}

// === number ===

#[test]
fn number_puts_numbers_in_front() {
    turns(
        "plugin = \"number\"\nsettings = { start = 99, width = 3, separator = \": \" }",
        b"a\nb\r\n\nlast",
        b"099: a\n100: b\r\n101: \n102: last",
    );
}

/// 100,000 lines are more than ten batches: none is lost, doubled or out of order between them,
/// and state outlives each.
#[test]
fn number_counts_on_across_batches() {
    let input: String = (0..100_000).map(|n| format!("line {n}\n")).collect();
    let expected: String = (0..100_000)
        .map(|n| format!("{} line {n}\n", n + 1))
        .collect();
    let done = pipe("plugin = \"number\"", input.as_bytes()).success();
    same_lines(&done.stdout, &expected);

    let host = Host::serve(Host::config("chain = [\"number\"]", ""));
    let served = host.connect().exchange(input.as_bytes());
    same_lines(&served, &expected);
    let calls = host.metric("linemill_filter_calls_total", &[("filter", "number")]);
    assert!((10.0..100_000.0).contains(&calls), "{calls} calls");
}

/// Asserts equality of long outputs; shows the first line that differs, not all of them.
#[track_caller]
fn same_lines(found: &[u8], expected: &str) {
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

// === dedup ===

#[test]
fn dedup_drops_what_is_in_its_window() {
    turns(
        "plugin = \"dedup\"\nsettings = { window = 2 }",
        b"a\nb\na\nc\nb\n",
        b"a\nb\nc\nb\n",
    );
    turns(
        "plugin = \"dedup\"\nsettings = { window = 1 }",
        b"a\na\nb\na\na",
        b"a\nb\na\n",
    );
    pipe("plugin = \"dedup\"\nsettings = { window = 0 }", b"")
        .failure()
        .says(&["c.toml:3", "window"]);
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

// === sample ===

#[test]
fn sample_by_count_takes_the_first_of_each() {
    turns(
        "plugin = \"sample\"\nsettings = { one_in = 3 }",
        b"a\nb\nc\nd\ne\nf\ng",
        b"a\nd\ng",
    );
    let input: String = (0..50_000).map(|n| format!("{n}\n")).collect();
    let expected: String = (0..50_000).step_by(10).map(|n| format!("{n}\n")).collect();
    let done = pipe("plugin = \"sample\"", input.as_bytes()).success();
    same_lines(&done.stdout, &expected);
}

/// The verdict on a line is the same on every host and in every version: these lines are chosen.
#[test]
fn sample_by_content_is_the_same_everywhere() {
    let table = "plugin = \"sample\"\nsettings = { one_in = 100, by = \"content\" }";
    let input: String = (1..=1000).map(|n| format!("{n}\n")).collect();
    turns(table, input.as_bytes(), b"63\n66\n223\n379\n428\n653\n");
    turns(table, b"653\n654\n653\r\n63", b"653\n653\r\n63");
}

// === case ===

#[test]
fn case_has_four_modes() {
    let input = "Hello, wORLD\ndon't, wORLD ÄÖ é1a\n".as_bytes();
    for (settings, output) in [
        ("{ }", "hello, world\ndon't, world ÄÖ é1a\n"),
        ("{ to = \"lower\" }", "hello, world\ndon't, world ÄÖ é1a\n"),
        ("{ to = \"upper\" }", "HELLO, WORLD\nDON'T, WORLD ÄÖ é1A\n"),
        ("{ to = \"swap\" }", "hELLO, World\nDON'T, World ÄÖ é1A\n"),
        ("{ to = \"title\" }", "Hello, World\nDon't, World ÄÖ é1a\n"),
    ] {
        turns(
            &format!("plugin = \"case\"\nsettings = {settings}"),
            input,
            output.as_bytes(),
        );
    }
    pipe("plugin = \"case\"\nsettings = { to = \"camel\" }", b"")
        .failure()
        .says(&["c.toml:3", "camel", "title"]);
}

// === in a chain ===

#[test]
fn redact_then_rot13_by_pipe_and_by_serve() {
    let input = b"bob@x.org paid with 4111 1111 1111 1111\r\nnothing here\n10.0.0.1";
    let output = b"[rznvy] cnvq jvgu [pneq]\r\nabguvat urer\n[vci4]";
    let folder = Folder::new();
    let done = run(folder.path(), ["pipe", "redact", "rot13"], input).success();
    assert_eq!(
        done.stdout.escape_ascii().to_string(),
        output.escape_ascii().to_string()
    );
    let host = Host::serve(Host::config("chain = [\"redact\", \"rot13\"]", ""));
    assert_eq!(
        host.connect().exchange(input).escape_ascii().to_string(),
        output.escape_ascii().to_string()
    );
}

/// What one filter drops, the next does not see: the numbers have no gap.
#[test]
fn filters_that_drop_and_count_work_together() {
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
    same_lines(&done.stdout, &expected);
}
