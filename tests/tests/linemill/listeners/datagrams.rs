//! Lines in datagrams: UDP and Unix sockets, and senders that others wrote.

use std::net::{SocketAddr, UdpSocket};
#[cfg(unix)]
use std::os::unix::net::UnixDatagram;

#[cfg(unix)]
use linemill_tests::{Folder, Program, available, skip};
use linemill_tests::{Host, eventually, free_port};

/// A configuration with a listener at `bind`, with further keys.
fn bound(bind: &str, keys: &str) -> String {
    let default = "bind = \"127.0.0.1:0\"";
    Host::config(keys, "").replacen(default, &format!("bind = \"{bind}\""), 1)
}

/// A host that receives by UDP and writes lines to standard output, and where it receives.
fn by_udp(keys: &str) -> (Host, SocketAddr) {
    let host = Host::serve(config(keys));
    let announced = host.announced(0);
    let address = announced.strip_prefix("udp://").expect("an address");
    let address = address.parse().expect("an address");
    (host, address)
}

fn config(keys: &str) -> String {
    let to = if keys.contains("to = ") {
        ""
    } else {
        "to = \"stdout\"\n"
    };
    bound("udp://127.0.0.1:0", &format!("{to}{keys}"))
}

fn sender(to: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.connect(to).expect("an address");
    socket
}

#[track_caller]
fn send(socket: &UdpSocket, datagrams: &[&[u8]]) {
    for datagram in datagrams {
        socket.send(datagram).expect("sent");
    }
}

#[test]
fn the_end_of_a_datagram_ends_its_last_line() {
    let (host, address) = by_udp("");
    let datagrams: [&[u8]; 6] = [b"one", b"two\n", b"three\r\nfour", b"", b"\n", b"five\r"];
    send(&sender(address), &datagrams);
    host.expect_stdout(b"bar\ngjb\nguerr\r\nsbhe\n\nsvir\r\n");
    host.wait_metric("linemill_datagrams_total", &[], 6.0);
    host.wait_metric("linemill_lines_in_total", &[], 6.0);
}

#[test]
fn lines_may_end_with_nul() {
    let (host, address) = by_udp("framing = \"nul\"\nto_framing = \"lf\"");
    send(&sender(address), &[b"with\0", b"without", b"two\0more"]);
    host.expect_stdout(b"jvgu\njvgubhg\ngjb\nzber\n");
}

#[test]
fn a_long_line_is_split_within_its_datagram() {
    let (host, address) = by_udp("max_line = \"4B\"");
    send(&sender(address), &[b"aaaabb", b"cc"]);
    host.expect_stdout(b"nnnn\noo\npp\n");
}

#[test]
#[cfg(target_os = "linux")]
fn senders_may_be_refused() {
    let (host, address) = by_udp("deny = [\"127.0.0.2\"]");
    let other = UdpSocket::bind("127.0.0.2:0").expect("all of 127.0.0.0/8 is local");
    other.send_to(b"denied", address).expect("sent");
    host.wait_metric(
        "linemill_datagrams_dropped_total",
        &[("reason", "denied")],
        1.0,
    );
    send(&sender(address), &[b"let in"]);
    host.expect_stdout(b"yrg va\n");
    host.expect_stderr("peer=127.0.0.2");
}

#[test]
#[cfg(unix)]
fn a_reload_changes_chain_and_networks() {
    let (host, address) = by_udp("");
    let socket = sender(address);
    send(&socket, &[b"one"]);
    host.expect_stdout(b"bar\n");
    host.swap(config("chain = []"));
    send(&socket, &[b"two"]);
    host.expect_stdout(b"bar\ntwo\n");
}

#[test]
#[cfg(unix)]
fn a_drain_empties_the_socket() {
    let (mut host, address) = by_udp("chain = []");
    let socket = sender(address);
    let lines: Vec<String> = (0..200).map(|number| format!("line {number}\n")).collect();
    for line in &lines {
        send(&socket, &[line.as_bytes()]);
    }
    host.terminate();
    assert_eq!(host.wait().code(), Some(0));
    host.expect_stdout(lines.concat().as_bytes());
}

#[test]
#[cfg(target_os = "linux")]
fn what_the_kernel_drops_is_counted() {
    // Nobody accepts there, so its buffer fills, and then that of the kernel.
    let (host, address) = by_udp("to = \"tcp://127.0.0.1:1\"\nbuffer = \"1KiB\"");
    let socket = sender(address);
    let kernel = [("reason", "kernel")];
    eventually("drops", || {
        for _ in 0..1000 {
            // Fails when the sender's own buffer is full.
            drop(socket.send(&[b'x'; 8000]));
        }
        (host.metric("linemill_datagrams_dropped_total", &kernel) > 0.5).then_some(())
    });
    host.expect_stderr("datagrams dropped by the kernel");
}

#[test]
#[cfg(unix)]
fn a_unix_socket_receives_and_its_file_goes_with_it() {
    let folder = Folder::new();
    let path = folder.path().join("log");
    let bind = format!("unixgram:{}", path.display());
    let mut host = Host::serve(bound(&bind, "to = \"stdout\""));
    assert_eq!(host.announced(0), bind);
    let socket = UnixDatagram::unbound().expect("a socket");
    socket.send_to(b"one\ntwo", &path).expect("sent");
    // More than one datagram can have by UDP: the first 64 KiB are taken.
    socket.send_to(&[b'a'; 100_000], &path).expect("sent");
    let taken = [b"bar\ngjb\n", &*b"n".repeat(16_384), b"\n"].concat();
    host.stdout(taken.len());
    assert!(host.stdout(0).starts_with(&taken));
    host.wait_metric("linemill_datagrams_cut_total", &[], 1.0);
    host.terminate();
    assert_eq!(host.wait().code(), Some(0));
    assert!(!path.exists());
}

#[test]
#[cfg(unix)]
fn a_stale_unix_socket_is_replaced() {
    let folder = Folder::new();
    let path = folder.path().join("log");
    drop(UnixDatagram::bind(&path).expect("a path of its own"));
    let bind = format!("unixgram:{}", path.display());
    let host = Host::serve(bound(&bind, "to = \"stdout\""));
    host.announced(0);
    let socket = UnixDatagram::unbound().expect("a socket");
    socket.send_to(b"one", &path).expect("sent");
    host.expect_stdout(b"bar\n");
}

#[test]
#[cfg(unix)]
fn a_file_that_was_removed_is_made_again() {
    let folder = Folder::new();
    let path = folder.path().join("log");
    let bind = format!("unixgram:{}", path.display());
    let host = Host::serve(bound(&bind, "to = \"stdout\""));
    host.announced(0);
    // As syslog(3) does, it stays connected to the socket, whatever its file is.
    let connected = UnixDatagram::unbound().expect("a socket");
    connected.connect(&path).expect("it receives");
    std::fs::remove_file(&path).expect("it is there");
    let late = UnixDatagram::unbound().expect("a socket");
    eventually("the file", || late.send_to(b"late", &path).ok());
    host.expect_stdout(b"yngr\n");
    connected
        .send(b"connected")
        .expect("the former socket receives");
    host.expect_stdout(b"yngr\npbaarpgrq\n");
    host.expect_stderr("the file of the socket had been removed");
}

/// The path of a program; if it is missing, reports the test as skipped.
#[cfg(unix)]
fn program(name: &str, package: &str) -> Option<std::path::PathBuf> {
    available(name, package)
        .inspect_err(|why| skip(&format!("datagrams of {name}"), why))
        .ok()
}

/// Waits for a line of standard output that ends with `text`.
#[cfg(unix)]
#[track_caller]
fn expect_message(host: &Host, text: &str) {
    eventually(&format!("a line that ends with {text:?}"), || {
        let lines = host.stdout(0);
        let lines = String::from_utf8_lossy(&lines).into_owned();
        lines.lines().any(|line| line.ends_with(text)).then_some(())
    });
}

/// As a listener for syslog would have it.
#[cfg(unix)]
const SYSLOG: &str = "chain = []\nframing = \"nul\"\nto_framing = \"lf\"\nto = \"stdout\"";

#[test]
#[cfg(unix)]
fn logger_by_udp_and_unix_socket() {
    let Some(path) = program("logger", "bsdutils") else {
        return;
    };
    let (host, address) = by_udp(SYSLOG);
    let port = address.port().to_string();
    let to = ["--udp", "--server", "127.0.0.1", "--port", &port];
    let mut logger = Program::run(path.clone(), &[&to[..], &["message by UDP"]].concat());
    assert!(logger.wait().success(), "{}", logger.output());
    expect_message(&host, "message by UDP");

    let folder = Folder::new();
    let socket = folder.path().join("log").display().to_string();
    let host = Host::serve(bound(&format!("unixgram:{socket}"), SYSLOG));
    host.announced(0);
    let to = ["--socket", &socket, "message by a Unix socket"];
    let mut logger = Program::run(path, &to);
    assert!(logger.wait().success(), "{}", logger.output());
    expect_message(&host, "message by a Unix socket");
}

/// It ends each message with NUL.
#[test]
#[cfg(unix)]
fn pythons_handler_by_udp_and_unix_socket() {
    let Some(path) = program("python3", "python3-minimal") else {
        return;
    };
    let log = |address: &str| {
        let script = format!(
            "import logging, logging.handlers\n\
             logger = logging.getLogger()\n\
             logger.addHandler(logging.handlers.SysLogHandler(address={address}))\n\
             logger.error('first message')\nlogger.error('second message')\n"
        );
        let mut python = Program::run(path.clone(), &["-c", &script]);
        assert!(python.wait().success(), "{}", python.output());
    };
    let (host, address) = by_udp(SYSLOG);
    log(&format!("('127.0.0.1', {})", address.port()));
    host.expect_stdout(b"<11>first message\n<11>second message\n");

    let folder = Folder::new();
    let socket = folder.path().join("log").display().to_string();
    let host = Host::serve(bound(&format!("unixgram:{socket}"), SYSLOG));
    host.announced(0);
    log(&format!("'{socket}'"));
    host.expect_stdout(b"<11>first message\n<11>second message\n");
}

#[test]
fn a_listener_moves_to_another_port_and_takes_what_waits_at_the_first() {
    let (host, first) = by_udp("");
    let old = sender(first);
    send(&old, &[b"one"]);
    host.expect_stdout(b"bar\n");
    let next = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let moved = config("").replacen("udp://127.0.0.1:0", &format!("udp://{next}"), 1);
    host.write_config(moved);
    let answer = host.post("/reload");
    assert_eq!(answer.status, 200, "{}", answer.body);
    host.announced(1);
    send(&sender(next), &[b"two"]);
    host.expect_stdout(b"bar\ngjb\n");
    eventually("the closed port", || {
        UdpSocket::bind(first).is_ok().then_some(())
    });
    let received = host.metric("linemill_datagrams_total", &[]);
    let lines = host.metric("linemill_lines_in_total", &[]);
    assert!(received == lines, "{received} datagrams, {lines} lines");
}
