//! Filters that change the form of lines: `replace`, `parse`, `join`, `fields` and `case`.

use linemill_tests::{Folder, Host, eventually, run};
use serde_json::Value;

/// What `pipe` makes of these lines.
#[track_caller]
fn piped(filter: &str, input: &str) -> String {
    let folder = Folder::new();
    run(folder.path(), ["pipe", filter], input.as_bytes())
        .success()
        .text()
}

#[test]
fn matches_are_replaced_with_their_groups() {
    let dates = r"replace{pattern='(\d\d)/(\d\d)/(\d{4})', with='$3-$2-$1'}";
    assert_eq!(
        piped(dates, "on 01/03/2027\r\nnone\n"),
        "on 2027-03-01\r\nnone\n"
    );
    let twice = r"replace{rules=[{pattern='a', with='b'}, {pattern='b+', with='[$0]'}]}";
    assert_eq!(piped(twice, "aab\n"), "[bbb]\n");
}

#[test]
fn known_formats_become_json() {
    for (format, line, field, value) in [
        (
            "syslog",
            "<34>Oct 11 22:14:15 mymachine su: 'su root' failed",
            "severity",
            "crit",
        ),
        (
            "syslog",
            "<165>1 2003-10-11T22:14:15.003Z host app 7 ID47 [a@1 k=\"v\\\"\"] text",
            "message",
            "text",
        ),
        ("logfmt", "level=warn msg=\"a \\\"b\\\"\"", "msg", "a \"b\""),
        (
            "combined",
            "192.0.2.7 - ann [01/Mar/2027:09:00:00 +0000] \"GET /a HTTP/1.1\" 200 5 \"-\" \"curl\"",
            "path",
            "/a",
        ),
    ] {
        let made = piped(
            &format!("parse{{format=\"{format}\"}}"),
            &format!("{line}\n"),
        );
        let object: Value = serde_json::from_str(&made).expect("JSON");
        assert_eq!(object[field], value, "{made}");
    }
    let folder = Folder::new();
    let args = ["pipe", "parse{format=\"combined\", otherwise=\"drop\"}"];
    assert_eq!(
        run(folder.path(), args, b"no access log\n")
            .success()
            .text(),
        ""
    );
}

#[test]
fn the_lines_of_an_event_become_one() {
    let traces = "join{continue='^\\s', separator=' | '}";
    let input = "a\n  b\n\tc\nd\n e\n";
    assert_eq!(piped(traces, input), "a |   b | \tc\nd |  e\n");
}

/// No line comes after the event, and the connection stays open.
#[test]
fn an_event_is_flushed_in_time() {
    let filter = "[filter.events]\nplugin = \"join\"\nsettings = { continue = '^\\s', separator = \"|\", flush = \"100ms\" }\n";
    let host = Host::serve(Host::config("chain = [\"events\"]", filter));
    let mut client = host.connect();
    client.send(b"a\n b\n");
    client.expect(b"a| b\n");
    client.send(b"c\n");
    client.expect(b"c\n");
}

#[test]
fn an_event_is_handed_over_at_a_swap() {
    let config = |separator: &str| {
        let filter = format!(
            "[filter.events]\nplugin = \"join\"\nsettings = {{ continue = '^\\s', separator = \"{separator}\", flush = \"0s\" }}\n"
        );
        Host::config("chain = [\"events\"]", &filter)
    };
    let host = Host::serve(config("|"));
    let mut client = host.connect();
    client.send(b"a\n b\n");
    host.wait_metric("linemill_lines_in_total", &[], 2.0);
    for separator in ["/", "|", "/"] {
        host.swap(config(separator));
    }
    client.send(b" c\nd\n");
    client.finish();
    client.expect(b"a| b/ c\nd\n");
    assert_eq!(host.metric("linemill_filter_lost_states_total", &[]), 0.0);
}

#[test]
fn lines_say_when_and_whence_they_came() {
    let filter = "[filter.more]\nplugin = \"fields\"\ngrant = [\"clock\", \"stream\"]\n\
                  settings.add = { at = \"{time}\", from = \"{peer}\", by = \"{listener}\", n = 7 }\n";
    let host = Host::serve(Host::config("chain = [\"more\"]", filter));
    let mut client = host.connect();
    let peer = client.local().to_string();
    client.send(b"{\"a\":1}\n");
    client.finish();
    let made: Value = serde_json::from_slice(&client.rest()).expect("JSON");
    assert_eq!(
        (&made["a"], &made["n"], &made["by"]),
        (&1.into(), &7.into(), &"test".into())
    );
    assert_eq!(made["from"], peer);
    let at = made["at"].as_str().expect("a text");
    assert!(at.starts_with("20") && at.ends_with('Z'), "{at}");
}

#[test]
fn letters_of_every_script_change_their_case() {
    assert_eq!(
        piped("case{to=\"upper\", unicode=true}", "straße é\n"),
        "STRASSE É\n"
    );
    assert_eq!(piped("case{to=\"upper\"}", "é a\n"), "é A\n");
}

#[test]
fn routes_follow_fields_severities_and_patterns() {
    let folder = Folder::new();
    let filter = "[filter.ways]\nplugin = \"route\"\nsettings.rules = [\n\
                  { route = \"errors\", field = \"level\", in = [\"error\", \"fatal\"] },\n\
                  { route = \"urgent\", severity = \"<=err\" },\n\
                  { route = \"auth\", pattern = 'sshd\\[' } ]\n";
    let routes = "chain = [\"ways\"]\nroutes = { errors = \"file:errors\", urgent = \"file:urgent\", auth = \"file:auth\" }";
    let host = Host::serve_in(folder, Host::config(routes, filter));
    let input = b"{\"level\":\"fatal\"}\n<34>urgent\n<38>sshd[7]: x\n{\"level\":\"info\"}\n";
    assert_eq!(host.connect().exchange(input), b"{\"level\":\"info\"}\n");
    for (file, line) in [
        ("errors", "{\"level\":\"fatal\"}\n"),
        ("urgent", "<34>urgent\n"),
        ("auth", "<38>sshd[7]: x\n"),
    ] {
        eventually(file, || {
            (host.folder().read(file) == line.as_bytes()).then_some(())
        });
    }
}

/// The limit holds for all connections together, and over a swap.
#[test]
fn a_limit_by_key_holds_over_all_connections() {
    let config = |rate: &str| {
        let filter = format!(
            "[filter.fair]\nplugin = \"throttle\"\ngrant = [\"store\", \"stream\"]\nsettings = {{ rate = \"{rate}\", key = 'user=(\\w+)' }}\n"
        );
        Host::config("chain = [\"fair\"]", &filter)
    };
    let host = Host::serve(config("3/h"));
    assert_eq!(
        host.connect().exchange(b"user=a 1\nuser=b 1\nuser=a 2\n"),
        b"user=a 1\nuser=b 1\nuser=a 2\n"
    );
    assert_eq!(
        host.connect().exchange(b"user=a 3\nuser=a 4\n"),
        b"user=a 3\n"
    );
    host.swap(config("4/h"));
    assert_eq!(
        host.connect().exchange(b"user=a 5\nuser=b 2\n"),
        b"user=b 2\n"
    );
}
