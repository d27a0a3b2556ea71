//! The limits on a filter's calls: at each limit a call passes, above it the call fails with a kind of
//! its own, and with a raised limit it passes again.

use linemill_tests::{Folder, Host, eventually, guest, run};

/// A configuration whose only filter is `guest.wasm`, with further keys of `[host]` and of the filter.
pub(super) fn config(host: &str, filter: &str) -> String {
    Host::filtering_config(filter).replace("[host]\n", &format!("[host]\n{host}\n"))
}

/// A host with that configuration and this component.
fn host_of(component: &[u8], host: &str, filter: &str) -> Host {
    let folder = Folder::new();
    folder.write("guest.wasm", component);
    Host::serve_in(folder, config(host, filter))
}

/// A host with the guest `more`, which exceeds limits on demand.
pub(super) fn more(filter: &str) -> Host {
    host_of(&guest::batch("more"), "", filter)
}

/// A host with the guest `calls`, which calls its imports on demand.
fn calls(filter: &str) -> Host {
    let grant = "grant = [\"random\", \"log\", \"clock\"]\n";
    host_of(&guest::importing("calls"), "", &format!("{grant}{filter}"))
}

/// Asserts that the line passes the filter.
#[track_caller]
pub(super) fn passes(host: &Host, line: &str) {
    host.expect_answer(line, &line.to_uppercase());
}

/// Asserts that the line comes back unfiltered, counts as one failure of this kind, and is logged.
#[track_caller]
fn fails(host: &Host, line: &str, kind: &str) {
    let before = host.failures(kind);
    host.expect_answer(line, line);
    assert_eq!((host.failures(kind) - before).to_string(), "1", "{line}");
    host.expect_stderr(&format!("kind=\"{kind}\""));
}

/// Asserts that the line becomes this many lines of one byte.
#[track_caller]
fn becomes(host: &Host, line: &str, lines: usize, byte: &str) {
    let got = host.connect().exchange(format!("{line}\n").as_bytes());
    assert!(
        got == format!("{byte}\n").repeat(lines).as_bytes(),
        "{line}: {} bytes",
        got.len()
    );
}

#[test]
fn table_elements() {
    // The guest starts with one.
    let host = more("limits = { tables = 1000 }");
    fails(&host, "!t1000", "table");
    passes(&host, "!t999");
    passes(&more("limits = { tables = 1001 }"), "!t1000");
}

#[test]
fn output_of_a_call() {
    // Each line of one byte counts as two; the input has eight bytes and one line.
    let host = more("limits = { output = \"100000B\" }");
    becomes(&host, "!o50004", 50_004, "x");
    fails(&host, "!o50005", "output");
    let host = more("limits = { output = \"100001B\" }");
    becomes(&host, "!o50005", 50_005, "x");
}

#[test]
fn output_of_one_maximal_line_is_always_allowed() {
    // 4 × `max_line` is 65,536 bytes; the input has eight bytes and one line.
    let host = more("limits = { output = \"0B\" }");
    becomes(&host, "!o32772", 32_772, "x");
    fails(&host, "!o32773", "output");
}

#[test]
fn output_in_the_line_world() {
    let host = |limits: &str| host_of(&guest::line("split"), "", limits);
    // Terminators count, too.
    let small = host("limits = { output = \"100000B\" }");
    becomes(&small, "!33336", 33_336, "a");
    fails(&small, "!33337", "output");
    let large = host("limits = { output = \"100003B\" }");
    becomes(&large, "!33337", 33_337, "a");
}

#[test]
fn a_batch_with_too_much_output_is_called_line_by_line() {
    let limits = "limits = { output = \"100000B\" }";
    let host = host_of(&guest::line("split"), "", limits);
    let got = host.connect().exchange("!30000\n".repeat(8).as_bytes());
    let expected = "a\n".repeat(8 * 30_000);
    assert!(got == expected.as_bytes(), "{} bytes", got.len());
    assert_eq!(host.failures("output").to_string(), "0");
}

#[test]
fn host_memory() {
    // The limit, plus eight times the input of nine bytes, plus the longest line; less 36 bytes for
    // a count and a failure.
    let allowed = (64 << 10) + 8 * 9 + (64 << 10) - 36;
    let host = |most| {
        more(&format!(
            "limits = {{ output = \"0B\", host_memory = \"{most}\" }}"
        ))
    };
    fails(&host("64KiB"), &format!("!f{allowed}"), "verdict");
    fails(&host("64KiB"), &format!("!f{}", allowed + 1), "host_memory");
    fails(&host("65537B"), &format!("!f{}", allowed + 1), "verdict");
}

#[test]
fn an_answer_far_above_the_limit_is_not_copied() {
    let host = host_of(&guest::batch("huge"), "", "memory = \"32MiB\"");
    host.expect_answer("bad!", "bad!");
    assert_eq!(host.failures("host_memory").to_string(), "1");
}

#[test]
fn calls_of_imports() {
    let host = calls("limits = { imports = 1000 }");
    passes(&host, "!i1000");
    fails(&host, "!i1001", "imports");
    // The limit is per call.
    passes(&host, "!i1000");
    passes(&calls("limits = { imports = 1001 }"), "!i1001");
}

#[test]
fn random_bytes_per_call() {
    let host = calls("");
    passes(&host, "!r65536");
    fails(&host, "!r65537", "random");
}

#[test]
fn log_lines() {
    let dropped = |limits: &str| {
        let host = calls(limits);
        passes(&host, "!l50");
        let filter = [("filter", "guest")];
        let dropped = host.metric("linemill_filter_log_dropped_total", &filter);
        (dropped.to_string(), host.stderr().contains("flood"))
    };
    assert_eq!(dropped("limits = { log_lines = 0 }"), ("50".into(), false));
    let (all, _) = dropped("limits = { log_lines = 50 }");
    assert_eq!(all, "0");
}

#[test]
fn stack_depth() {
    let more = |host: &str| host_of(&guest::batch("more"), host, "");
    let host = more("");
    passes(&host, "!d2000");
    fails(&host, "!d100000", "stack");
    fails(&more("stack = \"64KiB\""), "!d4000", "stack");
    passes(&more("stack = \"8MiB\""), "!d100000");
}

#[test]
fn a_trial_has_the_limits_of_its_filter() {
    let host = more(
        "limits = { tables = 1000 }\ncanary = { plugin = \"./guest.wasm\", share = \"100%\" }",
    );
    passes(&host, "!t999");
    host.expect_answer("!t1000", "!t1000");
    let labels = [("filter", "guest@canary"), ("kind", "table")];
    let failed = host.metric("linemill_filter_failures_total", &labels);
    assert_eq!(failed.to_string(), "1");
}

#[test]
fn a_replay_has_the_limits_of_the_filter() {
    for (limits, line) in [
        ("limits = { tables = 1000 }", "!t1000"),
        ("limits = { output = \"100000B\" }", "!o50005"),
    ] {
        let host = host_of(
            &guest::batch("more"),
            "capsules = \"capsules\"\nstack = \"768KiB\"",
            limits,
        );
        host.expect_answer(line, line);
        let folder = host.folder().path().join("capsules");
        let (path, whole) = eventually("a capsule", || {
            let path = std::fs::read_dir(&folder).ok()?.next()?.ok()?.path();
            let text = std::fs::read_to_string(&path).ok()?;
            let whole = serde_json::from_str::<serde_json::Value>(&text).ok()?;
            Some((path, whole))
        });
        assert_eq!(whole["stack"], 768 << 10);
        let replay = |path: &str| run(host.folder().path(), ["replay", path], b"").success();
        let again = format!("now      {}", whole["kind"].as_str().expect("a text"));
        replay(path.to_str().expect("a text")).stdout_has(&[&again]);
        // A capsule without limits, as older versions wrote it, gets the defaults.
        let mut old = whole;
        let keys = old.as_object_mut().expect("an object");
        keys.retain(|key, _| key != "limits" && key != "stack");
        host.folder().write("old.json", old.to_string());
        replay("old.json").stdout_has(&["now      answers"]);
    }
}
