//! Back to the previous generation: on request, and automatically when a filter fails or drops lines.

use linemill_tests::{Client, Folder, Host, eventually, guest, run};
use serde_json::Value;

const GUEST: &str = "chain = [\"guest\"]";

/// A host whose filter `guest.wasm` converts lines to upper case. `more` are further keys of `[host]`.
fn host(more: &str) -> Host {
    let folder = Folder::new();
    folder.write("guest.wasm", guest::batch("shout"));
    let filters = "[filter.guest]\nplugin = \"./guest.wasm\"";
    let config = Host::config(GUEST, filters).replacen("[host]\n", &format!("[host]\n{more}\n"), 1);
    Host::serve_in(folder, config)
}

/// `POST path`; asserts the status, returns the body.
#[track_caller]
fn post(host: &Host, path: &str, status: u16) -> Value {
    let answer = host.post(path);
    assert_eq!(answer.status, status, "{}", answer.body);
    answer.json()
}

/// Sends `a!` until it comes back as `expected`.
#[track_caller]
fn until(client: &mut Client, expected: &[u8]) {
    eventually("the other answer", || {
        client.send(b"a!\n");
        (client.take(3) == expected).then_some(())
    });
}

#[test]
fn the_previous_generation_comes_back_although_its_file_changed() {
    let host = host("");
    let mut client = host.connect();
    client.send(b"a!\n");
    client.expect(b"A!\n");
    host.folder().replace("guest.wasm", guest::batch("trap"));
    until(&mut client, b"a!\n");
    let before = host.generation();
    let answer = post(&host, "/rollback", 200);
    assert_eq!(answer["result"], "applied");
    client.send(b"a!\n");
    client.expect(b"A!\n");
    assert_eq!(host.generation(), before + 1);
    // A signal does not apply the rolled-back file again, and there is no other generation to go back to.
    host.hang_up();
    host.wait_metric("linemill_reloads_total", &[("result", "unchanged")], 1.0);
    client.send(b"a!\n");
    client.expect(b"A!\n");
    assert_eq!(post(&host, "/rollback", 422)["result"], "refused");
    // An explicit reload applies it.
    assert_eq!(post(&host, "/reload", 200)["result"], "applied");
    client.send(b"a!\n");
    client.expect(b"a!\n");
}

#[test]
fn the_verb_reports_that_the_file_must_change_too() {
    let host = host("");
    let admin = host.admin().to_string();
    let verb = || run(host.folder().path(), ["rollback", "--admin", &admin], b"");
    verb()
        .failure()
        .stderr_has(&["no generation to go back to"]);
    host.folder().replace("guest.wasm", guest::batch("trap"));
    post(&host, "/reload", 200);
    eventually("the swap", || (host.generation() == 2).then_some(()));
    verb()
        .success()
        .stdout_has(&["generation 3", "plugin", "on disk"]);
}

#[test]
fn a_removed_listener_comes_back() {
    let listener =
        |name: &str| format!("[[listener]]\nname = \"{name}\"\nbind = \"127.0.0.1:0\"\n");
    let head = "[host]\nadmin = \"127.0.0.1:0\"\n";
    let host = Host::serve(format!("{head}{}{}", listener("a"), listener("b")));
    host.announced(1);
    host.write_config(format!("{head}{}", listener("a")));
    post(&host, "/reload", 200);
    post(&host, "/rollback", 200);
    let mut client = Client::connect(host.listener(2));
    client.send(b"one\n");
    client.expect(b"bar\n");
}

#[test]
fn a_filter_that_fails_after_its_swap_is_rolled_back_once() {
    let host = host("rollback = { share = \"5%\", window = \"1h\" }");
    let mut client = host.connect();
    client.send(b"a!\n");
    client.expect(b"A!\n");
    let bad = guest::batch("trap");
    host.folder().replace("guest.wasm", &bad);
    until(&mut client, b"a!\n");
    // After ten failed lines, the old filter is back.
    until(&mut client, b"A!\n");
    host.expect_stderr("filter `guest`, plugin ");
    host.expect_stderr("going back to generation 1");
    assert_eq!(host.metric("linemill_rollbacks_total", &[]), 1.0);
    assert_eq!(host.generation(), 3);
    // The failed version is remembered, also for explicit reloads.
    let answer = post(&host, "/reload", 422);
    let error = answer["error"].as_str().expect("a text");
    assert!(
        error.contains("was rolled back") && error.contains("guest"),
        "{error}"
    );
    assert_eq!(host.generation(), 3);
    // A different file is applied.
    host.folder().replace("guest.wasm", guest::batch("count"));
    eventually("the next file", || (host.generation() == 4).then_some(()));
}

#[test]
fn a_filter_that_works_stays() {
    let host = host("rollback = { share = \"50%\", window = \"1s\" }");
    let mut client = host.connect();
    client.send(b"a!\n");
    client.expect(b"A!\n");
    let folder = host.folder();
    folder.write(
        "linemill.toml",
        String::from_utf8(folder.read("linemill.toml"))
            .expect("text")
            .replace("plugin = \"./guest.wasm\"", "plugin = \"rot13\""),
    );
    post(&host, "/reload", 200);
    for _ in 0..30 {
        client.send(b"a!\n");
        client.expect(b"n!\n");
    }
    // Longer than the window.
    std::thread::sleep(std::time::Duration::from_millis(1300));
    assert_eq!(host.generation(), 2);
    assert_eq!(host.metric("linemill_rollbacks_total", &[]), 0.0);
}

/// A configuration whose listener has this chain, and, behind the shout that breaks it, `json`.
fn judged(rollback: &str, chain: &str, more: &str) -> String {
    let filters = "[filter.shout]\nplugin = \"./guest.wasm\"\n[filter.json]\nplugin = \"json\"\nsettings = { pick = [\"a\"] }\n[filter.none]\nplugin = \"grep\"\nsettings = { keep = [\"never\"] }\n";
    let config = Host::config(&format!("chain = {chain}\n{more}"), filters);
    config.replacen("[host]\n", &format!("[host]\n{rollback}\n"), 1)
}

const STRICT: &str = "rollback = { share = \"5%\", dropped = \"50%\", window = \"1h\" }";

fn judging(chain: &str) -> Host {
    let folder = Folder::new();
    folder.write("guest.wasm", guest::batch("shout"));
    Host::serve_in(folder, judged(STRICT, chain, ""))
}

/// Sends lines until a rollback has put generation `expected` in force.
#[track_caller]
fn rolled_back(host: &Host, client: &mut Client, expected: u64) {
    eventually("a rollback", || {
        client.send(b"{\"a\":true}\n");
        (host.generation() == expected).then_some(())
    });
    assert_eq!(host.metric("linemill_rollbacks_total", &[]), 1.0);
}

#[test]
fn a_filter_in_force_that_another_one_breaks_is_seen() {
    let host = judging("[\"json\"]");
    let mut client = host.connect();
    client.send(b"{\"a\":true}\n");
    client.expect(b"{\"a\":true}\n");
    host.replace_config(judged(STRICT, "[\"shout\", \"json\"]", ""));
    host.wait_swap(1);
    rolled_back(&host, &mut client, 3);
    host.expect_stderr("filter `json`, plugin ");
    host.expect_stderr("in listener `test`: failed ");
}

#[test]
fn a_filter_that_drops_everything_is_seen() {
    let host = judging("[]");
    let mut client = host.connect();
    host.replace_config(judged(STRICT, "[\"none\"]", ""));
    host.wait_swap(1);
    rolled_back(&host, &mut client, 3);
    host.expect_stderr("filter `none`, plugin ");
    host.expect_stderr("in listener `test`: dropped ");
}

#[test]
fn a_swap_that_changes_nothing_else_does_not_end_a_probation() {
    let host = judging("[\"json\"]");
    let mut client = host.connect();
    let broken = "[\"shout\", \"json\"]";
    host.replace_config(judged(STRICT, broken, ""));
    host.wait_swap(1);
    host.replace_config(judged(STRICT, broken, "max_connections = 100"));
    host.wait_swap(2);
    // Back to the chain that worked.
    rolled_back(&host, &mut client, 4);
    client.send(b"{\"b\":0,\"a\":1}\n");
    eventually("the old chain", || {
        let listener = &host.status()["listeners"]["test"];
        (listener["chain"] == serde_json::json!(["json"])).then_some(())
    });
}

/// What was rolled back is refused as it is, and let through once anything about it has changed.
#[test]
fn what_was_rolled_back_can_be_mended() {
    let host = judging("[\"json\"]");
    let broken = "[\"shout\", \"json\"]";
    let mut client = host.connect();
    host.replace_config(judged(STRICT, broken, ""));
    host.wait_swap(1);
    rolled_back(&host, &mut client, 3);
    let refused = |config: String| {
        host.replace_config(config);
        let error = post(&host, "/reload", 422)["error"].to_string();
        assert!(
            error.contains("was rolled back") && error.contains("--force"),
            "{error}"
        );
    };
    let applied = |config: String| {
        host.replace_config(config);
        post(&host, "/reload", 200);
        let before = host.generation();
        // And back, by hand.
        assert_eq!(post(&host, "/rollback", 200)["generation"], before + 1);
    };
    refused(judged(STRICT, broken, ""));
    let other = "[[listener]]\nname = \"other\"\nbind = \"127.0.0.1:0\"\nchain = []\n";
    refused(format!("{}{other}", judged(STRICT, broken, "")));
    // Another condition, chain, limit on failures, or none.
    applied(judged(
        STRICT,
        "[{ filter = \"shout\", when = \"x\" }, \"json\"]",
        "",
    ));
    applied(judged(STRICT, "[\"json\", \"shout\"]", ""));
    applied(judged(&STRICT.replace("5%", "100%"), broken, ""));
    applied(judged("", broken, ""));
    refused(judged(STRICT, broken, ""));
    let admin = host.admin().to_string();
    let verb = ["reload", "--force", "--admin", &admin];
    run(host.folder().path(), verb, b"")
        .success()
        .stdout_has(&["applied"]);
}

/// A filter that has always failed some lines is no reason to undo a swap.
#[test]
fn failures_as_before_are_no_reason() {
    let host = judging("[\"json\"]");
    let mut client = host.connect();
    // One of ten lines is not JSON.
    let lines = [b"{\"a\":true}\n".repeat(9), b"oops\n".to_vec()].concat();
    client.send(&lines.repeat(20));
    let failed = || host.status()["filters"]["json"]["failed"].clone();
    eventually("failures", || (failed() == 20).then_some(()));
    host.replace_config(judged(STRICT, "[\"json\", \"json\"]", ""));
    host.wait_swap(1);
    client.send(&lines.repeat(20));
    eventually("failures", || (failed() == 40).then_some(()));
    // Several looks at the counts.
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(host.generation(), 2);
    assert_eq!(host.metric("linemill_rollbacks_total", &[]), 0.0);
}
