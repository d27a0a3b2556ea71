//! What filters may import: nothing by default, otherwise what `grant` names; and how little even that
//! allows.

use std::time::{Duration, Instant};

use linemill_tests::{Folder, Host, guest, run};

/// A host whose filter imports `random`, `log` and `clock`.
fn reach(filter: &str) -> Host {
    let grant = "grant = [\"random\", \"log\", \"clock\"]\n";
    Host::filtering(&guest::importing("reach"), &format!("{grant}{filter}"))
}

/// A host whose filter imports WASI.
fn wasi(filter: &str) -> Host {
    Host::filtering(
        &guest::importing("wasi"),
        &format!("grant = [\"wasi\"]\n{filter}"),
    )
}

/// Asserts that the line comes back unfiltered and counts as a failure of this kind.
#[track_caller]
fn fails(host: &Host, line: &str, kind: &str) {
    let before = host.failures(kind);
    host.expect_answer(line, line);
    assert!(
        host.failures(kind) > before,
        "{line}: no failure of kind {kind}"
    );
}

/// Waits for a line of the log that contains `part`; returns it.
#[track_caller]
fn line_of(host: &Host, part: &str) -> String {
    host.expect_stderr(part);
    let log = host.stderr();
    let line = log.lines().find(|line| line.contains(part));
    line.expect("the log only grows").to_owned()
}

#[test]
fn a_missing_grant_is_refused_with_the_line_to_write() {
    let folder = Folder::new();
    folder.write("reach.wasm", guest::importing("reach"));
    folder.write("wasi.wasm", guest::importing("wasi"));
    let refused = |plugin: &str, grant: &str, parts: &[&str]| {
        let filter = format!("[filter.it]\nplugin = \"./{plugin}.wasm\"\n{grant}\n");
        folder.write("linemill.toml", Host::config("chain = [\"it\"]", &filter));
        for args in [
            &["check", "linemill.toml"][..],
            &["serve", "--config", "linemill.toml"],
        ] {
            run(folder.path(), args, b"").failure().stderr_has(parts);
        }
    };
    let own = [
        "linemill:filter/log@0.1.0",
        "linemill:filter/clock@0.1.0",
        "linemill:filter/random@0.1.0",
        "nothing is granted",
        "write grant = [\"log\", \"clock\", \"random\"] into",
    ];
    refused("reach", "", &own);
    let some = [
        "its table has only grant = [\"log\", \"clock\"]",
        "write grant = [\"log\", \"clock\", \"random\"] into",
    ];
    refused("reach", "grant = [\"clock\", \"log\"]", &some);
    refused(
        "reach",
        "grant = [\"wasi\"]",
        &["\"random\", \"wasi\"] into"],
    );
    let wasi = [
        "wasi:sockets/tcp-create-socket@0.2.0",
        "write grant = [\"wasi\"] into",
    ];
    refused("wasi", "", &wasi);
    run(folder.path(), ["pipe", "./wasi.wasm"], b"a\n")
        .failure()
        .stderr_has(&wasi);
}

#[test]
fn inspect_says_what_must_be_granted() {
    let folder = Folder::new();
    let says = |name: &str, part: &str| {
        folder.write("guest.wasm", guest::importing(name));
        let text = run(folder.path(), ["inspect", "guest.wasm"], b"")
            .success()
            .text();
        assert!(text.contains(part), "no {part} in:\n{text}");
    };
    says(
        "reach",
        "filter's table: grant = [\"log\", \"clock\", \"random\"]",
    );
    says("wasi", "filter's table: grant = [\"wasi\"]");
    says(
        "clock",
        "it cannot run: there is no grant for acme:tools/clock@1.0.0",
    );
}

#[test]
fn bench_takes_grants() {
    let folder = Folder::new();
    folder.write("guest.wasm", guest::importing("reach"));
    let bench = ["bench", "./guest.wasm", "--seconds", "0.001", "--grant"];
    run(
        folder.path(),
        [&bench[..], &["log,clock,random"]].concat(),
        b"",
    )
    .success();
    run(folder.path(), [&bench[..], &["log,clock"]].concat(), b"")
        .failure()
        .stderr_has(&["linemill:filter/random@0.1.0"]);
    run(folder.path(), [&bench[..], &["network"]].concat(), b"")
        .failure()
        .stderr_has(&[
            "network",
            "the grants are log, clock, random, stream, store, metrics, wasi",
        ]);
}

#[test]
fn more_may_be_granted_than_is_imported() {
    let filter = "grant = [\"log\", \"clock\", \"random\", \"wasi\"]";
    Host::filtering(&guest::batch("shout"), filter).expect_answer("a", "A");
}

#[test]
fn a_filter_writes_to_the_log() {
    let host = reach("");
    host.expect_answer("a!l", "A!L");
    // Neither the colour nor the line end gets through.
    let line = line_of(&host, "filter logs");
    assert!(
        line.contains("WARN") && line.contains("filter=\"guest\""),
        "{line}"
    );
    assert!(
        line.contains("u{1b}[31m and ") && line.contains("new"),
        "{line}"
    );
    assert!(!line.contains('\u{1b}'), "{line}");
    host.expect_answer("a!L", "A!L");
    let line = line_of(&host, "xxxxx");
    assert!(line.contains(&"x".repeat(1024)), "{line}");
    assert!(!line.contains(&"x".repeat(1025)), "{line}");
}

#[test]
fn a_log_flood_is_limited_and_counted() {
    let host = reach("");
    host.expect_answer("a!f", "A!F");
    let dropped = host.metric("linemill_filter_log_dropped_total", &[("filter", "guest")]);
    // The limit is per second, and another second may begin meanwhile.
    assert!((980.0..=990.0).contains(&dropped), "{dropped}");
    assert!(host.failures("imports") < 0.5);
}

#[test]
fn a_filter_has_clocks_and_random_bytes() {
    let host = reach("");
    host.expect_answer("a!c", "A!C");
    host.expect_answer("a!r", "A!R");
    fails(&host, "a!R", "random");
}

#[test]
fn calls_to_imports_are_limited() {
    let host = reach("deadline = \"30s\"");
    fails(&host, "a!i", "imports");
    let host = wasi("deadline = \"30s\"");
    fails(&host, "a!i", "imports");
}

#[test]
fn wasi_offers_no_files_variables_or_sockets() {
    // 0: there are no variables, arguments or folders; 1: sockets are refused.
    wasi("").expect_answer("a!?", "A01");
    // The guest does not see the host's environment either.
    let folder = Folder::new();
    folder.write("guest.wasm", guest::importing("wasi"));
    let filter = "[filter.guest]\nplugin = \"./guest.wasm\"\ngrant = [\"wasi\"]\n";
    folder.write("linemill.toml", Host::config("chain = [\"guest\"]", filter));
    let pipe = ["pipe", "--config", "linemill.toml", "guest"];
    let text = run(folder.path(), pipe, b"a!?\na!o\n").success();
    assert_eq!(text.text(), "A01\nA!O\n");
    assert!(!text.stderr.contains("said"), "{}", text.stderr);
}

#[test]
fn wasi_output_goes_to_the_log_if_that_is_granted() {
    let host = Host::filtering(&guest::importing("wasi"), "grant = [\"wasi\", \"log\"]");
    host.expect_answer("a!o", "A!O");
    let line = line_of(&host, "filter logs");
    assert!(
        line.contains("said so") && !line.contains("and no"),
        "{line}"
    );
    // The same stream continues, in the same instance.
    host.expect_answer("a!o", "A!O");
    host.expect_stderr("and nosaid so");
}

#[test]
fn exit_fails_the_line() {
    let host = wasi("");
    fails(&host, "a!e", "exit");
    fails(&host, "a!x", "exit");
    host.expect_answer("b", "B");
}

#[test]
fn waiting_counts_towards_the_deadline() {
    let host = wasi("deadline = \"200ms\"");
    host.expect_answer("a!n", "A!N");
    for line in ["a!s", "a!S"] {
        let mut bystander = host.connect();
        let mut client = host.connect();
        let start = Instant::now();
        client.send(format!("{line}\n").as_bytes());
        bystander.send(b"b\n");
        bystander.expect(b"B\n");
        client.expect(format!("{line}\n").as_bytes());
        let took = start.elapsed();
        assert!((200..1500).contains(&took.as_millis()), "{line}: {took:?}");
    }
    assert!(host.failures("deadline") > 1.5);
}

#[test]
fn wasi_resources_are_limited() {
    let host = wasi("deadline = \"10s\"");
    let start = Instant::now();
    fails(&host, "a!m", "resources");
    fails(&host, "a!R", "random");
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "not stopped at the limit"
    );
    host.expect_answer("b", "B");
}

#[test]
#[cfg(unix)]
fn a_reload_adds_and_removes_grants() {
    let folder = Folder::new();
    folder.write("guest.wasm", guest::importing("reach"));
    let with = |grant: &str| {
        let filter = format!("[filter.guest]\nplugin = \"./guest.wasm\"\n{grant}\n");
        Host::config("chain = [\"guest\"]", &filter)
    };
    let all = "grant = [\"log\", \"clock\", \"random\"]";
    let mut host = Host::serve_in(folder, with(all));
    let mut client = host.connect();
    client.send(b"a!c\n");
    client.expect(b"A!C\n");
    // The compiled component is cached with its bytes; the grants must be checked again.
    host.write_config(with("grant = [\"log\"]"));
    host.wait_metric("linemill_reloads_total", &[("result", "refused")], 1.0);
    client.send(b"b!c\n");
    client.expect(b"B!C\n");
    host.write_config(with("grant = [\"log\", \"clock\", \"random\", \"wasi\"]"));
    host.wait_metric("linemill_generation", &[], 2.0);
    client.send(b"c!c\n");
    client.expect(b"C!C\n");
    host.expect_alive();
}
