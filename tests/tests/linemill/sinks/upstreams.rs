//! An upstream connection per client: `to = "tcp://…"`, `"tls://…"`, `"unix:…"`.

use linemill_tests::tls::Authority;
use linemill_tests::{Client, Folder, Host, Upstream, rot13};

/// Key of a listener that sends its lines to `upstream`.
pub(super) fn to(upstream: &Upstream) -> String {
    format!("to = \"{}\"\n", upstream.url())
}

/// A line and its answer, then the client half-closes; the upstream answers once more.
#[track_caller]
pub(super) fn converse(host: &Host, upstream: &Upstream) {
    let mut client = host.connect();
    client.send(b"Hello\n");
    let mut server = upstream.accept();
    server.expect(b"Uryyb\n");
    server.send(b"Welcome\r\n");
    client.expect(b"Welcome\r\n");
    client.send(b"rest");
    client.finish();
    server.expect(b"erfg");
    server.expect_end();
    // The client has half-closed; answers still come.
    server.send(b"last words");
    server.finish();
    client.expect(b"last words");
    client.expect_end();
    host.expect_no_connections();
}

#[test]
fn over_tcp() {
    let upstream = Upstream::tcp();
    let host = Host::with(&to(&upstream));
    converse(&host, &upstream);
    converse(&host, &upstream);
}

#[test]
fn over_tcp_by_a_host_name() {
    let upstream = Upstream::tcp();
    let port = upstream.address().port();
    let host = Host::with(&format!("to = \"tcp://localhost:{port}\""));
    converse(&host, &upstream);
}

#[test]
#[cfg(unix)]
fn over_a_unix_socket() {
    let folder = Folder::new();
    let upstream = Upstream::unix(&folder.path().join("upstream"));
    let host = Host::with(&to(&upstream));
    converse(&host, &upstream);
}

/// A host whose upstream uses TLS and must have a certificate of `authority`. `more` are further keys of
/// `to_tls`.
pub(super) fn to_tls(upstream: &Upstream, authority: &Authority, more: &str) -> Host {
    let folder = Folder::new();
    authority.write(&folder, "ca.crt");
    authority.client().write(&folder, "client");
    let listener = format!(
        "{}to_tls = {{ ca = \"ca.crt\"{more} }}\nwrite_timeout = \"1s\"",
        to(upstream)
    );
    Host::serve_in(folder, Host::config(&listener, ""))
}

#[test]
fn over_tls() {
    let authority = Authority::new();
    let upstream = Upstream::tls(&authority.server().server(None));
    converse(&to_tls(&upstream, &authority, ""), &upstream);
}

#[test]
fn over_tls_with_a_client_certificate() {
    let authority = Authority::new();
    let upstream = Upstream::tls(&authority.server().server(Some(&authority)));
    let own = ", cert = \"client.crt\", key = \"client.key\"";
    converse(&to_tls(&upstream, &authority, own), &upstream);
}

#[test]
fn over_tls_with_another_name() {
    let authority = Authority::new();
    let upstream = Upstream::tls(&authority.server_of(&["other.test"]).server(None));
    converse(
        &to_tls(&upstream, &authority, ", name = \"other.test\""),
        &upstream,
    );
}

#[test]
fn each_client_has_its_own_connection() {
    let upstream = Upstream::tcp();
    let host = Host::with(&format!("{}chain = []", to(&upstream)));
    let mut pairs: Vec<(Client, Client)> = (0..5)
        .map(|number| {
            let mut client = host.connect();
            client.send(format!("{number}\n").as_bytes());
            (client, upstream.accept())
        })
        .collect();
    for (number, (client, server)) in pairs.iter_mut().enumerate().rev() {
        let line = format!("{number}\n");
        server.expect(line.as_bytes());
        server.send(line.as_bytes());
        client.expect(line.as_bytes());
    }
    drop(pairs);
    host.expect_no_connections();
}

#[test]
fn an_upstream_that_half_closes_still_gets_lines() {
    let upstream = Upstream::tcp();
    let host = Host::with(&to(&upstream));
    let mut client = host.connect();
    let mut server = upstream.accept();
    server.send(b"goodbye\n");
    server.finish();
    client.expect(b"goodbye\n");
    client.expect_end();
    client.send(b"Hello\n");
    server.expect(b"Uryyb\n");
    client.finish();
    server.expect_end();
    host.expect_no_connections();
}

#[test]
#[cfg(unix)]
fn a_drain_delivers_lines_already_read() {
    let upstream = Upstream::tcp();
    let mut host = Host::with(&to(&upstream));
    let mut client = host.connect();
    let mut server = upstream.accept();
    let lines = b"a line in flight\n".repeat(1000);
    client.send(&lines);
    host.wait_metric("linemill_lines_in_total", &[], 1000.0);
    host.terminate();
    let got = server.rest();
    assert!(got == rot13(&lines), "{} of {}", got.len(), lines.len());
    drop(server);
    client.expect_refusal();
    assert_eq!(host.wait().code(), Some(0), "{}", host.stderr());
}
