//! The limits of a filter, each at its border: what is within passes, what is beyond is a failure of
//! its own kind, and a limit that is raised lets the same through.

use linemill_tests::{Folder, Host, eventually, guest, request, run};

/// A configuration whose only filter is this component, with more keys for it and for the host.
fn config(host: &str, filter: &str) -> String {
    Host::filtering_config(filter).replace("[host]\n", &format!("[host]\n{host}\n"))
}

fn host_of(component: &[u8], host: &str, filter: &str) -> Host {
    let folder = Folder::new();
    folder.write("guest.wasm", component);
    Host::serve_in(folder, config(host, filter))
}

fn more(filter: &str) -> Host {
    host_of(&guest::batch("more"), "", filter)
}

fn calls(filter: &str) -> Host {
    let grant = "grant = [\"random\", \"log\", \"clock\"]\n";
    host_of(&guest::importing("calls"), "", &format!("{grant}{filter}"))
}

/// The filter is not in its way.
#[track_caller]
fn passes(host: &Host, line: &str) {
    host.gives(line, &line.to_uppercase());
}

/// The line comes back as it was, counts as one failure of this kind, and the log says so.
#[track_caller]
fn fails(host: &Host, line: &str, kind: &str) {
    let before = host.failures(kind);
    host.gives(line, line);
    assert_eq!((host.failures(kind) - before).to_string(), "1", "{line}");
    host.expect_stderr(&format!("kind=\"{kind}\""));
}

/// A line that became so many of one byte.
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
fn elements_of_tables() {
    // The guest has one already.
    let host = more("limits = { tables = 1000 }");
    fails(&host, "!t1000", "table");
    passes(&host, "!t999");
    passes(&more("limits = { tables = 1001 }"), "!t1000");
}

#[test]
fn the_length_of_an_answer() {
    // Each line of one byte counts as two; the input has eight bytes and one line.
    let host = more("limits = { output = \"100000B\" }");
    becomes(&host, "!o50004", 50_004, "x");
    fails(&host, "!o50005", "output");
    let host = more("limits = { output = \"100001B\" }");
    becomes(&host, "!o50005", 50_005, "x");
}

#[test]
fn a_line_of_the_longest_is_allowed_whatever_the_limit_of_an_answer_is() {
    // 4 x `max_line` is 65,536, and the input has eight bytes and one line.
    let host = more("limits = { output = \"0B\" }");
    becomes(&host, "!o32772", 32_772, "x");
    fails(&host, "!o32773", "output");
}

#[test]
fn the_length_of_answers_of_the_line_world() {
    let host = |limits: &str| host_of(&guest::line("split"), "", limits);
    // A terminator each, too.
    let small = host("limits = { output = \"100000B\" }");
    becomes(&small, "!33336", 33_336, "a");
    fails(&small, "!33337", "output");
    let large = host("limits = { output = \"100003B\" }");
    becomes(&large, "!33337", 33_337, "a");
}

#[test]
fn lines_whose_answers_are_too_long_together_are_called_for_one_by_one() {
    let limits = "limits = { output = \"100000B\" }";
    let host = host_of(&guest::line("split"), "", limits);
    let got = host.connect().exchange("!30000\n".repeat(8).as_bytes());
    let expected = "a\n".repeat(8 * 30_000);
    assert!(got == expected.as_bytes(), "{} bytes", got.len());
    assert_eq!(host.failures("output").to_string(), "0");
}

#[test]
fn what_the_host_sets_aside() {
    // Beside that, eight times the input of nine bytes, and the longest line; of that, a count and
    // a failure take 36.
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
fn an_answer_that_is_far_too_long_is_not_even_taken() {
    let host = host_of(&guest::batch("huge"), "", "memory = \"32MiB\"");
    host.gives("bad!", "bad!");
    assert_eq!(host.failures("host_memory").to_string(), "1");
}

#[test]
fn calls_to_imports() {
    let host = calls("limits = { imports = 1000 }");
    passes(&host, "!i1000");
    fails(&host, "!i1001", "imports");
    // A call at a time.
    passes(&host, "!i1000");
    passes(&calls("limits = { imports = 1001 }"), "!i1001");
}

#[test]
fn random_bytes_at_once() {
    let host = calls("");
    passes(&host, "!r65536");
    fails(&host, "!r65537", "random");
}

#[test]
fn lines_of_the_log() {
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
fn depth_of_the_stack() {
    let more = |host: &str| host_of(&guest::batch("more"), host, "");
    let host = more("");
    passes(&host, "!d2000");
    fails(&host, "!d100000", "stack");
    fails(&more("stack = \"64KiB\""), "!d4000", "stack");
    passes(&more("stack = \"8MiB\""), "!d100000");
}

/// `check` refuses it for this, with that advice.
#[track_caller]
fn refused(component: &[u8], host: &str, filter: &str, parts: &[&str]) {
    let folder = Folder::new();
    folder.write("guest.wasm", component);
    folder.write("linemill.toml", config(host, filter));
    let checked = run(folder.path(), ["check", "linemill.toml"], b"");
    checked.failure().says(parts);
}

#[track_caller]
fn taken(component: &[u8], filter: &str) {
    let folder = Folder::new();
    folder.write("guest.wasm", component);
    folder.write("linemill.toml", config("", filter));
    run(folder.path(), ["check", "linemill.toml"], b"").success();
}

/// What `inspect` says of the code: how many functions, and the size of the largest.
fn code(component: &[u8]) -> (usize, usize) {
    let folder = Folder::new();
    folder.write("guest.wasm", component);
    let text = run(folder.path(), ["inspect", "guest.wasm"], b"").success();
    let text = text.text();
    let line = text.lines().find(|line| line.starts_with("code "));
    let line = line.unwrap_or_else(|| panic!("no code in:\n{text}"));
    let numbers: Vec<usize> = line
        .split(' ')
        .filter_map(|word| word.parse().ok())
        .collect();
    (numbers[0], numbers[1])
}

#[test]
fn the_complexity_and_the_size_of_a_plugin() {
    let component = guest::batch("shout");
    let (functions, largest) = code(&component);
    let size = component.len();
    taken(
        &component,
        &format!(
            "size = \"{size}B\"\n\
             limits = {{ functions = {functions}, function_size = \"{largest}B\" }}"
        ),
    );
    let of_functions = format!("limits = {{ functions = {} }}", functions - 1);
    let told = format!("it has {functions} functions, more than {}", functions - 1);
    refused(
        &component,
        "",
        &of_functions,
        &[&told, "`limits.functions`"],
    );
    let of_size = format!("limits = {{ function_size = \"{}B\" }}", largest - 1);
    let told = format!("a function of it has {largest} bytes");
    refused(&component, "", &of_size, &[&told, "`limits.function_size`"]);
    let of_file = format!("size = \"{}B\"", size - 1);
    refused(&component, "", &of_file, &["is larger than", "`size`"]);
}

#[test]
fn what_a_load_refuses_is_counted_by_kind() {
    let host = more("");
    let mut client = host.connect();
    client.send(b"a\n");
    client.expect(b"A\n");
    for (filter, kind) in [
        ("size = \"100B\"", "size"),
        ("limits = { functions = 1 }", "complexity"),
        (
            "sha256 = \"0000000000000000000000000000000000000000000000000000000000000000\"",
            "sha256",
        ),
        ("test = [ { in = [\"a\"], out = [\"b\"] } ]", "test"),
    ] {
        host.write_config(config("", filter));
        let labels = [("filter", "guest"), ("kind", kind)];
        host.wait_metric("linemill_filter_refusals_total", &labels, 1.0);
        client.send(b"b\n");
        client.expect(b"B\n");
    }
}

#[test]
fn a_limit_that_changes_makes_the_filter_a_new_one() {
    let host = more("limits = { tables = 1000 }");
    let mut client = host.connect();
    client.send(b"!t1000\n");
    client.expect(b"!t1000\n");
    host.write_config(config("", "limits = { tables = 1001 }"));
    host.wait_metric("linemill_generation", &[], 2.0);
    client.send(b"!t1000\n");
    client.expect(b"!T1000\n");
    let status = request(host.admin(), "GET", "/status");
    let change = "filter guest: limits.tables 1000 -> 1001";
    assert!(status.body.contains(change), "{}", status.body);
}

#[test]
fn a_stack_that_changes_needs_a_restart() {
    let host = more("");
    passes(&host, "it runs");
    host.write_config(config("stack = \"1MiB\"", ""));
    host.expect_stderr("linemill.toml:2:9: host: stack 512KiB -> 1MiB: this needs a restart");
}

#[test]
fn a_version_on_trial_has_the_limits_of_its_filter() {
    let host = more(
        "limits = { tables = 1000 }\ncanary = { plugin = \"./guest.wasm\", share = \"100%\" }",
    );
    passes(&host, "!t999");
    host.gives("!t1000", "!t1000");
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
        host.gives(line, line);
        let folder = host.folder().path().join("capsules");
        let capsule = eventually("there is a capsule", || {
            let path = std::fs::read_dir(&folder).ok()?.next()?.ok()?.path();
            let text = std::fs::read_to_string(&path).ok()?;
            let whole = serde_json::from_str::<serde_json::Value>(&text).ok()?;
            Some((path, whole))
        });
        let (path, whole) = capsule;
        assert_eq!(whole["stack"], 768 << 10);
        let replay = |path: &str| run(host.folder().path(), ["replay", path], b"").success();
        let again = format!("now      {}", whole["kind"].as_str().expect("a text"));
        replay(path.to_str().expect("a text")).tells(&[&again]);
        // One of a version that did not write limits down has those that are usual.
        let mut old = whole;
        let keys = old.as_object_mut().expect("an object");
        keys.retain(|key, _| key != "limits" && key != "stack");
        host.folder().write("old.json", old.to_string());
        replay("old.json").tells(&["now      answers"]);
    }
}
