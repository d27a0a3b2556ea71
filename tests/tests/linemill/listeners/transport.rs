//! What a transport costs others, and who gets a connection: handshakes, certificates that change
//! by themselves, addresses, sockets that others opened.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::time::Duration;

use linemill_tests::tls::{Authority, Identity};
use linemill_tests::{Client, Folder, Host, eventually};

const TLS: &str = "tls = { cert = \"server.crt\", key = \"server.key\" }";

/// A host that shows `identity`.
fn served(identity: &Identity, listener: &str) -> Host {
    let folder = Folder::new();
    identity.write(&folder, "server");
    Host::serve_in(folder, Host::config(&format!("{TLS}\n{listener}"), ""))
}

#[test]
fn a_new_certificate_is_noticed_without_a_signal() {
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
fn the_same_certificate_written_again_changes_nothing() {
    let identity = Authority::new().server();
    let host = served(&identity, "");
    host.address();
    identity.write(host.folder(), "server");
    let unchanged = || host.metric("linemill_reloads_total", &[("result", "unchanged")]);
    eventually("a reload", || (unchanged() > 0.5).then_some(()));
    assert_eq!(host.metric("linemill_generation", &[]).to_string(), "1");
}

#[test]
fn a_handshake_that_fails_is_counted_and_told() {
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
fn who_has_not_shaken_hands_counts_too() {
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
    let config = Host::config(&format!("{TLS}\nhandshake_timeout = \"60s\""), "");
    let config = config.replacen("[host]\n", "[host]\ndrain = \"60s\"\n", 1);
    let mut host = Host::serve_in(folder, config);
    let _silent = host.connect();
    host.wait_metric("linemill_connections", &[], 1.0);
    host.terminate();
    assert_eq!(host.wait().code(), Some(0));
}

#[test]
fn an_ipv4_client_is_the_same_by_a_socket_for_both_families() {
    if let Err(error) = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) {
        let test = "an_ipv4_client_is_the_same_by_a_socket_for_both_families";
        return linemill_tests::skip(test, &format!("no IPv6: {error}"));
    }
    let config = Host::config("max_per_address = 1", "");
    let host = Host::serve(config.replacen("bind = \"127.0.0.1:0\"", "bind = \"[::]:0\"", 1));
    let port = host.address().port();
    let ipv4 = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut first = Client::connect(ipv4);
    first.send(b"Hello\n");
    first.expect(b"Uryyb\n");
    assert!(Client::connect(ipv4).closes_within(Duration::from_secs(1)));
    let address = [("reason", "max_per_address")];
    host.wait_metric("linemill_connections_refused_total", &address, 1.0);
    host.expect_stderr("address=127.0.0.1");
    let ipv6 = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
    assert_eq!(Client::connect(ipv6).exchange(b"Hello\n"), b"Uryyb\n");
    first.finish();
    first.expect_end();
    // The host may take a moment to forget it: that is no refusal.
    assert_eq!(Client::connect(ipv4).exchange(b"Hello\n"), b"Uryyb\n");
}

/// Sockets that were opened before the host started, as systemd does it.
#[cfg(target_os = "linux")]
mod handed_over {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixListener;
    use std::process::Stdio;

    use super::*;

    /// A host that finds `socket` as descriptors 3 and up, one for each of `names`.
    fn activated(folder: Folder, socket: impl Into<OwnedFd>, names: &str) -> Host {
        let count = names.split(':').count();
        let opened: String = (0..count).map(|at| format!(" {}<&0", 3 + at)).collect();
        let line = format!(
            "exec{opened} </dev/null; exec env LISTEN_PID=$$ LISTEN_FDS={count} \
             LISTEN_FDNAMES={names} \"$0\" serve --config linemill.toml"
        );
        Host::spawn_by_shell(folder, &line, Stdio::from(socket.into()))
    }

    fn listening(binds: &[&str]) -> String {
        let listener = |(at, bind): (usize, &&str)| {
            format!("[[listener]]\nname = \"l{at}\"\nbind = \"{bind}\"\nchain = [\"rot13\"]\n")
        };
        let listeners: String = binds.iter().enumerate().map(listener).collect();
        format!("{listeners}[filter.rot13]\nplugin = \"rot13\"\n")
    }

    #[test]
    fn a_unix_socket_is_served_and_its_file_left_to_systemd() {
        let folder = Folder::new();
        folder.write("linemill.toml", listening(&["systemd"]));
        let path = folder.path().join("front.sock");
        let socket = UnixListener::bind(&path).expect("a path of its own");
        let mut host = activated(folder, socket, "front.socket");
        assert_eq!(host.announced(0), format!("unix:{}", path.display()));
        assert_eq!(host.connect_unix(&path).exchange(b"Hello\n"), b"Uryyb\n");
        host.terminate();
        assert_eq!(host.wait().code(), Some(0));
        assert!(path.exists());
    }

    #[test]
    fn several_sockets_are_told_apart_by_name() {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = socket.local_addr().expect("its address");
        let folder = Folder::new();
        folder.write("linemill.toml", listening(&["systemd:b", "systemd:a"]));
        let host = activated(folder, socket.try_clone().expect("a socket"), "a:b:c");
        host.announced(1);
        assert_eq!(Client::connect(address).exchange(b"Hello\n"), b"Uryyb\n");
        host.expect_stderr("no listener takes this socket of systemd's");
        host.expect_stderr("name=\"c\"");
        drop(host);

        let folder = Folder::new();
        folder.write("linemill.toml", listening(&["systemd"]));
        let mut host = activated(folder, socket, "a:b");
        assert_ne!(host.wait().code(), Some(0));
        host.expect_stderr("name one of `systemd:a`, `systemd:b`");
        let gone = Client::try_connect(address).expect_err("closed by all");
        assert_eq!(gone.kind(), ErrorKind::ConnectionRefused);
    }

    #[test]
    fn sockets_meant_for_another_process_are_left_alone() {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let folder = Folder::new();
        folder.write("linemill.toml", listening(&["systemd"]));
        let line = "exec env LISTEN_PID=1 LISTEN_FDS=1 \"$0\" serve --config linemill.toml 3<&0";
        let mut host = Host::spawn_by_shell(folder, line, Stdio::from(OwnedFd::from(socket)));
        assert_ne!(host.wait().code(), Some(0));
        host.expect_stderr("systemd has handed no socket over");
    }
}
