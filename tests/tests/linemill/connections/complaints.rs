//! What the log says of senders whose lines cannot be taken as they come.

use linemill_tests::Host;

/// A host that says what is wrong with `bytes`, sent to a listener with `keys`.
#[track_caller]
fn complains(keys: &str, bytes: &[u8], parts: &[&str]) {
    let host = Host::with(keys);
    let mut client = host.connect();
    client.send(bytes);
    client.finish();
    client.rest();
    let peer = client.local().to_string();
    host.expect_stderr(parts[0]);
    for part in parts
        .iter()
        .copied()
        .chain(["WARN", &peer, "listener=\"test\""])
    {
        assert!(
            host.stderr().contains(part),
            "{part:?} in {}",
            host.stderr()
        );
    }
}

#[test]
fn a_sender_with_another_framing_is_named() {
    complains(
        "framing = \"octet\"",
        b"<13>Oct 11 22:14:15 host app: traditional\n",
        &[
            "no valid length",
            "first=<13>Oct 11",
            "does the client send `octet` frames?",
        ],
    );
    complains(
        "oversize = \"close\"\nmax_line = \"8B\"",
        b"24 <13>1 - - - - - - octets",
        &["longer than `max_line`", "first=24 <13>1"],
    );
    complains(
        "partial = \"drop\"",
        b"<13>line\\0",
        &["it has no terminator", "first=<13>line\\\\0"],
    );
    complains(
        "chain = []\nframing = \"nul\"\nto_framing = \"lf\"",
        b"fits\0two\nlines\0",
        &["`to_framing` cannot contain them", "first=two\\nlines"],
    );
}

#[test]
fn a_sender_that_ends_no_line_is_named() {
    let host = Host::with("line_timeout = \"200ms\"\nidle_timeout = \"0s\"\nframing = \"crlf\"");
    let mut client = host.connect();
    client.send(b"never ended\n");
    host.expect_stderr("no terminator within `line_timeout`");
    assert!(
        host.stderr().contains("first=never ended\\n"),
        "{}",
        host.stderr()
    );
    client.rest();
}
