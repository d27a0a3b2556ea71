//! What each signal does: to a host that serves, one that drains, and one that starts.

use std::process::Stdio;
use std::time::{Duration, Instant};

use linemill_tests::{Client, Folder, Host, eventually};
use rustix::process::Signal;

/// A configuration with this in `[host]`.
fn config(host: &str) -> String {
    Host::config("", "").replacen("[host]\n", &format!("[host]\n{host}\n"), 1)
}

/// A client that does not read its answers: the drain lasts for the whole grace period.
fn stuck(host: &Host) -> Client {
    let mut client = host.connect();
    client.fill(b"a line that nobody reads\n", Duration::from_millis(300));
    client
}

#[test]
fn a_second_signal_ends_the_drain_with_its_status() {
    for (first, second, name, status) in [
        (Signal::TERM, Signal::TERM, "SIGTERM", 143),
        (Signal::TERM, Signal::INT, "SIGINT", 130),
        (Signal::INT, Signal::QUIT, "SIGQUIT", 131),
    ] {
        for keys in ["drain = \"60s\"", "drain_delay = \"60s\""] {
            let mut host = Host::serve(config(keys));
            let _client = stuck(&host);
            host.signal(first);
            host.expect_stderr(if keys.contains("delay") {
                "stopping; connections are still accepted"
            } else {
                "draining"
            });
            let start = Instant::now();
            host.signal(second);
            assert_eq!(host.wait().code(), Some(status), "{name}");
            assert!(start.elapsed() < Duration::from_secs(5));
            host.expect_stderr("WARN second signal: not waiting for connections");
            assert!(!host.stderr().contains(" dropped=0 "), "{}", host.stderr());
            let said =
                format!("error: ended by {name}, the second signal, before the drain was over\n");
            assert!(host.stderr().ends_with(&said), "{}", host.stderr());
        }
    }
}

#[test]
fn sigquit_drains() {
    let mut host = Host::with("");
    let mut client = host.connect();
    client.send(b"whole\nbeg");
    client.expect(b"jubyr\n");
    host.signal(Signal::QUIT);
    host.expect_stderr("draining signal=\"SIGQUIT\"");
    client.send(b"un\n");
    client.expect(b"ortha\n");
    client.finish();
    assert_eq!(host.wait().code(), Some(0));
}

#[test]
fn signals_without_a_use_do_nothing() {
    let mut host = Host::with("");
    host.address();
    for (signal, name) in [(Signal::USR1, "SIGUSR1"), (Signal::USR2, "SIGUSR2")] {
        host.signal(signal);
        host.expect_stderr(&format!(
            "this signal does nothing; SIGHUP reloads, SIGTERM stops signal=\"{name}\""
        ));
    }
    host.expect_alive();
}

#[test]
fn a_sighup_that_changes_nothing_says_so() {
    let host = Host::with("");
    host.address();
    host.hang_up();
    host.expect_stderr("INFO reload: nothing has changed trigger=SIGHUP generation=1");
}

/// A host that has to compile its plugins, and has not finished.
fn starting() -> Host {
    let folder = Folder::new();
    let chain = "chain = [\"redact\", \"json\", \"grep\", \"dedup\"]";
    let grep = "[filter.grep]\nsettings = { keep = [\"a\"] }";
    folder.write("linemill.toml", Host::config(chain, grep));
    let line = "LINEMILL_CACHE=off exec \"$0\" serve --config linemill.toml";
    let host = Host::spawn_by_shell(folder, line, Stdio::null());
    host.expect_stderr("linemill starts");
    host
}

#[test]
fn a_sighup_while_the_host_starts_reloads_it_afterwards() {
    let mut host = starting();
    host.hang_up();
    host.address();
    host.expect_stderr("trigger=SIGHUP");
    host.expect_alive();
}

#[test]
fn a_sigterm_while_the_host_starts_ends_it() {
    let mut host = starting();
    host.terminate();
    assert_eq!(host.wait().code(), Some(0), "{}", host.stderr());
}

#[test]
fn the_file_of_the_admin_socket_is_removed() {
    for signals in [&[Signal::TERM][..], &[Signal::TERM, Signal::TERM]] {
        let text = "[host]\nadmin = \"unix:admin.sock\"\ndrain = \"60s\"\n\
                    [[listener]]\nbind = \"127.0.0.1:0\"\n";
        let mut host = Host::serve(text);
        let path = host.folder().path().join("admin.sock");
        host.expect_stderr("admin listening on unix:");
        let client = (signals.len() > 1).then(|| stuck(&host));
        host.address();
        assert!(path.exists());
        for signal in signals {
            host.signal(*signal);
            if signals.len() > 1 {
                host.expect_stderr("draining");
            }
        }
        host.wait();
        eventually("the file is gone", || (!path.exists()).then_some(()));
        drop(client);
    }
}
