//! Trap capsules: what they contain, that `replay` reproduces the trap, and that they are few and
//! private.

use std::path::PathBuf;

use linemill_tests::{Finished, Folder, Host, eventually, guest, run};
use serde_json::Value;

/// A host that writes capsules, whose only filter is this component.
fn host(component: &[u8]) -> Host {
    let folder = Folder::new();
    folder.write("guest.wasm", component);
    let filters = "[filter.guest]\nplugin = \"./guest.wasm\"\nsettings = { a = 1 }\n";
    let config = Host::config("chain = [\"guest\"]", filters)
        .replace("[host]\n", "[host]\ncapsules = \"capsules\"\n");
    Host::serve_in(folder, config)
}

/// The paths of all capsules.
fn capsules(host: &Host) -> Vec<PathBuf> {
    let mut paths: Vec<_> = std::fs::read_dir(host.folder().path().join("capsules"))
        .expect("the folder exists from the start")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}

/// Waits for a complete capsule; returns the path of the first, and its content.
fn capsule(host: &Host) -> (String, Value) {
    eventually("a capsule", || {
        let path = capsules(host).into_iter().next()?;
        let value = serde_json::from_slice(&std::fs::read(&path).ok()?).ok()?;
        Some((path.to_str().expect("a text").to_owned(), value))
    })
}

fn replay(host: &Host, args: &[&str]) -> Finished {
    let all = [&["replay"], args].concat();
    run(host.folder().path(), &all, b"").success()
}

#[test]
fn a_capsule_reproduces_the_trap_and_names_the_source_line() {
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
    replay(&host, &[&path]).stdout_has(&["the same", "now      trap: ", "unreachable", &place]);
    host.folder().write("mended.wasm", guest::batch("shout"));
    let mended = replay(&host, &[&path, "--plugin", "mended.wasm"]);
    mended.stdout_has(&["another one", "now      answers", "BAD\u{fffd}!"]);
}

#[cfg(unix)]
#[test]
fn capsules_are_limited_to_one_per_second_and_private() {
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
fn a_capsule_contains_the_state_if_it_is_known() {
    let host = host(&guest::with_state("ledger"));
    let mut client = host.connect();
    // The call with all four lines kills its instance. The next instance is called line by line, so
    // it has seen three lines when the bad one comes.
    client.send(b"a\nb\nc\nbad!\n");
    client.expect(b"1\n2\n3\nbad!\n");
    let (path, capsule) = capsule(&host);
    assert_eq!(capsule["state"]["known"], "saved");
    assert_eq!(capsule["state"]["tag"], "ledger/1");
    assert_eq!(capsule["state"]["base64"], "Mw==");
    replay(&host, &[&path]).stdout_has(&["as it was before the line (ledger/1)", "now      trap"]);
}

#[test]
fn a_capsule_reports_an_unknown_state() {
    let host = host(&guest::with_state("ledger"));
    let mut client = host.connect();
    client.send(b"a\n");
    client.expect(b"1\n");
    // The trap kills the instance before its state can be saved.
    client.send(b"bad!\n");
    client.expect(b"bad!\n");
    let (path, capsule) = capsule(&host);
    assert_eq!(capsule["state"]["known"], "unknown");
    replay(&host, &[&path]).stdout_has(&["not known", "now      trap"]);
}

#[test]
fn replay_refuses_other_files() {
    let folder = Folder::new();
    folder.write("a.json", "{}");
    run(folder.path(), ["replay", "a.json"], b"")
        .failure()
        .stderr_has(&["a.json", "not a capsule", "hint: "]);
    run(folder.path(), ["replay", "nowhere.json"], b"")
        .failure()
        .stderr_has(&["nowhere.json"]);
}

/// The keys of a host that writes capsules, and its plugin, in a folder.
#[cfg(unix)]
fn prepared() -> (Folder, String) {
    let folder = Folder::new();
    folder.write("guest.wasm", guest::batch("trap"));
    let config = Host::config(
        "chain = [\"guest\"]",
        "[filter.guest]\nplugin = \"./guest.wasm\"",
    )
    .replace("[host]\n", "[host]\ncapsules = \"capsules\"\n");
    (folder, config)
}

#[cfg(unix)]
#[test]
fn a_folder_that_others_may_change_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, config) = prepared();
    folder.write("linemill.toml", &config);
    let place = folder.path().join("capsules");
    std::fs::create_dir(&place).expect("new");
    let set = |mode| {
        std::fs::set_permissions(&place, std::fs::Permissions::from_mode(mode)).expect("ours");
    };
    for loose in [0o777, 0o1777, 0o770] {
        set(loose);
        run(folder.path(), ["serve", "--config", "linemill.toml"], b"")
            .failure()
            .stderr_has(&["`capsules`", "others may write to", "chmod go-w"]);
    }
    if rustix::process::geteuid().is_root() {
        set(0o700);
        std::os::unix::fs::chown(&place, Some(12_345), None).expect("we are root");
        run(folder.path(), ["serve", "--config", "linemill.toml"], b"")
            .failure()
            .stderr_has(&["`capsules`", "belongs to another user (uid 12345)"]);
        std::os::unix::fs::chown(&place, Some(0), None).expect("we are root");
    }
    // Others may see what there is, but read nothing.
    set(0o755);
    let host = Host::serve_in(folder, config);
    host.expect_stderr("close it with `chmod 700 ");
    let mut client = host.connect();
    client.send(b"bad!\n");
    client.expect(b"bad!\n");
    let (path, _) = capsule(&host);
    let mode = std::fs::metadata(path)
        .expect("written")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// A capsule that does not fit leaves no part of itself behind.
#[cfg(unix)]
#[test]
fn a_capsule_beyond_the_limit_on_files_is_reported() {
    let (folder, config) = prepared();
    // The limit applies to the memory of filters, too, so it is larger than that.
    let config = config.replace("name = \"test\"", "name = \"test\"\nmax_line = \"1MiB\"");
    folder.write("linemill.toml", config);
    let limited = "ulimit -f 200; exec \"$0\" serve --config linemill.toml";
    let mut host = Host::spawn_by_shell(folder, limited, std::process::Stdio::null());
    let mut client = host.connect();
    let line = format!("{}!\n", "x".repeat(400_000));
    client.send(line.as_bytes());
    client.expect(line.as_bytes());
    host.expect_stderr("cannot write a trap capsule");
    assert!(capsules(&host).is_empty(), "{:?}", capsules(&host));
    host.expect_alive();
}
