//! TLS handshakes that fail or never finish, and certificates that are replaced without a signal.

use std::time::Duration;

use linemill_tests::tls::{Authority, Identity};
use linemill_tests::{Client, Folder, Host, Outcome, eventually};

const TLS: &str = "tls = { cert = \"server.crt\", key = \"server.key\" }";

/// A host that presents `identity`.
fn served(identity: &Identity, listener: &str) -> Host {
    let folder = Folder::new();
    identity.write(&folder, "server");
    Host::serve_in(folder, Host::config(&format!("{TLS}\n{listener}"), ""))
}

#[test]
fn a_new_certificate_is_loaded_without_a_signal() {
    let authority = Authority::new();
    let (old, new) = (authority.server(), authority.server());
    let host = served(&old, "");
    let config = authority.trusting_client(None);
    let mut living = host.connect_tls(&config);
    assert_eq!(living.certificate(), Some(old.certificate()));
    new.write(host.folder(), "server");
    eventually("the new certificate", || {
        let shown = host.connect_tls(&config).certificate();
        (shown == Some(new.certificate())).then_some(())
    });
    living.send(b"Hello\n");
    living.expect(b"Uryyb\n");
}

#[test]
fn an_unchanged_certificate_changes_nothing() {
    let identity = Authority::new().server();
    let host = served(&identity, "");
    host.address();
    // A file with the same content is not a change, not even for the watcher.
    identity.write(host.folder(), "server");
    host.hang_up();
    eventually("a reload", || {
        (host.reloads(Outcome::Unchanged) > 0).then_some(())
    });
    assert_eq!(host.generation(), 1);
}

#[test]
fn a_failed_handshake_is_counted_and_logged() {
    let host = served(&Authority::new().server(), "");
    let mut client = host.connect();
    client.send(b"GET / HTTP/1.1\r\n");
    client.raw_rest();
    let handshake = [("reason", "handshake")];
    host.wait_metric("linemill_connections_closed_total", &handshake, 1.0);
    host.expect_stderr("TLS handshake");
    host.expect_no_connections();
}

#[test]
fn connections_count_during_their_handshake() {
    let listener = "max_connections = 1\nhandshake_timeout = \"60s\"";
    let authority = Authority::new();
    let host = served(&authority.server(), listener);
    let silent = host.connect();
    host.wait_metric("linemill_connections", &[], 1.0);
    assert!(host.connect().closes_within(Duration::from_secs(1)));
    let full = [("reason", "max_connections")];
    host.wait_metric("linemill_connections_refused_total", &full, 1.0);
    silent.cut();
    host.expect_no_connections();
    let mut client = host.connect_tls(&authority.trusting_client(None));
    assert_eq!(client.exchange(b"Hello\n"), b"Uryyb\n");
}

#[test]
#[cfg(unix)]
fn a_drain_does_not_wait_for_handshakes() {
    let folder = Folder::new();
    Authority::new().server().write(&folder, "server");
    let config = Host::config(&format!("{TLS}\nhandshake_timeout = \"60s\""), "").replacen(
        "[host]\n",
        "[host]\ndrain = \"60s\"\n",
        1,
    );
    let mut host = Host::serve_in(folder, config);
    let _silent = host.connect();
    host.wait_metric("linemill_connections", &[], 1.0);
    host.terminate();
    assert_eq!(host.wait().code(), Some(0));
}

/// What a load balancer does to see whether the host lives.
#[test]
fn probes_are_not_failures_and_hide_none() {
    let host = served(&Authority::new().server(), "");
    for _ in 0..20 {
        host.connect().cut();
    }
    let probe = [("reason", "no_handshake")];
    host.wait_metric("linemill_connections_closed_total", &probe, 20.0);
    let mut client = host.connect();
    client.send(b"GET / HTTP/1.1\r\n");
    client.raw_rest();
    // Another kind of failure, in the same second.
    let mut broken = host.connect();
    broken.send(&[22, 3, 1, 2, 0]);
    broken.finish();
    broken.raw_rest();
    let failed = [("reason", "handshake")];
    host.wait_metric("linemill_connections_closed_total", &failed, 2.0);
    eventually("a line for each", || {
        (host.stderr().matches("TLS handshake").count() == 2).then_some(())
    });
}

#[test]
fn a_handshake_on_a_plain_port_is_reported() {
    let host = Host::with("");
    let config = Authority::new().trusting_client(None);
    // Its first bytes are lines there, and ROT13 of them is not TLS.
    let address = host.address();
    let client = std::thread::spawn(move || Client::connect_tls(address, &config).map(drop));
    host.expect_stderr("this listener has no `tls`");
    host.expect_stderr("peer=127.0.0.1:");
    drop(host);
    client.join().expect("no panic").expect_err("no TLS there");
}
