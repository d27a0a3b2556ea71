//! A client that others wrote.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use linemill_tests::Host;

/// `printf 'Hello\n' | nc ADDRESS PORT`, with whichever netcat there is. Where there is none the
/// test has nothing to show and says so.
#[test]
fn netcat_gets_its_answer() {
    let host = Host::with("");
    let address = host.address();
    let child = Command::new("nc")
        .args([address.ip().to_string(), address.port().to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => return eprintln!("not tried, nc: {error}"),
    };
    let mut input = child.stdin.take().expect("standard input is piped");
    input.write_all(b"Hello\n").expect("nc reads");
    // Some netcats stay after the end of input until the other side closes: read what is owed.
    drop(input);
    let mut answer = [0; 6];
    let read = child
        .stdout
        .take()
        .expect("standard output is piped")
        .read_exact(&mut answer);
    child.kill().expect("nc is ours");
    child.wait().expect("nc is ours");
    read.expect("nc prints six bytes");
    assert_eq!(&answer, b"Uryyb\n");
}
