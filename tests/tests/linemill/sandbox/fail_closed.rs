//! `redact` is there so that something does not pass: unless the configuration says otherwise, a line that
//! it cannot handle is dropped.

use linemill_tests::{Folder, Host, eventually, guest, run};

/// A line on which `redact` misses a short deadline: addresses in every form that it looks at for long.
fn slow() -> Vec<u8> {
    let mut line = b"2001:db8::1%".repeat(42_000);
    line.push(b'\n');
    line
}

/// A host whose filter `mask` is `plugin`, with these further keys. The component of `redact` is next to
/// the configuration, too.
fn host(plugin: &str, keys: &str) -> Host {
    let folder = Folder::new();
    folder.write("copy.wasm", guest::bundled("redact"));
    Host::serve_in(folder, config(plugin, keys))
}

fn config(plugin: &str, keys: &str) -> String {
    let filter = format!("[filter.mask]\nplugin = \"{plugin}\"\ndeadline = \"5ms\"\n{keys}\n");
    Host::config("chain = [\"mask\"]\nmax_line = \"512KiB\"", &filter)
}

fn failures(host: &Host, kind: &str) -> f64 {
    let labels = [("filter", "mask"), ("kind", kind)];
    host.metric("linemill_filter_failures_total", &labels)
}

/// Under any name, and also a copy of the plugin's file.
#[test]
fn by_default_a_line_that_cannot_be_masked_is_dropped() {
    for plugin in ["redact", "./copy.wasm"] {
        let host = host(plugin, "");
        let mut client = host.connect();
        client.send(&slow());
        client.send(b"bob@example.org\n");
        client.expect(b"[email]\n");
        assert_eq!(failures(&host, "deadline").to_string(), "1");
    }
}

#[test]
fn the_configuration_may_say_otherwise_and_is_warned_about() {
    let host = host("redact", "on_error = \"pass\"");
    let mut client = host.connect();
    client.send(&slow());
    client.expect(&slow());
    host.expect_stderr("passes unfiltered");
    let checked = run(host.folder().path(), ["check", "linemill.toml"], b"").success();
    checked.stderr_has(&[
        "warning: linemill.toml:",
        "`on_error`",
        "hint: write on_error = \"drop\"",
    ]);
    // Other filters may pass lines: that is harmless.
    host.write_config(Host::config("", "[filter.rot13]\non_error = \"pass\"\n"));
    let checked = run(host.folder().path(), ["check", "linemill.toml"], b"").success();
    assert!(!checked.stderr.contains("on_error"), "{}", checked.stderr);
}

/// One client sends nothing but lines that take too long, with pauses in which the filter sees no others.
#[test]
fn one_client_does_not_switch_it_off_for_others() {
    for keys in ["", "on_error = \"pass\""] {
        let host = host("redact", keys);
        let mut innocent = host.connect();
        innocent.send(b"ann@example.org\n");
        innocent.expect(b"[email]\n");
        let mut guilty = host.connect();
        let suspended = || host.status()["filters"]["mask"]["suspended"].clone();
        eventually("its lines are kept from the filter", || {
            guilty.send(&slow());
            if keys.is_empty() {
                // Nothing comes back.
                host.metric("linemill_filter_lines_total", &[("filter", "mask")]);
            } else {
                guilty.expect(&slow());
            }
            (suspended() == 1).then_some(())
        });
        for _ in 0..20 {
            guilty.send(&slow());
            innocent.send(b"bob@example.org\n");
            innocent.expect(b"[email]\n");
            let mut newcomer = host.connect();
            newcomer.send(b"eve@example.org\n");
            newcomer.expect(b"[email]\n");
            if !keys.is_empty() {
                guilty.expect(&slow());
            }
        }
        assert!(failures(&host, "breaker") > 0.5);
        host.expect_stderr("connection suspended");
    }
}

/// What is kept from a filter that is there to keep something back does not pass either.
#[test]
fn an_open_breaker_passes_nothing() {
    let host = host("redact", "");
    let mut guilty = host.connect();
    eventually("its lines are kept from the filter", || {
        guilty.send(&slow());
        (failures(&host, "breaker") > 0.5).then_some(())
    });
    let before = failures(&host, "breaker");
    guilty.send(b"bob@example.org\n");
    guilty.finish();
    let rest = guilty.rest();
    assert!(rest.is_empty() || rest == b"[email]\n", "{rest:?}");
    assert!(failures(&host, "breaker") >= before);
}
