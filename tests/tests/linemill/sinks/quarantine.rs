//! `on_error = "quarantine"`: failed lines go to a sink as JSON objects with what is known about the failure.
//!
//! The guests convert lines to upper case; they fail lines that start with `?`, and trap on a `!`.

use linemill_tests::{Folder, Host, Outcome, Upstream, eventually, guest, run};
use serde_json::{Value, json};

fn config(quarantine: &str) -> String {
    let filters = format!(
        "[filter.guest]\nplugin = \"./guest.wasm\"\non_error = \"quarantine\"\nquarantine = \"{quarantine}\"\n"
    );
    Host::config("chain = [\"guest\"]", &filters)
}

fn host(component: &[u8], quarantine: &str) -> Host {
    let folder = Folder::new();
    folder.write("guest.wasm", component);
    Host::serve_in(folder, config(quarantine))
}

/// Parses one JSON object per line.
fn objects(text: &[u8]) -> Vec<Value> {
    let text = String::from_utf8(text.to_vec()).expect("objects are text");
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("a line is an object"))
        .collect()
}

/// Waits until a file has `count` lines; returns their objects.
fn kept(host: &Host, file: &str, count: usize) -> Vec<Value> {
    eventually("lines in quarantine", || {
        let bytes = host.folder().read(file);
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
        (lines >= count).then(|| objects(&bytes))
    })
}

#[test]
fn only_failed_lines_go_to_quarantine() {
    let host = host(&guest::line("line"), "file:failed.jsonl");
    let mut client = host.connect();
    let address = client.local().to_string();
    client.send(b"one\n?two\r\nthree\n!fo\xffur\nfive\n");
    client.expect(b"ONE\nTHREE\nFIVE\n");
    let kept = kept(&host, "failed.jsonl", 2);
    assert_eq!(kept.len(), 2);
    let digest = run(host.folder().path(), ["inspect", "./guest.wasm"], b"").success();
    for one in &kept {
        assert_eq!(one["filter"], "guest");
        assert_eq!(one["listener"], "test");
        assert_eq!(one["connection"], json!(address));
        let plugin = one["plugin"].as_str().expect("a digest");
        assert!(digest.text().contains(plugin), "{plugin}");
        assert!(one["time"].as_str().is_some_and(|time| time.ends_with('Z')));
    }
    assert_eq!(kept[0]["kind"], "verdict");
    assert_eq!(kept[0]["reason"], "a question");
    assert_eq!(kept[0]["line"], "?two");
    assert_eq!(kept[0].get("base64"), None);
    assert_eq!(kept[1]["kind"], "trap");
    assert_eq!(kept[1]["line"], "!fo\u{fffd}ur");
    assert_eq!(kept[1]["base64"], "IWZv/3Vy");
    let labels = [("filter", "guest")];
    assert_eq!(
        host.metric("linemill_filter_quarantined_total", &labels),
        2.0
    );
}

#[test]
fn quarantine_can_be_an_upstream() {
    let upstream = Upstream::tcp();
    let host = host(&guest::batch("trap"), &upstream.url());
    let mut client = host.connect();
    client.send(b"one\nbad!\ntwo\n");
    client.expect(b"ONE\nTWO\n");
    let mut taken = upstream.accept();
    let object = objects(&taken.take_lines(1));
    assert_eq!(object[0]["line"], "bad!");
}

#[test]
fn a_full_quarantine_delays_nothing() {
    // Nothing listens there.
    let host = host(&guest::line("line"), "unix:nobody.sock");
    let line = format!("?{}\n", "x".repeat(10_000));
    let mut client = host.connect();
    client.send(line.repeat(200).as_bytes());
    client.send(b"done\n");
    client.expect(b"DONE\n");
    let kept = host.metric("linemill_filter_quarantined_total", &[]);
    let lost = host.metric("linemill_output_lost_total", &[("reason", "full")]);
    assert_eq!(kept + lost, 200.0);
    assert!(lost > 50.0 && kept > 50.0, "{kept} kept, {lost} lost");
    host.expect_stderr("quarantine full");
}

#[test]
fn a_reload_opens_and_closes_quarantines() {
    let host = host(&guest::line("line"), "file:one.jsonl");
    assert_eq!(host.reloads(Outcome::Refused), 0);
    host.replace_config(config("file:nowhere/two.jsonl"));
    host.expect_stderr("key `quarantine` of filter `guest`: cannot open file:");
    let mut client = host.connect();
    client.send(b"?a\nb\n");
    client.expect(b"B\n");
    assert_eq!(kept(&host, "one.jsonl", 1)[0]["line"], "?a");
    let up_now = host.metric("linemill_output_up", &[("output", "file:one.jsonl")]);
    assert_eq!(up_now, 1.0);
    host.replace_config(config("file:two.jsonl"));
    eventually("the new configuration", || {
        (host.generation() == 2).then_some(())
    });
    client.send(b"?c\nd\n");
    client.expect(b"D\n");
    assert_eq!(kept(&host, "two.jsonl", 1)[0]["line"], "?c");
    let up = |file: &str| {
        let output = format!("file:{file}");
        host.metric("linemill_output_up", &[("output", &output)])
    };
    eventually("the first is closed", || {
        (up("one.jsonl") < 0.5).then_some(())
    });
    assert_eq!(up("two.jsonl"), 1.0);
}

#[test]
fn pipe_and_check_support_quarantine() {
    let folder = Folder::new();
    folder.write("guest.wasm", guest::line("line"));
    folder.write("a.toml", config("file:failed.jsonl"));
    run(folder.path(), ["check", "a.toml"], b"").success();
    assert_eq!(folder.read("failed.jsonl"), b"", "`check` must not write");
    let piped = run(folder.path(), ["pipe", "--config", "a.toml"], b"a\n?b\n");
    assert_eq!(
        piped
            .exits_with(2)
            .stderr_has(&["sent to quarantine"])
            .text(),
        "A\n"
    );
    let kept = objects(&folder.read("failed.jsonl"));
    assert_eq!(kept[0]["listener"], "pipe");
    assert_eq!(kept[0]["connection"], Value::Null);
    folder.write("a.toml", config("file:nowhere/failed.jsonl"));
    let checked = run(folder.path(), ["check", "a.toml"], b"").failure();
    checked.stderr_has(&["a.toml", "quarantine", "its folder must exist"]);
}
