//! Limits on a plugin as it is loaded (size, functions), and changes of limits at a reload.

use linemill_tests::{Folder, guest, run};

use super::limits::{config, more, passes};

/// Asserts that `check` refuses the component and reports `parts`.
#[track_caller]
fn refused(component: &[u8], host: &str, filter: &str, parts: &[&str]) {
    let folder = Folder::new();
    folder.write("guest.wasm", component);
    folder.write("linemill.toml", config(host, filter));
    let checked = run(folder.path(), ["check", "linemill.toml"], b"");
    checked.failure().stderr_has(parts);
}

/// Asserts that `check` accepts the component.
#[track_caller]
fn accepted(component: &[u8], filter: &str) {
    let folder = Folder::new();
    folder.write("guest.wasm", component);
    folder.write("linemill.toml", config("", filter));
    run(folder.path(), ["check", "linemill.toml"], b"").success();
}

/// The number of functions and the size of the largest, as `inspect` reports them.
fn code(component: &[u8]) -> (usize, usize) {
    let folder = Folder::new();
    folder.write("guest.wasm", component);
    let text = run(folder.path(), ["inspect", "guest.wasm"], b"")
        .success()
        .text();
    let line = text
        .lines()
        .find(|line| line.starts_with("code "))
        .unwrap_or_else(|| panic!("no code in:\n{text}"));
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
    accepted(
        &component,
        &format!(
            "size = \"{size}B\"\n\
             limits = {{ functions = {functions}, function_size = \"{largest}B\" }}"
        ),
    );
    let of_functions = format!("limits = {{ functions = {} }}", functions - 1);
    let report = format!("it has {functions} functions, more than {}", functions - 1);
    refused(
        &component,
        "",
        &of_functions,
        &[&report, "`limits.functions`"],
    );
    let of_size = format!("limits = {{ function_size = \"{}B\" }}", largest - 1);
    let report = format!("one of its functions has {largest} bytes");
    refused(
        &component,
        "",
        &of_size,
        &[&report, "`limits.function_size`"],
    );
    let of_file = format!("size = \"{}B\"", size - 1);
    refused(&component, "", &of_file, &["is larger than", "`size`"]);
}

#[test]
fn refusals_are_counted_by_kind() {
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
fn a_changed_limit_replaces_the_filter() {
    let host = more("limits = { tables = 1000 }");
    let mut client = host.connect();
    client.send(b"!t1000\n");
    client.expect(b"!t1000\n");
    host.write_config(config("", "limits = { tables = 1001 }"));
    host.wait_metric("linemill_generation", &[], 2.0);
    client.send(b"!t1000\n");
    client.expect(b"!T1000\n");
    let status = host.get("/status");
    let change = "filter guest: limits.tables 1000 -> 1001";
    assert!(status.body.contains(change), "{}", status.body);
}

#[test]
fn a_changed_stack_needs_a_restart() {
    let host = more("");
    passes(&host, "it runs");
    host.write_config(config("stack = \"1MiB\"", ""));
    host.expect_stderr("linemill.toml:2:9: host: stack 512KiB -> 1MiB: this needs a restart");
}
