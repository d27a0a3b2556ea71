//! `when`: stages that run only for lines that match.

use linemill_tests::{Host, Upstream};

#[test]
fn a_stage_runs_only_for_matching_lines() {
    let host = Host::with(r#"chain = [{ filter = "rot13", when = '^\{' }]"#);
    assert_eq!(
        host.connect()
            .exchange(b"{one}\ntwo\r\n{three\r\n four\n{\n\n{five"),
        b"{bar}\ntwo\r\n{guerr\r\n four\n{\n\n{svir"
    );
    // The filter is not called for other lines.
    let lines = host.metric("linemill_filter_lines_total", &[("filter", "rot13")]);
    assert_eq!(lines.to_string(), "4");
}

#[test]
fn lines_that_skip_a_stage_cost_no_call() {
    let host = Host::with("chain = [{ filter = \"rot13\", when = \"never\" }]");
    let calls = || host.metric("linemill_filter_calls_total", &[("filter", "rot13")]);
    host.announced(0);
    let before = calls();
    let input = b"one\ntwo\n".repeat(1000);
    assert!(host.connect().exchange(&input) == input);
    assert_eq!(calls().to_string(), before.to_string());
}

#[test]
fn lines_that_skip_a_stage_keep_their_order() {
    let host = Host::serve(Host::config(
        "chain = [{ filter = \"number\", when = \"[02468]$\" }, { filter = \"rot13\", when = \"a\" }]",
        "[filter.number]\nplugin = \"number\"",
    ));
    let input: String = (0..20_000).map(|number| format!("a {number}\n")).collect();
    let expected: String = (0..20_000)
        .map(|number| {
            if number % 2 == 0 {
                format!("{} n {number}\n", number / 2 + 1)
            } else {
                format!("n {number}\n")
            }
        })
        .collect();
    let answer = host.connect().exchange(input.as_bytes());
    assert!(answer == expected.as_bytes());
}

#[test]
fn a_condition_may_be_in_a_reply_chain() {
    let upstream = Upstream::tcp();
    let host = Host::with(&format!(
        "to = \"{}\"\nreply_chain = [{{ filter = \"rot13\", when = \"^[+]\" }}]",
        upstream.url()
    ));
    let mut client = host.connect();
    upstream.accept().send(b"+OK\n-ERR\n");
    client.expect(b"+BX\n-ERR\n");
}

#[test]
#[cfg(unix)]
fn a_reload_changes_a_condition() {
    let chain = |when: &str| {
        Host::config(
            &format!("chain = [{{ filter = \"rot13\", when = \"{when}\" }}]"),
            "",
        )
    };
    let host = Host::serve(chain("^a"));
    let mut client = host.connect();
    client.send(b"abc\nbcd\n");
    client.expect(b"nop\nbcd\n");
    host.swap(chain("^b"));
    client.send(b"abc\nbcd\n");
    client.expect(b"abc\nopq\n");
}
