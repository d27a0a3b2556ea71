//! Clients and servers that others wrote: netcat, socat, OpenSSL. A missing program is installed if
//! possible; otherwise the test reports that it was skipped, and why.

use std::path::PathBuf;

use linemill_tests::tls::Authority;
use linemill_tests::{Folder, Host, Program, available, skip};

/// The path of a program; if it is missing, reports the test as skipped.
pub(super) fn program(name: &str, package: &str) -> Option<PathBuf> {
    available(name, package)
        .inspect_err(|why| skip(&format!("the client {name}"), why))
        .ok()
}

/// One line and its answer, then a partial line and the end of input, after which the client waits for
/// the rest and ends.
#[track_caller]
fn converse(mut client: Program) {
    client.send(b"Hello\n");
    client.expect(b"Uryyb\n");
    client.send(b"rest");
    client.finish();
    client.expect(b"Uryyb\nerfg");
    assert!(client.wait().success(), "{}", client.output());
}

/// A host that serves TLS; the certificate of its authority is in `ca.crt`.
fn tls_host() -> Host {
    let authority = Authority::new();
    let folder = Folder::new();
    authority.write(&folder, "ca.crt");
    authority.server().write(&folder, "server");
    let tls = "tls = { cert = \"server.crt\", key = \"server.key\" }";
    Host::serve_in(folder, Host::config(tls, ""))
}

/// A host that listens on a Unix socket in its folder, and the path of that.
#[cfg(unix)]
fn unix_host() -> (Host, String) {
    let folder = Folder::new();
    let socket = folder.path().join("socket").display().to_string();
    let bind = format!("bind = \"unix:{socket}\"");
    let config = Host::config("", "").replacen("bind = \"127.0.0.1:0\"", &bind, 1);
    let host = Host::serve_in(folder, config);
    host.announced(0);
    (host, socket)
}

/// The path of that certificate.
fn ca(host: &Host) -> String {
    host.folder().path().join("ca.crt").display().to_string()
}

/// `printf 'Hello\n' | nc ADDRESS PORT`, with any netcat.
#[test]
fn netcat() {
    let Some(path) = program("nc", "netcat-openbsd") else {
        return;
    };
    let host = Host::with("");
    let address = host.address();
    let (ip, port) = (address.ip().to_string(), address.port().to_string());
    let mut client = Program::run(path, &[&ip, &port]);
    client.send(b"Hello\n");
    // Some netcats stay after the end of input, others leave: only the answer is checked.
    client.finish();
    client.expect(b"Uryyb\n");
}

#[test]
fn ncat() {
    let Some(path) = program("ncat", "ncat") else {
        return;
    };
    let host = Host::with("");
    let address = host.address();
    let (ip, port) = (address.ip().to_string(), address.port().to_string());
    converse(Program::run(path, &[&ip, &port]));
    host.expect_no_connections();
}

/// Its half-close is the end of its input, also by a Unix socket.
#[test]
#[cfg(unix)]
fn ncat_over_a_unix_socket() {
    let Some(path) = program("ncat", "ncat") else {
        return;
    };
    let (host, socket) = unix_host();
    converse(Program::run(path, &["--unixsock", &socket]));
    host.expect_no_connections();
}

#[test]
fn ncat_by_udp() {
    let Some(path) = program("ncat", "ncat") else {
        return;
    };
    let bind = "bind = \"127.0.0.1:0\"";
    let config = Host::config("to = \"stdout\"", "");
    let host = Host::serve(config.replacen(bind, "bind = \"udp://127.0.0.1:0\"", 1));
    let announced = host.announced(0);
    let (_, port) = announced.rsplit_once(':').expect("a port");
    let mut client = Program::run(path, &["--udp", "--send-only", "127.0.0.1", port]);
    client.send(b"Hello\n");
    host.expect_stdout(b"Uryyb\n");
    client.send(b"rest");
    host.expect_stdout(b"Uryyb\nerfg\n");
    assert!(client.wait().success(), "{}", client.output());
}

#[test]
fn ncat_over_tls() {
    let Some(path) = program("ncat", "ncat") else {
        return;
    };
    let host = tls_host();
    let port = host.address().port().to_string();
    let args = [
        "--ssl-verify",
        "--ssl-trustfile",
        &ca(&host),
        "localhost",
        &port,
    ];
    let mut client = Program::run(path, &args);
    client.send(b"Hello\n");
    client.expect(b"Uryyb\n");
    drop(client);
    host.expect_no_connections();
}

#[test]
fn socat() {
    let Some(path) = program("socat", "socat") else {
        return;
    };
    let host = Host::with("");
    let to = format!("TCP:{}", host.address());
    converse(Program::run(path, &["-t", "10", "-", &to]));
    host.expect_no_connections();
}

#[test]
fn socat_over_tls() {
    let Some(path) = program("socat", "socat") else {
        return;
    };
    let host = tls_host();
    let port = host.address().port();
    let to = format!("OPENSSL:localhost:{port},cafile={}", ca(&host));
    let mut client = Program::run(path, &["-t", "10", "-", &to]);
    client.send(b"Hello\n");
    client.expect(b"Uryyb\n");
    client.send(b"again\n");
    client.expect(b"Uryyb\nntnva\n");
    drop(client);
    host.expect_no_connections();
}

#[test]
#[cfg(unix)]
fn socat_over_a_unix_socket() {
    let Some(path) = program("socat", "socat") else {
        return;
    };
    let (host, socket) = unix_host();
    let to = format!("UNIX-CONNECT:{socket}");
    converse(Program::run(path, &["-t", "10", "-", &to]));
    host.expect_no_connections();
}

/// socat as the upstream of a host.
#[test]
#[cfg(unix)]
fn socat_as_the_upstream() {
    let Some(path) = program("socat", "socat") else {
        return;
    };
    let folder = Folder::new();
    let socket = folder.path().join("socket").display().to_string();
    let listen = format!("UNIX-LISTEN:{socket}");
    let mut server = Program::run(path, &["-t", "10", &listen, "EXEC:cat"]);
    let host = Host::with(&format!(
        "to = \"unix:{socket}\"\nreply_chain = [\"rot13\"]"
    ));
    let input = b"there and back\n".repeat(10_000);
    assert!(host.connect().exchange(&input) == input);
    host.expect_no_connections();
    assert!(server.wait().success(), "{}", server.output());
}

/// `openssl s_client` with this option for the version of TLS.
#[track_caller]
fn openssl(version: &str) {
    let Some(path) = program("openssl", "openssl") else {
        return;
    };
    let host = tls_host();
    let to = format!("localhost:{}", host.address().port());
    let args = [
        "s_client",
        "-quiet",
        "-no_ign_eof",
        "-verify_return_error",
        version,
        "-CAfile",
        &ca(&host),
        "-connect",
        &to,
    ];
    let mut client = Program::run(path, &args);
    client.send(b"Hello\n");
    client.expect(b"Uryyb\n");
    client.send(b"again\n");
    client.expect(b"Uryyb\nntnva\n");
    assert!(client.wait().success(), "{}", client.output());
    host.expect_no_connections();
}

#[test]
fn openssl_s_client_by_tls_1_3() {
    openssl("-tls1_3");
}

#[test]
fn openssl_s_client_by_tls_1_2() {
    openssl("-tls1_2");
}
