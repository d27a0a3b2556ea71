//! Files that are being written to, plugins that appear, and whether the disk is in force.

use std::fs::{self, File};
use std::io::Write as _;
use std::process::Command;
use std::time::Duration;

use linemill_tests::{Folder, Host, Outcome, eventually, guest, skip};

use super::reload::{PLAIN, ROT13, reload, verb};

const DIFFERS: &str = "linemill_config_differs_from_disk";
const SUCCESSFUL: &str = "linemill_config_last_reload_successful";

/// A configuration with further keys of `[host]`.
fn config(host: &str, listener: &str, filters: &str) -> String {
    let config = Host::config(listener, filters);
    config.replacen("[host]\n", &format!("[host]\n{host}\n"), 1)
}

/// Waits until the host has noticed whether the disk differs from what is in force.
#[track_caller]
fn expect_differs(host: &Host, differs: bool) {
    eventually("the state of the disk", || {
        (host.status()["disk"]["differs"] == differs).then_some(())
    });
}

#[test]
fn the_state_of_the_disk_follows_the_files() {
    let host = Host::with(ROT13);
    let disk = |key: &str| host.status()["disk"][key].clone();
    expect_differs(&host, false);
    assert_eq!(host.metric(SUCCESSFUL, &[]), 1.0);
    let start = host.status()["last_reload"]["last_success"].clone();
    let first = host.folder().read("linemill.toml");
    host.write_config("[[listener]\n");
    host.wait_metric("linemill_reloads_total", &[("result", "refused")], 1.0);
    expect_differs(&host, true);
    assert_eq!(disk("what"), serde_json::json!(["linemill.toml"]));
    assert!(disk("since").is_string());
    assert_eq!(host.metric(SUCCESSFUL, &[]), 0.0);
    assert_eq!(host.metric(DIFFERS, &[]), 1.0);
    let since = host.metric("linemill_config_differs_from_disk_timestamp_seconds", &[]);
    let success = host.metric("linemill_config_last_reload_success_timestamp_seconds", &[]);
    assert!(since >= success && success > 1.0e9, "{since} {success}");
    assert_eq!(host.status()["last_reload"]["successful"], false);
    assert_eq!(host.status()["last_reload"]["last_success"], start);
    verb(&host, &["status"]).success().stdout_has(&[
        "last reload refused,",
        "disk        differs from what is in force since",
        "(linemill.toml)",
    ]);
    // Back to what is in force.
    host.folder().write("linemill.toml", first);
    expect_differs(&host, false);
    host.wait_metric(SUCCESSFUL, &[], 1.0);
    assert_eq!(host.generation(), 1);
    verb(&host, &["status"]).success().stdout_has(&[
        "last reload successful,",
        "disk        the same as what is in force",
    ]);
}

#[test]
fn after_a_rollback_the_disk_differs() {
    let host = Host::with(ROT13);
    host.announced(0);
    host.write_config(Host::config(PLAIN, ""));
    host.wait_swap(1);
    assert_eq!(host.post("/rollback").status, 200);
    expect_differs(&host, true);
    // A signal does not undo the rollback.
    host.hang_up();
    host.wait_metric("linemill_reloads_total", &[("result", "unchanged")], 1.0);
    expect_differs(&host, true);
    reload(&host, 200);
    expect_differs(&host, false);
}

#[test]
fn without_watching_files_are_read_on_request() {
    let off = |listener| config("watch = \"off\"", listener, "");
    let host = Host::serve(off(ROT13));
    host.announced(0);
    host.write_config(off(PLAIN));
    expect_differs(&host, true);
    assert_eq!(host.generation(), 1);
    host.hang_up();
    host.wait_swap(1);
    expect_differs(&host, false);
    // Watching begins with the reload that asks for it.
    host.write_config(Host::config(PLAIN, ""));
    assert_eq!(reload(&host, 200)["result"], "applied");
    host.write_config(Host::config(ROT13, ""));
    host.wait_swap(3);
}

#[test]
fn a_plugin_that_appears_takes_the_place_of_the_bundled_one() {
    let filters = "[filter.named]\nplugin = \"case\"\nsettings = { to = \"upper\" }\n";
    let host = Host::serve(Host::config("chain = [\"rot13\", \"named\"]", filters));
    host.announced(0);
    let folder = host.folder().path().join("plugins");
    let plugin = folder.join("rot13.wasm");
    let answers = |expected: &[u8]| {
        let mut client = host.connect();
        client.send(b"a!\n");
        client.expect(expected);
    };
    answers(b"N!\n");
    fs::create_dir(&folder).expect("new");
    fs::write(&plugin, guest::batch("shout")).expect("written");
    host.wait_swap(1);
    answers(b"A!\n");
    fs::remove_file(&plugin).expect("removed");
    host.wait_swap(2);
    answers(b"N!\n");
    // Among several folders, the first counts.
    host.write_config(config(
        "plugins = [\"early\", \"plugins\"]",
        "chain = [\"rot13\"]",
        "",
    ));
    host.wait_swap(3);
    fs::write(&plugin, guest::batch("shout")).expect("written");
    host.wait_swap(4);
    let early = host.folder().path().join("early");
    fs::create_dir(&early).expect("new");
    fs::write(early.join("rot13.wasm"), guest::bundled("rot13")).expect("written");
    host.wait_swap(5);
    answers(b"n!\n");
}

/// A file of an earlier configuration that somebody keeps open does not matter any more.
#[test]
fn only_files_of_the_new_configuration_are_waited_for() {
    let folder = Folder::new();
    let plugin = folder.write("guest.wasm", guest::batch("shout"));
    let filters = "[filter.guest]\nplugin = \"./guest.wasm\"\n";
    let host = Host::serve_in(folder, Host::config("chain = [\"guest\"]", filters));
    host.announced(0);
    let mut kept = File::options().append(true).open(plugin).expect("opened");
    let writing = |file: &mut File| file.write_all(b"\0").expect("written");
    writing(&mut kept);
    host.replace_config(Host::config(PLAIN, ""));
    // It goes on being written to.
    eventually("the next generation", || {
        writing(&mut kept);
        (host.generation() == 2).then_some(())
    });
    assert_eq!(host.reloads(Outcome::Refused), 0);
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_that_is_always_written_to_is_reported_once() {
    let host = Host::with(ROT13);
    host.announced(0);
    let path = host.folder().path().join("linemill.toml");
    let mut file = File::options().append(true).open(path).expect("opened");
    eventually("a report", || {
        file.write_all(b"\n").expect("written");
        std::thread::sleep(Duration::from_millis(100));
        (host.reloads(Outcome::Refused) > 0).then_some(())
    });
    let pid = std::process::id();
    host.expect_stderr(&format!(
        "this file is still open for writing by process {pid} ("
    ));
    for _ in 0..10 {
        file.write_all(b"\n").expect("written");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(host.reloads(Outcome::Refused), 1);
    // It is left alone.
    file.write_all(b"#").expect("written");
    host.wait_metric("linemill_reloads_total", &[("result", "unchanged")], 1.0);
}

#[test]
#[cfg(target_os = "linux")]
fn a_reload_on_request_reads_a_file_that_is_being_written_to() {
    let host = Host::with(ROT13);
    host.announced(0);
    let path = host.folder().path().join("linemill.toml");
    let mut file = File::create(&path).expect("opened");
    file.write_all(b"[[listen").expect("written");
    eventually("the event", || {
        file.write_all(b"e").expect("written");
        let answer = reload(&host, 422);
        let error = answer["error"].as_str().expect("a text");
        assert!(error.contains("this is not TOML"), "{error}");
        let writer = format!("still open for writing by process {} (", std::process::id());
        error.contains(&writer).then_some(())
    });
    fs::write(&path, Host::config(PLAIN, "")).expect("written");
    assert_eq!(reload(&host, 200)["result"], "applied");
}

/// truncate(2) changes a file without opening it, so nothing reports that it is closed.
#[test]
fn a_file_that_is_cut_by_its_path_is_read() {
    let filter = "[filter.more]\nplugin = \"case\"\nsettings = { to = \"upper\" }\n";
    let short = Host::config(ROT13, "");
    let host = Host::serve(format!("{short}{filter}"));
    host.announced(0);
    let cut = format!("truncate('linemill.toml', {}) or die $!", short.len());
    let done = Command::new("perl")
        .args(["-e", &cut])
        .current_dir(host.folder().path())
        .status();
    match done {
        Ok(status) => assert!(status.success()),
        Err(why) => return skip("truncate(2)", &why.to_string()),
    }
    host.wait_swap(1);
    assert_eq!(host.reloads(Outcome::Refused), 0);
}
