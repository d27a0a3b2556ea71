//! Trap capsules: what they hold, that they can be run again, and that they are few and private.

use std::path::PathBuf;

use linemill_tests::{Finished, Folder, Host, eventually, guest, run};
use serde_json::Value;

fn host(component: &[u8]) -> Host {
    let folder = Folder::new();
    folder.write("guest.wasm", component);
    let filters = "[filter.guest]\nplugin = \"./guest.wasm\"\nsettings = { a = 1 }\n";
    let config = Host::config("chain = [\"guest\"]", filters);
    let config = config.replace("[host]\n", "[host]\ncapsules = \"capsules\"\n");
    Host::serve_in(folder, config)
}

fn capsules(host: &Host) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(host.folder().path().join("capsules"));
    let entries = entries.expect("the folder is there from the start");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<_> = paths.collect();
    paths.sort();
    paths
}

/// The first capsule, once it is whole.
fn capsule(host: &Host) -> (String, Value) {
    eventually("there is a capsule", || {
        let path = capsules(host).into_iter().next()?;
        let value = serde_json::from_slice(&std::fs::read(&path).ok()?).ok()?;
        Some((path.to_str().expect("a text").to_owned(), value))
    })
}

fn replay(host: &Host, args: &[&str]) -> Finished {
    let args = [&["replay"], args].concat();
    run(host.folder().path(), &args, b"").success()
}

#[test]
fn a_trap_leaves_a_capsule_that_runs_again_and_names_the_line_of_the_source() {
    let (component, line) = guest::with_source("trap", "then unreachable");
    let host = host(&component);
    let mut client = host.connect();
    assert!(capsules(&host).is_empty());
    client.send(b"one\nbad\xff!\ntwo\n");
    client.expect(b"ONE\nbad\xff!\nTWO\n");
    let (path, capsule) = capsule(&host);
    for (key, value) in [
        ("filter", "guest"),
        ("plugin", "./guest.wasm"),
        ("kind", "trap"),
        ("line", "bad\u{fffd}!"),
        ("base64", "YmFk/yE="),
        ("listener", "test"),
        ("framing", "lf"),
    ] {
        assert_eq!(capsule[key], value, "{key}");
    }
    assert_eq!(capsule["connection"], client.local().to_string());
    assert_eq!(capsule["settings"]["a"], 1);
    assert_eq!(capsule["state"]["known"], "stateless");
    assert_eq!(capsule["sha256"].as_str().map(str::len), Some(64));
    assert!(capsule["backtrace"][0]["offset"].is_u64(), "{capsule}");
    host.expect_stderr("trap capsule written");

    let place = format!("trap.wat:{line}");
    replay(&host, &[&path]).tells(&["the same", "now      trap: ", "unreachable", &place]);
    host.folder().write("mended.wasm", guest::batch("shout"));
    let mended = replay(&host, &[&path, "--plugin", "mended.wasm"]);
    mended.tells(&["another one", "now      answers", "BAD\u{fffd}!"]);
}

#[cfg(unix)]
#[test]
fn they_are_one_a_second_and_only_the_hosts_user_reads_them() {
    use std::os::unix::fs::PermissionsExt;
    let host = host(&guest::batch("trap"));
    let mut client = host.connect();
    let started = std::time::Instant::now();
    for _ in 0..20 {
        client.send(b"one\nbad!\n");
        client.expect(b"ONE\nbad!\n");
    }
    let most = started.elapsed().as_secs() as usize + 2;
    let (path, _) = capsule(&host);
    assert!((1..=most).contains(&capsules(&host).len()));
    let mode = |path: &std::path::Path| {
        let metadata = std::fs::metadata(path).expect("it is there");
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode(&host.folder().path().join("capsules")), 0o700);
    assert_eq!(mode(path.as_ref()), 0o600);
}

#[test]
fn a_state_is_in_it_when_it_was_known() {
    let host = host(&guest::with_state("ledger"));
    let mut client = host.connect();
    // The call of all four kills its instance; the next has seen three lines when the bad one comes
    // alone.
    client.send(b"a\nb\nc\nbad!\n");
    client.expect(b"1\n2\n3\nbad!\n");
    let (path, capsule) = capsule(&host);
    assert_eq!(capsule["state"]["known"], "saved");
    assert_eq!(capsule["state"]["tag"], "ledger/1");
    assert_eq!(capsule["state"]["base64"], "Mw==");
    replay(&host, &[&path]).tells(&["as it was before the line (ledger/1)", "now      trap"]);
}

#[test]
fn a_state_that_is_not_known_is_said_to_be_so() {
    let host = host(&guest::with_state("ledger"));
    let mut client = host.connect();
    client.send(b"a\n");
    client.expect(b"1\n");
    // The instance is dead when it could be asked.
    client.send(b"bad!\n");
    client.expect(b"bad!\n");
    let (path, capsule) = capsule(&host);
    assert_eq!(capsule["state"]["known"], "unknown");
    replay(&host, &[&path]).tells(&["not known", "now      trap"]);
}

#[test]
fn what_is_no_capsule_is_refused() {
    let folder = Folder::new();
    folder.write("a.json", "{}");
    let refused = run(folder.path(), ["replay", "a.json"], b"").failure();
    refused.says(&["a.json", "this is no capsule", "hint: "]);
    run(folder.path(), ["replay", "nowhere.json"], b"")
        .failure()
        .says(&["nowhere.json"]);
}
