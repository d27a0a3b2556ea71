//! Tests of the blocking client (rung 1) against a server that each test provides.

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, Output};
use std::thread::scope;

use linemill_tests::{Client, Upstream};

/// Runs the client with `arguments` after the address.
fn run(address: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ladder-http"));
    command.arg(address).args(arguments);
    command.output().expect("the client starts")
}

/// Runs the client against a server that reads the request and then calls `serve`. Returns the
/// client's output and the request.
fn get(path: &str, serve: impl FnOnce(Client)) -> (Output, String) {
    let upstream = Upstream::tcp();
    let address = upstream.address().to_string();
    scope(|scope| {
        let client = scope.spawn(|| run(&address, &[path]));
        let mut server = upstream.accept();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.extend(server.take(1));
        }
        serve(server);
        let text = String::from_utf8(request).expect("the request is text");
        let output = client.join().expect("the client ran");
        (output, text.replace(&address, "SERVER"))
    })
}

#[test]
fn the_whole_response_is_printed() {
    let answer = [&b"HTTP/1.0 200 OK\r\n\r\n"[..], &[0xff; 1 << 20]].concat();
    let (output, request) = get("/some?thing=x", |mut server| {
        for part in answer.chunks(100_000) {
            server.send(part);
        }
    });
    assert!(output.status.success(), "{output:?}");
    assert!(output.stdout == answer);
    assert_eq!(
        request,
        "GET /some?thing=x HTTP/1.0\r\nHost: SERVER\r\n\r\n"
    );
}

#[test]
fn an_incomplete_response_is_an_error() {
    let (output, _) = get("/", Client::reset);
    assert!(!output.status.success());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.starts_with("error: 127.0.0.1:"), "{stderr}");
}

#[test]
fn a_request_that_cannot_be_sent_is_an_error() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let closed = listener.local_addr().expect("it is bound").to_string();
    drop(listener);
    for (address, arguments) in [(&*closed, &[][..]), (&closed, &["/a b"]), ("no port", &[])] {
        let output = run(address, arguments);
        assert!(!output.status.success(), "{address} {arguments:?}");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.starts_with("error: "), "{arguments:?}: {stderr}");
        assert!(!stderr.contains("panicked"), "{arguments:?}: {stderr}");
    }
}
