//! Reloads on request: what they answer, and what `check --against` predicts.

use std::io::Write as _;
use std::time::Duration;

use linemill_tests::{Finished, Folder, Host, Outcome, run};
use serde_json::Value;

pub(crate) const ROT13: &str = "chain = [\"rot13\"]";

pub(crate) const PLAIN: &str = "chain = []";

/// `POST /reload`; asserts the status, returns the body.
#[track_caller]
pub(crate) fn reload(host: &Host, status: u16) -> Value {
    let answer = host.post("/reload");
    assert_eq!(answer.status, status, "{}", answer.body);
    answer.json()
}

/// Runs a verb with the admin address of this host.
pub(crate) fn verb(host: &Host, args: &[&str]) -> Finished {
    let admin = host.admin().to_string();
    let mut all = args.to_vec();
    all.extend(["--admin", &admin]);
    run(host.folder().path(), all, b"")
}

#[test]
fn a_reload_answers_when_it_is_done() {
    let host = Host::with(ROT13);
    let mut client = host.connect();
    client.send(b"one\n");
    client.expect(b"bar\n");
    let answer = reload(&host, 200);
    assert_eq!(answer["result"], "unchanged");
    assert_eq!(answer["generation"], 1);
    host.write_config(Host::config(PLAIN, ""));
    // The file watcher may have been faster.
    reload(&host, 200);
    client.send(b"two\n");
    client.expect(b"two\n");
    host.write_config(Host::config("chain = [\"gone\"]", ""));
    let answer = reload(&host, 422);
    assert_eq!(answer["result"], "refused");
    let error = answer["error"].as_str().expect("a text");
    assert!(
        error.contains("linemill.toml:") && error.contains("gone"),
        "{error}"
    );
    client.send(b"three\n");
    client.expect(b"three\n");
}

#[test]
fn the_verb_reports_the_result() {
    let host = Host::with(ROT13);
    verb(&host, &["reload"])
        .success()
        .stdout_has(&["unchanged", "generation 1"]);
    host.folder().write("linemill.toml", "[[listener]\n");
    verb(&host, &["reload"]).failure().stderr_has(&[
        "linemill.toml:1",
        "TOML",
        "generation 1 stays",
    ]);
    let by_config = ["reload", "--config", "linemill.toml"];
    run(host.folder().path(), by_config, b"")
        .failure()
        .stderr_has(&["linemill.toml:1"]);
}

#[test]
fn without_a_host_the_verbs_report_the_address() {
    let folder = Folder::new();
    for name in ["reload", "status"] {
        // Nothing listens on port 1.
        run(folder.path(), [name, "--admin", "127.0.0.1:1"], b"")
            .failure()
            .stderr_has(&["127.0.0.1:1", "--admin"]);
    }
    folder.write("a.toml", "[[listener]]\nname = \"a\"\n");
    run(folder.path(), ["status", "--config", "a.toml"], b"")
        .failure()
        .stderr_has(&["a.toml", "admin"]);
}

#[test]
fn check_against_a_host_shows_changes() {
    let host = Host::with(ROT13);
    let folder = host.folder();
    folder.write("same.toml", folder.read("linemill.toml"));
    let admin = host.admin().to_string();
    let check = |name: &str| run(folder.path(), ["check", name, "--against", &admin], b"");
    check("same.toml")
        .success()
        .stdout_has(&["nothing would change"]);
    folder.write(
        "new.toml",
        Host::config("chain = []\nmax_line = \"1KiB\"", ""),
    );
    check("new.toml").success().stdout_has(&[
        "live     listener test: chain [\"rot13\"] -> []",
        "live     listener test: max_line 16KiB -> 1KiB",
    ]);
    folder.write(
        "restart.toml",
        format!(
            "[host]\nstack = \"1MiB\"\n{}",
            Host::config("chain = []", "").replacen("[host]\n", "", 1)
        ),
    );
    check("restart.toml")
        .failure()
        .stdout_has(&["live     listener test: chain", "restart  host: stack"])
        .stderr_has(&["needs a restart"]);
    assert_eq!(host.status()["generation"], 1);
}

#[test]
fn a_file_is_not_read_while_it_is_open_for_writing() {
    let host = Host::with(ROT13);
    let mut client = host.connect();
    let whole = Host::config(PLAIN, "");
    let (half, rest) = whole.split_at(whole.find("[[listener").expect("a listener") + 5);
    let path = host.folder().path().join("linemill.toml");
    let mut file = std::fs::File::create(path).expect("opened");
    file.write_all(half.as_bytes()).expect("written");
    // Nothing happens while the file is open, even far longer than changes are coalesced.
    std::thread::sleep(Duration::from_millis(600));
    assert_eq!(host.metric("linemill_reloads_total", &[]), 0.0);
    file.write_all(rest.as_bytes()).expect("written");
    drop(file);
    host.wait_swap(1);
    assert_eq!(host.reloads(Outcome::Refused), 0);
    client.send(b"one\n");
    client.expect(b"one\n");
}

/// The last line of a report is its hint, and nothing follows it.
#[test]
fn a_refused_reload_is_logged_with_its_report_last() {
    let host = Host::with(ROT13);
    host.announced(0);
    host.write_config(Host::config("max_line = \"16KB\"", ""));
    reload(&host, 422);
    host.expect_stderr("reload refused (");
    host.expect_stderr("hint: ");
    let text = host.stderr();
    let hint = text.lines().find(|line| line.contains("hint: "));
    let hint = hint.expect("a line with it");
    assert!(!hint.contains("trigger="), "{hint}");
    let refused = verb(&host, &["reload"]).failure();
    assert!(
        !refused.stderr.contains("error: error:"),
        "{}",
        refused.stderr
    );
}
