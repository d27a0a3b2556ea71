//! Back to the previous generation: on request, and automatically when a filter fails after its swap.

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
