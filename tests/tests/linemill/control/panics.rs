//! Panics, which are bugs of the host: one in a connection ends that connection, any other one the host.
//!
//! A library that is loaded in front of the system's own makes a call fail as it cannot, which the standard
//! library takes for a bug.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use linemill_tests::{Folder, Host, available, eventually, skip};

/// The library's source.
const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/preload.c");

/// A host with the library; `None` where there is no C compiler.
fn host(config: &str) -> Option<Host> {
    let compiler = match available("cc", "gcc") {
        Ok(compiler) => compiler,
        Err(why) => {
            skip("panics", &why);
            return None;
        }
    };
    let folder = Folder::new();
    let library = folder.path().join("preload.so");
    let compiled = Command::new(compiler)
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([library.as_os_str(), SOURCE.as_ref()])
        .status();
    assert!(compiled.expect("cc runs").success());
    folder.write("linemill.toml", config);
    let line =
        "LD_PRELOAD=$PWD/preload.so RUST_BACKTRACE=0 exec \"$0\" serve --config linemill.toml";
    Some(Host::spawn_by_shell(folder, line, Stdio::null()))
}

#[test]
fn a_panic_in_a_connection_ends_that_connection() {
    let Some(mut host) = host(&Host::config("", "")) else {
        return;
    };
    let mut other = host.connect();
    other.send(b"Hel");
    for _ in 0..3 {
        let mut client = host.connect();
        client.send(b"PANIC\n");
        drop(client.rest_until_end());
    }
    host.wait_metric(
        "linemill_connections_closed_total",
        &[("reason", "panic")],
        3.0,
    );
    host.wait_metric("linemill_connections", &[], 1.0);
    other.send(b"lo\n");
    other.expect(b"Uryyb\n");
    assert_eq!(host.get("/readyz").status, 200);
    let log = host.stderr();
    for part in [
        "ERROR a bug in linemill: ",
        "ERROR connection{listener=\"test\" peer=127.0.0.1:",
        "connection ended by a bug in linemill panic=",
    ] {
        assert!(log.contains(part), "{part:?} is not in {log}");
    }
    host.terminate();
    assert_eq!(host.wait().code(), Some(0));
}

#[test]
fn a_panic_elsewhere_ends_the_host_after_a_drain() {
    let config = Host::config("", "").replacen("[host]\n", "[host]\ndrain_delay = \"2s\"\n", 1);
    let Some(mut host) = host(&config) else {
        return;
    };
    let mut client = host.connect();
    client.send(b"Hel");
    let mut trigger = host.connect();
    trigger.send(b"a\n");
    trigger.expect(b"n\n");
    host.folder().write("sleep", "");
    let start = Instant::now();
    // The thread ticks while lines are filtered.
    trigger.send(b"a\n");
    trigger.expect(b"n\n");
    eventually("the host is not ready", || {
        let answer = host.get("/readyz");
        (answer.status == 503 && answer.body.contains("a bug in linemill")).then_some(())
    });
    client.send(b"lo\n");
    client.expect(b"Uryyb\n");
    client.finish();
    assert_eq!(host.wait().code(), Some(101));
    assert!(start.elapsed() < Duration::from_secs(15));
    let log = host.stderr();
    for part in [
        "ERROR a bug in linemill: ",
        "thread=linemill-epoch",
        "error: linemill has ended because of a bug in it: ",
    ] {
        assert!(log.contains(part), "{part:?} is not in {log}");
    }
}
