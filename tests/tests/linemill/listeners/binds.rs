//! Where a host listens: IPv6, both families, one port for two hosts, sockets that others opened.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use linemill_tests::{Client, Host};

/// A configuration with a listener that binds thus, and more keys.
fn bound(bind: &str, listener: &str) -> String {
    Host::config(listener, "").replacen("127.0.0.1:0\"\nchain", &format!("{bind}\"\nchain"), 1)
}

/// Whether this machine has IPv6 at all.
fn has_ipv6(test: &str) -> bool {
    let bound = TcpListener::bind((Ipv6Addr::LOCALHOST, 0));
    if let Err(error) = &bound {
        linemill_tests::skip(test, &format!("no IPv6: {error}"));
    }
    bound.is_ok()
}

fn local(ip: impl Into<std::net::IpAddr>, port: u16) -> SocketAddr {
    SocketAddr::new(ip.into(), port)
}

#[test]
fn ipv6_is_served() {
    if has_ipv6("ipv6_is_served") {
        let host = Host::serve(bound("[::1]:0", ""));
        assert_eq!(host.address().ip(), Ipv6Addr::LOCALHOST);
        assert_eq!(host.connect().exchange(b"Hello\n"), b"Uryyb\n");
    }
}

#[test]
fn one_listener_takes_both_families() {
    if has_ipv6("one_listener_takes_both_families") {
        let host = Host::serve(bound("[::]:0", ""));
        let port = host.address().port();
        for address in [
            local(Ipv6Addr::LOCALHOST, port),
            local(Ipv4Addr::LOCALHOST, port),
        ] {
            assert_eq!(
                Client::connect(address).exchange(b"Hello\n"),
                b"Uryyb\n",
                "{address}"
            );
        }
    }
}

#[test]
fn ipv6_only_leaves_ipv4_to_others() {
    if has_ipv6("ipv6_only_leaves_ipv4_to_others") {
        let host = Host::serve(bound("[::]:0", "ipv6_only = true"));
        let port = host.address().port();
        Client::try_connect(local(Ipv4Addr::LOCALHOST, port)).expect_err("not served");
        let mut client = Client::connect(local(Ipv6Addr::LOCALHOST, port));
        assert_eq!(client.exchange(b"Hello\n"), b"Uryyb\n");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_second_host_takes_over_a_port_and_refuses_nobody() {
    let mut old = Host::serve(bound("127.0.0.1:0", "reuse_port = true"));
    let address = old.address();
    let mut living = old.connect();
    living.send(b"Hel");
    let new = Host::serve(bound(&address.to_string(), "reuse_port = true"));
    assert_eq!(new.address(), address);
    old.terminate();
    living.send(b"lo\n");
    living.expect(b"Uryyb\n");
    assert_eq!(old.wait().code(), Some(0));
    for _ in 0..20 {
        assert_eq!(new.connect().exchange(b"next\n"), b"arkg\n");
    }
}

#[test]
fn without_it_a_port_has_one_host() {
    let host = Host::with("");
    let address = host.address().to_string();
    let second = Host::serve(bound(&address, ""));
    second.expect_stderr(&address);
    let mut second = second;
    assert_ne!(second.wait().code(), Some(0));
    assert_eq!(host.connect().exchange(b"Hello\n"), b"Uryyb\n");
}

/// Sockets that were opened before the host started, as systemd does it.
#[cfg(target_os = "linux")]
pub(crate) mod handed_over {
    use std::os::fd::OwnedFd;
    use std::process::Stdio;

    use super::*;
    use linemill_tests::Folder;

    /// A host that finds `listener` as descriptor 3, under the name `front`.
    pub(crate) fn activated(listener: &TcpListener, bind: &str) -> Host {
        let folder = Folder::new();
        folder.write("linemill.toml", bound(bind, ""));
        let socket: OwnedFd = listener.try_clone().expect("a socket").into();
        // The number of the process that they are for is known only to itself.
        let line = "exec 3<&0 </dev/null; exec env LISTEN_PID=$$ LISTEN_FDS=1 \
                    LISTEN_FDNAMES=front \"$0\" serve --config linemill.toml";
        Host::spawn_by_shell(folder, line, Stdio::from(socket))
    }

    #[test]
    fn a_restart_refuses_nobody() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let address = listener.local_addr().expect("it has a name");
        for bind in ["systemd", "systemd:front"] {
            let mut host = activated(&listener, bind);
            assert!(host.announced(0).contains(&address.to_string()));
            assert_eq!(Client::connect(address).exchange(b"Hello\n"), b"Uryyb\n");
            host.terminate();
            assert_eq!(host.wait().code(), Some(0));
            // Nobody serves now; who comes waits for the next host.
            let mut early = Client::connect(address);
            early.send(b"early\n");
            let host = activated(&listener, bind);
            early.expect(b"rneyl\n");
            drop(host);
        }
    }

    #[test]
    fn a_socket_that_was_not_handed_over_is_told() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let mut host = activated(&listener, "systemd:back");
        assert_ne!(host.wait().code(), Some(0));
        host.expect_stderr("back");
        let mut host = Host::serve(bound("systemd", ""));
        assert_ne!(host.wait().code(), Some(0));
        host.expect_stderr("systemd");
    }
}
