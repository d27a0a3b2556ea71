//! Sockets that were opened before the host started and are handed over to it, as systemd does
//! (sd_listen_fds(3)).

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::process::Stdio;

use linemill_tests::{Client, Folder, Host};

use super::binds::bound;

/// A host with a listener at `bind`, to which `listener` is handed over as descriptor 3 under the name
/// `front`.
pub(crate) fn start_with(listener: &TcpListener, bind: &str) -> Host {
    let folder = Folder::new();
    folder.write("linemill.toml", bound(bind, ""));
    let socket: OwnedFd = listener.try_clone().expect("a socket").into();
    // Only the shell itself knows its process id, which LISTEN_PID must be.
    let line = "exec 3<&0 </dev/null; exec env LISTEN_PID=$$ LISTEN_FDS=1 \
                LISTEN_FDNAMES=front \"$0\" serve --config linemill.toml";
    Host::spawn_by_shell(folder, line, Stdio::from(socket))
}

#[test]
fn a_restart_refuses_no_client() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let address = listener.local_addr().expect("it has a name");
    for bind in ["systemd", "systemd:front"] {
        let mut host = start_with(&listener, bind);
        assert!(host.announced(0).contains(&address.to_string()));
        assert_eq!(Client::connect(address).exchange(b"Hello\n"), b"Uryyb\n");
        host.terminate();
        assert_eq!(host.wait().code(), Some(0));
        // No host serves now: clients wait for the next one.
        let mut early = Client::connect(address);
        early.send(b"early\n");
        let host = start_with(&listener, bind);
        early.expect(b"rneyl\n");
        drop(host);
    }
}

#[test]
fn a_missing_socket_is_reported() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let mut host = start_with(&listener, "systemd:back");
    assert_ne!(host.wait().code(), Some(0));
    host.expect_stderr("back");
    let mut host = Host::serve(bound("systemd", ""));
    assert_ne!(host.wait().code(), Some(0));
    host.expect_stderr("systemd");
}

/// A host to which `socket` is handed over as descriptors 3 and up, once for each of `names`, which are
/// separated by colons.
fn start_with_all(folder: Folder, socket: impl Into<OwnedFd>, names: &str) -> Host {
    let count = names.split(':').count();
    let opened: String = (0..count).map(|at| format!(" {}<&0", 3 + at)).collect();
    let line = format!(
        "exec{opened} </dev/null; exec env LISTEN_PID=$$ LISTEN_FDS={count} \
         LISTEN_FDNAMES={names} \"$0\" serve --config linemill.toml"
    );
    Host::spawn_by_shell(folder, &line, Stdio::from(socket.into()))
}

/// A configuration with a listener at each of `binds`.
fn listening(binds: &[&str]) -> String {
    let listener = |(at, bind): (usize, &&str)| {
        format!("[[listener]]\nname = \"l{at}\"\nbind = \"{bind}\"\nchain = [\"rot13\"]\n")
    };
    let listeners: String = binds.iter().enumerate().map(listener).collect();
    format!("{listeners}[filter.rot13]\nplugin = \"rot13\"\n")
}

#[test]
fn a_unix_socket_is_served_and_its_file_stays() {
    let folder = Folder::new();
    folder.write("linemill.toml", listening(&["systemd"]));
    let path = folder.path().join("front.sock");
    let socket = UnixListener::bind(&path).expect("a path of its own");
    let mut host = start_with_all(folder, socket, "front.socket");
    assert_eq!(host.announced(0), format!("unix:{}", path.display()));
    assert_eq!(host.connect_unix(&path).exchange(b"Hello\n"), b"Uryyb\n");
    host.terminate();
    assert_eq!(host.wait().code(), Some(0));
    assert!(path.exists());
}

#[test]
fn sockets_are_selected_by_name() {
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = socket.local_addr().expect("its address");
    let folder = Folder::new();
    folder.write("linemill.toml", listening(&["systemd:b", "systemd:a"]));
    let host = start_with_all(folder, socket.try_clone().expect("a socket"), "a:b:c");
    host.announced(1);
    assert_eq!(Client::connect(address).exchange(b"Hello\n"), b"Uryyb\n");
    host.expect_stderr("no listener uses this socket from systemd");
    host.expect_stderr("name=\"c\"");
    drop(host);

    let folder = Folder::new();
    folder.write("linemill.toml", listening(&["systemd"]));
    let mut host = start_with_all(folder, socket, "a:b");
    assert_ne!(host.wait().code(), Some(0));
    host.expect_stderr("name one of `systemd:a`, `systemd:b`");
    let gone = Client::try_connect(address).expect_err("every process has closed it");
    assert_eq!(gone.kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn sockets_for_another_process_are_ignored() {
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let folder = Folder::new();
    folder.write("linemill.toml", listening(&["systemd"]));
    let line = "exec env LISTEN_PID=1 LISTEN_FDS=1 \"$0\" serve --config linemill.toml 3<&0";
    let mut host = Host::spawn_by_shell(folder, line, Stdio::from(OwnedFd::from(socket)));
    assert_ne!(host.wait().code(), Some(0));
    host.expect_stderr("systemd has handed no socket over");
}

/// A configuration of a listener at `bind`, whose lines go to standard output, with further keys.
fn to_stdout(bind: &str, keys: &str) -> String {
    format!(
        "[[listener]]\nname = \"front\"\nbind = \"{bind}\"\nchain = []\nto = \"stdout\"\n{keys}\n"
    )
}

#[test]
fn datagrams_are_received_and_those_of_a_restart_wait() {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = socket.local_addr().expect("its address");
    let sender = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    sender.connect(address).expect("an address");
    for round in 0..2 {
        let folder = Folder::new();
        folder.write("linemill.toml", to_stdout("systemd:log", ""));
        if round > 0 {
            sender.send(b"sent to nobody").expect("sent");
        }
        let mut host = start_with_all(folder, socket.try_clone().expect("a socket"), "log");
        assert_eq!(host.announced(0), format!("udp://{address}"));
        let early = if round > 0 {
            &b"sent to nobody\n"[..]
        } else {
            b""
        };
        host.expect_stdout(early);
        sender.send(b"line").expect("sent");
        host.expect_stdout(&[early, b"line\n"].concat());
        host.terminate();
        assert_eq!(host.wait().code(), Some(0));
        assert!(!host.stderr().contains("WARN"), "{}", host.stderr());
    }
}

#[test]
fn datagrams_of_a_unix_socket_are_received_and_its_file_stays() {
    let folder = Folder::new();
    folder.write(
        "linemill.toml",
        to_stdout("systemd", "framing = \"nul\"\nto_framing = \"lf\""),
    );
    let path = folder.path().join("log");
    let socket = UnixDatagram::bind(&path).expect("a path of its own");
    let mut host = start_with_all(folder, socket, "log");
    assert_eq!(host.announced(0), format!("unixgram:{}", path.display()));
    let sender = UnixDatagram::unbound().expect("a socket");
    sender.send_to(b"one\0two", &path).expect("sent");
    host.expect_stdout(b"one\ntwo\n");
    host.terminate();
    assert_eq!(host.wait().code(), Some(0));
    assert!(path.exists());
}

#[test]
fn what_datagrams_cannot_have_is_refused_when_the_socket_is_known() {
    for (keys, key, why) in [
        ("", "to", "get no answers"),
        ("to = \"tcp://127.0.0.1:1\"", "to", "write shared = true"),
        (
            "to = \"stdout\"\nframing = \"octet\"",
            "framing",
            "no lengths",
        ),
        (
            "to = \"stdout\"\nidle_timeout = \"1s\"",
            "idle_timeout",
            "no connection that ends",
        ),
    ] {
        let folder = Folder::new();
        let config =
            format!("[[listener]]\nname = \"front\"\nbind = \"systemd\"\nchain = []\n{keys}\n");
        folder.write("linemill.toml", config);
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let mut host = start_with_all(folder, socket, "log");
        assert_ne!(host.wait().code(), Some(0), "{keys}");
        host.expect_stderr(&format!("key `{key}` of listener `front`"));
        host.expect_stderr(why);
    }
}
