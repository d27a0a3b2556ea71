//! Files that are not plugins, and guests that do not start: the host serves nothing, reports where and
//! why, and exits with a status other than 0.

use linemill_tests::{Finished, Folder, guest, run};

/// Asserts that `check` and `serve` refuse this file as a plugin and report `parts`; returns the report
/// of `serve`. `filter` are further keys of the filter.
#[track_caller]
fn refused(file: &[u8], filter: &str, parts: &[&str]) -> Finished {
    let folder = Folder::new();
    folder.write("guest.wasm", file);
    folder.write(
        "linemill.toml",
        format!(
            "[[listener]]\nname = \"test\"\nbind = \"127.0.0.1:0\"\nchain = [\"guest\"]\n\n\
             [filter.guest]\nplugin = \"./guest.wasm\"\n{filter}\n"
        ),
    );
    run(folder.path(), ["check", "linemill.toml"], b"")
        .failure()
        .stderr_has(parts);
    let report = run(folder.path(), ["serve", "--config", "linemill.toml"], b"")
        .failure()
        .stderr_has(parts);
    assert!(
        !report.stderr.contains("listening on"),
        "half-started:\n{}",
        report.stderr
    );
    report
}

#[test]
fn a_missing_file() {
    let folder = Folder::new();
    folder.write(
        "linemill.toml",
        "[[listener]]\nname = \"test\"\nbind = \"127.0.0.1:0\"\nchain = [\"guest\"]\n\n\
         [filter.guest]\nplugin = \"./nowhere.wasm\"\n",
    );
    run(folder.path(), ["serve", "--config", "linemill.toml"], b"")
        .failure()
        .stderr_has(&["linemill.toml", ":7", "plugin", "nowhere.wasm"]);
}

#[test]
fn an_empty_file() {
    refused(b"", "", &["linemill.toml", "plugin", "guest.wasm"]);
}

#[test]
fn a_file_that_is_not_wasm() {
    refused(
        b"#!/bin/sh\necho hello\n",
        "",
        &["linemill.toml", "plugin", "guest.wasm"],
    );
}

#[test]
fn a_truncated_component() {
    let whole = guest::batch("shout");
    refused(
        &whole[..whole.len() / 2],
        "",
        &["linemill.toml", "guest.wasm"],
    );
}

#[test]
fn a_core_module() {
    refused(&guest::core("shout"), "", &["guest.wasm", "component"]);
}

#[test]
fn a_component_of_another_world() {
    refused(
        &guest::complete("stranger"),
        "",
        &["guest.wasm", "linemill:filter"],
    );
}

#[test]
fn a_component_with_an_import_that_cannot_be_granted() {
    refused(
        &guest::importing("clock"),
        "",
        &["guest.wasm", "acme:tools/clock@1.0.0"],
    );
}

#[test]
fn a_file_above_the_size_limit() {
    refused(
        &guest::batch("shout"),
        "size = \"1KiB\"",
        &["guest.wasm", "size"],
    );
}

#[test]
fn a_different_digest() {
    let filter = format!("sha256 = \"{}\"", "0".repeat(64));
    refused(&guest::batch("shout"), &filter, &["guest.wasm", "sha256"]);
}

#[test]
fn a_guest_that_traps_at_start() {
    refused(&guest::batch("start-trap"), "", &["guest"]);
}

#[test]
fn a_guest_that_spins_at_start() {
    refused(
        &guest::batch("start-loop"),
        "deadline = \"50ms\"",
        &["guest", "deadline"],
    );
}

#[test]
fn a_guest_that_refuses_its_settings() {
    let report = refused(
        &guest::batch("start-error"),
        "",
        &["settings.limit: give it a number"],
    );
    assert!(
        !report.stderr.contains('\u{1b}'),
        "a control character of the guest reaches the terminal"
    );
}

#[test]
fn a_filter_test_that_fails() {
    refused(
        &guest::batch("shout"),
        "test = [ { in = [\"a\"], out = [\"B\"] } ]",
        &["linemill.toml", "test", "B"],
    );
}

#[test]
fn a_memory_limit_below_the_initial_memory() {
    refused(
        &guest::batch("shout"),
        "memory = \"64KiB\"",
        &["guest", "memory"],
    );
}

/// A component around a core module in text form.
fn around(module: &str) -> Vec<u8> {
    wat::parse_str(format!("(component (core module {module}))")).expect("a component")
}

#[test]
fn a_proposal_that_filters_may_not_use_is_named() {
    for (module, parts) in [
        ("(memory i64 1)", ["it uses memory64", "wasm32"]),
        ("(memory 1 1 shared)", ["it uses threads", "-pthread"]),
        (
            "(type (struct))",
            ["it uses garbage collection (gc)", "linear memory"],
        ),
        (
            "(tag $e) (func (throw $e))",
            ["exception handling", "-fno-exceptions"],
        ),
        (
            "(func (param v128) (result v128) (i8x16.relaxed_swizzle (local.get 0) (local.get 0)))",
            ["it uses relaxed SIMD", "-mno-relaxed-simd"],
        ),
        (
            "(memory 1 (pagesize 1))",
            ["it uses custom page sizes", "--page-size"],
        ),
    ] {
        let report = refused(&around(module), "", &parts);
        assert!(!report.stderr.contains("truncated"), "{}", report.stderr);
    }
    let whole = guest::batch("shout");
    refused(&whole[..whole.len() / 2], "", &["may be truncated"]);
}

#[test]
fn the_number_of_core_modules_can_be_raised() {
    let (folder, module) = (Folder::new(), "(core module)");
    let mut component = guest::batch("shout");
    // What is not instantiated costs nothing, but counts.
    let more = wat::parse_str(format!("(component {})", module.repeat(64))).expect("a component");
    component.extend(&more[8..]);
    let limits = "limits = { core_instances = 200 }";
    refused(
        &component,
        "",
        &["core modules, more than 64", "`limits.core_instances`"],
    );
    folder.write("guest.wasm", component);
    let config = format!(
        "[[listener]]\nname = \"test\"\nbind = \"127.0.0.1:0\"\nchain = [\"guest\"]\n\n\
         [filter.guest]\nplugin = \"./guest.wasm\"\n{limits}\n"
    );
    folder.write("linemill.toml", config);
    run(folder.path(), ["check", "linemill.toml"], b"").success();
}

/// The system's limit on address space is not the plugin's fault.
#[test]
#[cfg(target_os = "linux")]
fn a_limit_on_address_space_is_named() {
    let folder = Folder::new();
    folder.write("guest.wasm", guest::batch("shout"));
    folder.write(
        "linemill.toml",
        "[[listener]]\nname = \"test\"\nbind = \"127.0.0.1:0\"\nchain = [\"guest\"]\n\n\
         [filter.guest]\nplugin = \"./guest.wasm\"\n",
    );
    for limit in ["1000000", "2500000", "4000000"] {
        let binary = linemill_tests::command(folder.path())
            .get_program()
            .to_owned();
        let script = format!("ulimit -v {limit}; exec \"$0\" check linemill.toml");
        let output = std::process::Command::new("sh")
            .args(["-c", &script])
            .arg(binary)
            .env("LINEMILL_CACHE", "off")
            .env("NO_COLOR", "1")
            .current_dir(folder.path())
            .output()
            .expect("a shell");
        let report = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{limit}");
        assert!(report.contains("ulimit -v"), "{limit}: {report}");
        assert!(!report.contains("author"), "{limit}: {report}");
    }
}
