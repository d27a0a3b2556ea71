//! A host that runs out of address space: the lines of a connection that gets no instance wait, and then
//! the connection closes. They never pass unfiltered, and the filter is not blamed.

use std::process::Stdio;
use std::thread;
use std::time::Duration;

use linemill_tests::{Folder, Host, eventually, run};

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

#[test]
fn lines_that_the_host_cannot_filter_never_pass() {
    let host = host("on_error = \"pass\"");
    let mut clients: Vec<_> = (0..CLIENTS).map(|_| host.connect()).collect();
    for client in &mut clients {
        client.send(b"x\n");
    }
    thread::sleep(Duration::from_secs(2));
    // Any other answer is a failure.
    let (served, mut waiting): (Vec<_>, Vec<_>) = clients
        .into_iter()
        .map(|mut client| {
            let served = client.answers_within(b"1 x\n", Duration::from_millis(50));
            (served, client)
        })
        .partition(|(served, _)| *served);
    let closed = waiting.len();
    assert!(!served.is_empty() && closed > 0, "{closed} got no answer");
    for (_, client) in &mut waiting {
        assert!(client.closes_within(Duration::from_secs(20)));
    }
    let of =
        |name: &str, reason: &str| host.metric(name, &[("listener", "test"), ("reason", reason)]);
    eventually("all of them are counted", || {
        (of("linemill_connections_closed_total", "host") >= closed as f64).then_some(())
    });
    assert_eq!(host.dropped("host"), closed as f64);
    host.expect_stderr("the host could not run the filter");
    let status = &host.status()["filters"]["number"];
    assert_eq!(status["failed"], 0);
    assert!(status["host_faults"].as_u64() > Some(0), "{status}");
    assert_eq!(status["breaker"]["state"], "closed");
    let admin = host.admin().to_string();
    let shown = run(host.folder().path(), ["status", "--admin", &admin], b"").success();
    assert!(
        shown.text().contains("because of the host"),
        "{}",
        shown.text()
    );
    // There is room again.
    drop(served);
    host.expect_no_connections();
    let mut next = host.connect();
    next.send(b"x\ny\n");
    next.expect(b"1 x\n2 y\n");
}

#[test]
fn a_line_waits_until_there_is_room() {
    let host = host("");
    let faults = || host.metric("linemill_filter_host_faults_total", &[("filter", "number")]);
    let mut served = Vec::new();
    let mut waits = loop {
        assert!(served.len() < CLIENTS, "it has room for all");
        let mut client = host.connect();
        client.send(b"x\n");
        thread::sleep(Duration::from_millis(100));
        if faults() > 0.5 {
            break client;
        }
        client.expect(b"1 x\n");
        served.push(client);
    };
    drop(served);
    waits.expect(b"1 x\n");
}
