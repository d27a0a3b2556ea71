//! Plugins that are made to keep the compiler busy or to exhaust its memory.

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use linemill_tests::{Folder, Host, Outcome, eventually, guest, run};

/// A plugin whose compilation exceeds every default limit.
static BOMB: LazyLock<Vec<u8>> = LazyLock::new(|| guest::bomb(600, 600, 200));

/// Held while a bomb is compiled. The limit on processor time comes with one on real time, which bombs
/// that compete for the processor would reach first.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

const FILTERS: &str = "[filter.guest]\nplugin = \"./guest.wasm\"";

/// A configuration whose only filter is `guest.wasm`, with these limits of the compiler.
fn config(compile: &str) -> String {
    Host::config("chain = [\"guest\"]", FILTERS)
        .replace("[host]\n", &format!("[host]\ncompile = {compile}\n"))
}

#[test]
fn a_compile_bomb_is_refused_while_lines_flow() {
    let folder = Folder::new();
    folder.write("guest.wasm", guest::batch("shout"));
    // Less time than the default, which `check_refuses_a_compile_bomb` waits for.
    let host = Host::serve_in(folder, config("{ time = \"2s\" }"));
    let mut client = host.connect();
    client.send(b"a!\n");
    client.expect(b"A!\n");
    let before = host.memory().resident;
    let _alone = alone();
    // Its size alone is not a reason to refuse it.
    assert!(BOMB.len() < 4 << 20, "{} bytes", BOMB.len());
    let since = Instant::now();
    host.folder().replace("guest.wasm", &*BOMB);
    while host.reloads(Outcome::Refused) == 0 {
        client.send(b"b!\n");
        client.expect(b"B!\n");
        assert!(
            since.elapsed() < Duration::from_secs(60),
            "still not refused"
        );
    }
    let grown = host.memory().resident.saturating_sub(before);
    assert!(grown < 64 << 20, "{grown} bytes");
    host.expect_stderr("guest.wasm: compiling it takes more ");
    // The next file is compiled as usual.
    host.folder().replace("guest.wasm", guest::batch("trap"));
    eventually("the next file", || {
        client.send(b"c!\n");
        (client.take(3) == b"c!\n").then_some(())
    });
    assert_eq!(host.post("/reload").status, 200);
}

#[test]
fn check_refuses_a_compile_bomb() {
    let _alone = alone();
    let folder = Folder::new();
    folder.write("guest.wasm", &*BOMB);
    folder.write("a.toml", Host::config("chain = [\"guest\"]", FILTERS));
    run(folder.path(), ["check", "a.toml"], b"")
        .failure()
        .stderr_has(&[
            "a.toml:",
            "guest.wasm",
            "compiling it takes more ",
            "hint: ",
        ]);
}

#[test]
fn the_limits_can_be_configured() {
    let _alone = alone();
    let folder = Folder::new();
    folder.write("guest.wasm", &*BOMB);
    folder.write("a.toml", config("{ time = \"1s\", memory = \"64GiB\" }"));
    let refused = run(folder.path(), ["check", "a.toml"], b"")
        .failure()
        .stderr_has(&["or raise `time` of `compile` in `[host]`"]);
    // On a busy machine, the limit on real time, 5 s more, may come first.
    let limits = [
        "compiling it takes more processor time than the 1 s allowed",
        "compiling it takes more time than the 6 s allowed",
    ];
    assert!(
        limits.iter().any(|limit| refused.stderr.contains(limit)),
        "{}",
        refused.stderr
    );
}

#[test]
fn a_large_plugin_is_compiled() {
    let folder = Folder::new();
    folder.write("guest.wasm", guest::bomb(40, 40, 20));
    folder.write("a.toml", Host::config("chain = [\"guest\"]", FILTERS));
    run(folder.path(), ["check", "a.toml"], b"").success();
}
