//! Values from outside the configuration, and included files, in a running host.

use linemill_tests::{Finished, Folder, Host, run};

const MAIN: &str = "include = [\"conf.d/*.toml\"]\n[host]\nadmin = \"unix:admin.sock\"\n[[listener]]\nname = \"test\"\nbind = \"${LINEMILL_TEST_ADDRESS:-127.0.0.1}:0\"\nchain = [\"turn\"]\n";
const ROT13: &str = "[filter.turn]\nplugin = \"rot13\"\n";
const UPPER: &str =
    "[filter.turn]\nplugin = \"case\"\nsettings = { to = { file = \"../direction\" } }\n";

/// A folder whose `conf.d` has a filter.
fn folder() -> Folder {
    let folder = Folder::new();
    std::fs::create_dir(folder.path().join("conf.d")).expect("a folder");
    folder.write("conf.d/10-filter.toml", ROT13);
    folder.write("direction", "upper\n");
    folder
}

/// Requests a reload.
fn reload(host: &Host) -> Finished {
    run(
        host.folder().path(),
        ["reload", "--admin", "unix:admin.sock"],
        b"",
    )
}

#[test]
fn a_reload_reads_all_files_again() {
    let host = Host::serve_in(folder(), MAIN);
    let mut client = host.connect();
    client.send(b"Hello\n");
    client.expect(b"Uryyb\n");
    let folder = host.folder();
    folder.write("conf.d/10-filter.toml", UPPER);
    reload(&host).success();
    client.send(b"Hello\n");
    client.expect(b"HELLO\n");
    folder.write("direction", "lower");
    reload(&host).success();
    client.send(b"Hello\n");
    client.expect(b"hello\n");
    // An error is reported at its place, and nothing changes.
    folder.write("conf.d/20-more.toml", "[filter.more]\nplugin = 1\n");
    let refused = reload(&host).failure();
    refused.stderr_has(&["conf.d/20-more.toml:2:10: "]);
    client.send(b"Hello\n");
    client.expect(b"hello\n");
}

#[test]
fn wrong_settings_show_no_secret() {
    let folder = folder();
    folder.write("direction", "hidden (secret");
    folder.write("linemill.toml", MAIN);
    let quoting =
        "[filter.turn]\nplugin = \"grep\"\nsettings = { keep = [{ file = \"../direction\" }] }\n";
    for (filter, parts) in [
        // By the schema of the plugin, and by the filter itself.
        (
            UPPER,
            &["is not one of the choices", "`{ file = \"../direction\" }`"][..],
        ),
        (
            quoting,
            &["it refuses its settings", "`{ file = \"../direction\" }`"],
        ),
    ] {
        folder.write("conf.d/10-filter.toml", filter);
        let refused = run(folder.path(), ["check", "linemill.toml"], b"").failure();
        let refused = refused.stderr_has(parts);
        assert!(!refused.stderr.contains("hidden"), "{}", refused.stderr);
    }
}

#[test]
fn what_a_host_has_is_compared_file_by_file() {
    let host = Host::serve_in(folder(), MAIN);
    host.announced(0);
    let against = || {
        let args = ["check", "linemill.toml", "--against", "unix:admin.sock"];
        run(host.folder().path(), args, b"")
    };
    against().success().stdout_has(&["nothing would change"]);
    host.folder().write("conf.d/10-filter.toml", UPPER);
    against().success().stdout_has(&["filter turn: settings"]);
}
