//! What a filter may ask about its stream, and what it says when it traps.

use linemill_tests::tls::Authority;
use linemill_tests::{Folder, Host, Upstream, eventually, guest, run};
use serde_json::Value;

const GRANT: &str = "grant = [\"stream\"]\n";

/// A host whose listener has these keys and whose filter may ask about its stream.
fn host(folder: Folder, keys: &str, filter: &str) -> Host {
    folder.write("guest.wasm", guest::extended("ask", "asking"));
    let filters = format!("[filter.guest]\nplugin = \"./guest.wasm\"\n{GRANT}{filter}\n");
    let keys = format!("chain = [\"guest\"]\n{keys}");
    Host::serve_in(folder, Host::config(&keys, &filters))
}

#[test]
fn a_plain_connection() {
    let host = host(Folder::new(), "", "");
    assert_eq!(host.connect().exchange(b"!p\n"), b"\x7f\0\0\x01\n");
    host.expect_answer("!l", "test");
    host.expect_answer("!s", "none");
    host.expect_answer("!c", "none");
    host.expect_answer("!f", "0");
    host.expect_answer("!d", "0");
    host.expect_answer("!n ok", "!N OK");
}

#[test]
fn an_instance_serves_streams_of_several_peers() {
    let keys = "proxy_protocol = \"accept\"\ntrust = [\"127.0.0.0/8\"]";
    let host = host(Folder::new(), keys, "");
    let v6 = b" \x01\r\xb8\0\0\0\0\0\0\0\0\0\0\0\x01";
    // The groups of an address are in the byte order of WebAssembly.
    let groups: Vec<u8> = v6.chunks(2).flat_map(|pair| [pair[1], pair[0]]).collect();
    for (peer, expected) in [
        ("192.0.2.1", &b"\xc0\0\x02\x01"[..]),
        ("2001:db8::1", &groups),
        ("::ffff:192.0.2.1", b"\xc0\0\x02\x01"),
    ] {
        let family = if peer.contains(':') { "TCP6" } else { "TCP4" };
        let header = format!("PROXY {family} {peer} {peer} 4660 514\r\n");
        let mut client = host.connect();
        assert_eq!(
            client.exchange(format!("{header}!p\n").as_bytes()),
            [expected, b"\n"].concat()
        );
    }
    assert_eq!(
        host.metric("linemill_filter_instances", &[("filter", "guest")])
            .to_string(),
        "1"
    );
}

#[test]
fn names_in_a_tls_handshake() {
    let authority = Authority::new();
    let folder = Folder::new();
    authority
        .server_of(&["localhost", "127.0.0.1"])
        .write(&folder, "server");
    authority.write(&folder, "ca.crt");
    let keys = "tls = { cert = \"server.crt\", key = \"server.key\", client_ca = \"ca.crt\", client_names = [\"sensor-7.example\"] }";
    let host = host(folder, keys, "");
    let identity = authority.client_of(&["other.example", "sensor-7.example"]);
    let config = authority.trusting_client(Some(&identity));
    assert_eq!(
        host.connect_tls(&config).exchange(b"!c\n"),
        b"sensor-7.example\n"
    );
    assert_eq!(host.connect_tls(&config).exchange(b"!s\n"), b"localhost\n");
}

#[test]
fn answers_of_an_upstream() {
    let upstream = Upstream::tcp();
    let folder = Folder::new();
    folder.write("guest.wasm", guest::extended("ask", "asking"));
    let keys = format!("to = \"{}\"\nreply_chain = [\"guest\"]", upstream.url());
    let filters = format!("[filter.guest]\nplugin = \"./guest.wasm\"\n{GRANT}");
    let host = Host::serve_in(folder, Host::config(&keys, &filters));
    let mut client = host.connect();
    let mut peer = upstream.accept();
    peer.send(b"!d\n");
    client.expect(b"1\n");
    peer.send(b"!p\n");
    client.expect(b"\x7f\0\0\x01\n");
}

#[test]
fn standard_input_has_no_connection() {
    let folder = Folder::new();
    folder.write("guest.wasm", guest::extended("ask", "asking"));
    let config = format!(
        "[filter.guest]\nplugin = \"./guest.wasm\"\n{GRANT}[[listener]]\nname = \"a\"\nbind = \"127.0.0.1:0\"\nchain = [\"guest\"]\n"
    );
    folder.write("linemill.toml", config);
    let pipe = ["pipe", "--config", "linemill.toml"];
    for (asked, answer) in [("!p", "none"), ("!f", "0"), ("!d", "0")] {
        let ran = run(folder.path(), pipe, format!("{asked}\n").as_bytes()).success();
        assert_eq!(ran.text(), format!("{answer}\n"));
    }
}

#[test]
fn who_is_not_granted_it_is_told_so() {
    let folder = Folder::new();
    folder.write("guest.wasm", guest::extended("ask", "asking"));
    let config = Host::config(
        "chain = [\"guest\"]",
        "[filter.guest]\nplugin = \"./guest.wasm\"\n",
    );
    folder.write("linemill.toml", config);
    run(folder.path(), ["check", "linemill.toml"], b"")
        .failure()
        .stderr_has(&[
            "linemill:filter/stream@0.1.1",
            "write grant = [\"stream\"] into",
        ]);
}

#[test]
fn there_is_no_stream_at_the_start() {
    let folder = Folder::new();
    folder.write("guest.wasm", guest::extended("ask-early", "asking"));
    let filters = format!("[filter.guest]\nplugin = \"./guest.wasm\"\n{GRANT}");
    folder.write(
        "linemill.toml",
        Host::config("chain = [\"guest\"]", &filters),
    );
    run(folder.path(), ["check", "linemill.toml"], b"")
        .failure()
        .stderr_has(&["it asked for its stream in a call that has none"]);
}

#[test]
fn last_words_are_the_reason_of_a_trap() {
    let filter = "on_error = \"quarantine\"\nquarantine = \"file:failed.jsonl\"";
    let host = host(Folder::new(), "", filter);
    host.expect_answer("!w\nafter", "AFTER");
    assert_eq!(host.failures("trap").to_string(), "1");
    host.expect_stderr("[31mvat");
    let record: Value = eventually("a record", || {
        serde_json::from_slice(&host.folder().read("failed.jsonl")).ok()
    });
    assert_eq!(record["kind"], "trap");
    assert_eq!(record["reason"], "the \\u{1b}[31mvat\\n is broken");
    // However much it says, it traps.
    host.expect_answer("!W\nafter", "AFTER");
    host.expect_answer("!e\nafter", "AFTER");
    assert_eq!(host.failures("trap").to_string(), "3");
    assert!(host.stderr().len() < 64 << 10, "{}", host.stderr().len());
}
