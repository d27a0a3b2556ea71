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
