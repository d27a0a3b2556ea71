//! TLS: certificates, truncation, plain text (cases 20, 21).

use std::time::{Duration, Instant};

use linemill_tests::tls::{Authority, Identity};
use linemill_tests::{Client, Faults, Folder, Host, Proxy, assert_bytes, eventually, rot13, run};

const LATE: Duration = Duration::from_millis(2500);

/// Key of a listener that presents the certificate written by [`served`].
const TLS: &str = "tls = { cert = \"server.crt\", key = \"server.key\" }\n";

/// A host that presents `identity`, with the certificate of `authority` in `ca.crt`.
fn served(authority: &Authority, identity: &Identity, listener: &str) -> Host {
    let folder = Folder::new();
    identity.write(&folder, "server");
    authority.write(&folder, "ca.crt");
    Host::serve_in(folder, Host::config(listener, ""))
}

/// A host with a certificate signed by `authority`.
fn host(authority: &Authority, more: &str) -> Host {
    served(authority, &authority.server(), &format!("{TLS}{more}"))
}

#[test]
fn lines_come_back_and_the_end_is_announced() {
    let authority = Authority::new();
    let identity = authority.server();
    let host = served(&authority, &identity, TLS);
    let config = authority.trusting_client(None);
    let mut client = host.connect_tls(&config);
    assert_eq!(client.certificate(), Some(identity.certificate()));
    client.send(b"Hello\r\nrest");
    client.expect(b"Uryyb\r\n");
    client.finish();
    // `expect_end` requires a close_notify.
    client.expect(b"erfg");
    client.expect_end();
    assert_eq!(host.connect_tls(&config).exchange(b"again\n"), b"ntnva\n");
}

#[test]
fn case_20_a_truncation_drops_the_partial_line() {
    let authority = Authority::new();
    let host = host(&authority, "");
    let mut client = host.connect_tls(&authority.trusting_client(None));
    client.send(b"abc\nde");
    client.cut();
    let (got, _) = client.rest_until_end();
    assert_bytes(got, b"nop\n");
    host.expect_dropped("partial", 1.0);
    host.expect_no_connections();
}

#[test]
fn case_21_plain_text_is_refused_at_once() {
    let authority = Authority::new();
    let host = host(&authority, "");
    let mut client = host.connect();
    let start = Instant::now();
    client.send(b"GET / HTTP/1.1\r\n");
    let got = client.raw_rest();
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
    // At most a TLS alert.
    assert!(got.len() <= 7, "{}", got.escape_ascii());
    host.expect_no_connections();
    let metrics = host.metrics();
    for name in ["linemill_filter_calls_total", "linemill_lines_in_total"] {
        assert_eq!(metrics.sum(name, &[]).to_string(), "0", "{name}");
    }
}

#[test]
fn a_slow_handshake_is_closed() {
    let authority = Authority::new();
    let host = host(&authority, "handshake_timeout = \"1s\"");
    let address = host.address();
    let start = Instant::now();
    let mut silent = Client::connect(address);
    let mut begun = Client::connect(address);
    // The start of a record that never ends.
    begun.send(&[22, 3, 1, 2, 0]);
    // Other clients are served meanwhile.
    let config = authority.trusting_client(None);
    assert_eq!(host.connect_tls(&config).exchange(b"Hello\n"), b"Uryyb\n");
    for client in [&mut silent, &mut begun] {
        client.raw_rest();
        let took = start.elapsed();
        assert!(
            (Duration::from_secs(1)..Duration::from_secs(1) + LATE).contains(&took),
            "{took:?}"
        );
    }
    host.expect_no_connections();
}

#[test]
fn client_ca_requires_a_trusted_certificate() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let tls = TLS.replace(" }", ", client_ca = \"ca.crt\" }");
    let host = served(&authority, &authority.server(), &tls);
    let own = authority.client();
    let config = authority.trusting_client(Some(&own));
    assert_eq!(host.connect_tls(&config).exchange(b"Hello\n"), b"Uryyb\n");
    for wrong in [None, Some(stranger.client()), Some(authority.server())] {
        let config = authority.trusting_client(wrong.as_ref());
        // In TLS 1.3, a client notices the refusal only when it reads.
        if let Ok(mut client) = Client::connect_tls(host.address(), &config) {
            client.offer(b"Hello\n", Duration::from_secs(1));
            let (got, end) = client.rest_until_end();
            assert_eq!(got, b"");
            end.expect_err("an alert");
        }
    }
    host.expect_no_connections();
    assert_eq!(
        host.metric("linemill_lines_in_total", &[]).to_string(),
        "1",
        "lines of untrusted clients"
    );
}

#[test]
fn client_names_lets_in_named_clients_only() {
    let authority = Authority::new();
    let tls = TLS.replace(
        " }",
        ", client_ca = \"ca.crt\", client_names = [\"sensor-1\", \"*.example.org\"] }",
    );
    let host = served(&authority, &authority.server(), &tls);
    for known in [["sensor-1"], ["a.Example.org"]] {
        let config = authority.trusting_client(Some(&authority.client_of(&known)));
        assert_eq!(host.connect_tls(&config).exchange(b"Hello\n"), b"Uryyb\n");
    }
    for other in [&["sensor-2"][..], &["a.b.example.org"], &[]] {
        let config = authority.trusting_client(Some(&authority.client_of(other)));
        // In TLS 1.3, a client notices the refusal only when it reads.
        if let Ok(mut client) = Client::connect_tls(host.address(), &config) {
            client.offer(b"Hello\n", Duration::from_secs(1));
            let (got, end) = client.rest_until_end();
            assert_eq!(got, b"");
            end.expect_err("an alert");
        }
    }
    let refused = [("reason", "client_name")];
    host.wait_metric("linemill_connections_closed_total", &refused, 3.0);
    host.expect_stderr("the name sensor-2 is not in `client_names`");
    assert_eq!(host.metric("linemill_lines_in_total", &[]).to_string(), "2");
}

#[test]
fn records_may_arrive_in_pieces() {
    let authority = Authority::new();
    let host = host(&authority, "");
    let piece = Faults {
        piece: 7,
        ..Faults::default()
    };
    let proxy = Proxy::to(host.address(), piece, piece);
    let config = authority.trusting_client(None);
    let mut client = Client::connect_tls(proxy.address(), &config).expect("a handshake");
    let input = b"a line in small pieces\n".repeat(200);
    assert!(client.exchange(&input) == rot13(&input));
}

#[test]
#[cfg(unix)]
fn a_new_certificate_applies_to_new_connections() {
    let authority = Authority::new();
    let (old, new) = (authority.server(), authority.server());
    let host = served(&authority, &old, TLS);
    let config = authority.trusting_client(None);
    let mut living = host.connect_tls(&config);
    living.send(b"Hel");
    new.write(host.folder(), "server");
    host.hang_up();
    eventually("the new certificate", || {
        let mut client = host.connect_tls(&config);
        let shown = client.certificate();
        assert_eq!(client.exchange(b"Hello\n"), b"Uryyb\n");
        (shown == Some(new.certificate())).then_some(())
    });
    living.send(b"lo\n");
    living.expect(b"Uryyb\n");
    assert_eq!(living.certificate(), Some(old.certificate()));
}

#[test]
#[cfg(unix)]
fn a_certificate_without_its_key_is_refused() {
    let authority = Authority::new();
    let old = authority.server();
    let host = served(&authority, &old, TLS);
    let config = authority.trusting_client(None);
    assert_eq!(host.connect_tls(&config).exchange(b"Hello\n"), b"Uryyb\n");
    mismatch(&authority, host.folder());
    host.hang_up();
    host.wait_metric("linemill_reloads_total", &[("result", "refused")], 1.0);
    host.expect_stderr("server.key");
    let mut client = host.connect_tls(&config);
    assert_eq!(client.certificate(), Some(old.certificate()));
    assert_eq!(client.exchange(b"Hello\n"), b"Uryyb\n");
}

/// Writes a certificate and the key of another one.
fn mismatch(authority: &Authority, folder: &Folder) {
    authority.server().write(folder, "other");
    folder.rename("other.key", "kept.key");
    authority.server().write(folder, "other");
    folder.rename("other.crt", "server.crt");
    folder.rename("kept.key", "server.key");
}

#[test]
fn check_refuses_missing_and_mismatched_certificates() {
    let authority = Authority::new();
    let folder = Folder::new();
    folder.write("linemill.toml", Host::config(TLS, ""));
    let check = || run(folder.path(), ["check", "linemill.toml"], b"");
    check().failure().stderr_has(&["server.crt"]);
    authority.server().write(&folder, "server");
    check().success();
    mismatch(&authority, &folder);
    check().failure().stderr_has(&["server.key"]);
    authority.server().write(&folder, "server");
    folder.write("server.key", "this is not PEM\n");
    check().failure().stderr_has(&["server.key"]);
    authority.server().write(&folder, "server");
    folder.write("server.crt", "");
    check().failure().stderr_has(&["server.crt"]);
}
