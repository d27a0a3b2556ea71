//! A host that runs out of address space: a connection without room for its instance is refused, or its
//! lines wait and it closes. They never pass unfiltered, and the filter is not blamed.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;

use linemill_tests::{Folder, Host, PATIENCE, eventually};

/// Connections: more than there is address space for. Each instance reserves four gigabytes.
const CLIENTS: usize = 16;

/// A host with 32 GiB of address space, and a filter that keeps state.
fn host(keys: &str) -> Host {
    let folder = Folder::new();
    let filter = format!("[filter.number]\nplugin = \"number\"\n{keys}\n");
    folder.write(
        "linemill.toml",
        Host::config("chain = [\"number\"]", &filter),
    );
    let line = "ulimit -v 33554432; exec \"$0\" serve --config linemill.toml";
    Host::spawn_by_shell(folder, line, Stdio::null())
}

/// Connects and sends a line. `None` if the connection ends instead of an answer; any answer but that of
/// the filter is a failure.
fn served(host: &Host) -> Option<TcpStream> {
    let mut client = TcpStream::connect(host.address()).expect("the listener accepts");
    client.set_read_timeout(Some(PATIENCE)).expect("set");
    let mut answer = Vec::new();
    let mut chunk = [0; 4];
    // A refused connection is reset: writing may fail, too.
    let _ = client.write_all(b"x\n");
    while answer.len() < 4 {
        match client.read(&mut chunk) {
            Ok(count @ 1..) => answer.extend_from_slice(&chunk[..count]),
            _ => break,
        }
    }
    assert!(b"1 x\n".starts_with(&answer), "{answer:?}");
    (answer.len() == 4).then_some(client)
}

#[test]
fn lines_that_the_host_cannot_filter_never_pass() {
    let host = host("on_error = \"pass\"");
    let clients: Vec<_> = (0..CLIENTS).map(|_| served(&host)).collect();
    let open = clients.iter().flatten().count();
    let ended = (CLIENTS - open) as f64;
    assert!(open > 0 && ended > 0.5, "{open} of {CLIENTS} are served");
    let of = |name: &str, reason: &str| {
        let name = format!("linemill_connections_{name}_total");
        host.metric(&name, &[("listener", "test"), ("reason", reason)])
    };
    eventually("all of them are counted", || {
        let counted = of("refused", "instances") + of("refused", "memory") + of("closed", "host");
        ((counted - ended).abs() < 0.5).then_some(())
    });
    let status = &host.status()["filters"]["number"];
    assert_eq!(status["failed"], 0);
    assert_eq!(status["breaker"]["state"], "closed");
    // There is room again.
    drop(clients);
    host.expect_no_connections();
    assert!(served(&host).is_some());
}
