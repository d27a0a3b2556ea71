//! `linemill tap` and `/tap`: lines at the stages of a running host, and what that costs others.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use linemill_tests::{
    Client, Folder, Host, Program, Upstream, command, eventually, guest, request, request_with, run,
};
use serde_json::Value;

/// Starts `linemill tap` with these arguments, and waits until the host shows it lines.
#[track_caller]
fn tap(host: &Host, args: &[&str]) -> Program {
    let admin = host.admin().to_string();
    let mut command = command(host.folder().path());
    command.args(["tap", "--admin", &admin]).args(args);
    let tap = Program::start(&mut command);
    let json = args.contains(&"--json");
    tap.expect_part(if json {
        "\"type\":\"tap\""
    } else {
        "# generation"
    });
    tap
}

/// The events of a tap with `--json` so far, the first of which is no line.
fn events(tap: &Program) -> Vec<Value> {
    let output = tap.output();
    let complete = output
        .rsplit_once('\n')
        .map_or("", |(complete, _)| complete);
    let json = complete.lines().filter(|line| line.starts_with('{'));
    json.map(|line| serde_json::from_str(line).expect("an event is JSON"))
        .collect()
}

/// The lines that a tap with `--json` has shown, once there are `count`.
#[track_caller]
fn lines(tap: &Program, count: usize) -> Vec<Value> {
    eventually(&format!("{count} lines at the tap"), || {
        let mut lines = events(tap);
        lines.retain(|event| event["type"] == "line");
        (lines.len() >= count).then_some(lines)
    })
}

/// The verdicts of lines, each with the content before.
fn verdicts(lines: &[Value]) -> Vec<(&str, &str)> {
    lines
        .iter()
        .map(|line| {
            let before = line["before"]["text"].as_str().unwrap_or("");
            (line["verdict"].as_str().expect("a word"), before)
        })
        .collect()
}

/// A host whose chain is the guest `verdicts`, then ROT13, with a route.
fn host() -> Host {
    let folder = Folder::new();
    folder.write("verdicts.wasm", guest::batch("verdicts"));
    let listener = "chain = [\"verdicts\", \"rot13\"]\nroutes = { errors = \"file:errors.log\" }";
    let filters = "[filter.verdicts]\nplugin = \"./verdicts.wasm\"\non_error = \"drop\"";
    Host::serve_in(folder, Host::config(listener, filters))
}

#[test]
fn every_verdict_is_shown_at_every_stage() {
    let host = host();
    let tap = tap(&host, &["test"]);
    let mut client = host.connect();
    client.send(b"a\nB\n-c\n+d\n?e\n>f\n.g\nh\n");
    client.expect(b"N\nO\n+\nQ\n.T\n");
    client.expect_end();
    let peer = client.local();
    for part in [
        format!("test/verdicts {peer} g1 replaced\n  - a\n  + A\n"),
        format!("test/verdicts {peer} g1 passed\n  = B\n"),
        format!("test/verdicts {peer} g1 dropped\n  - -c\n"),
        format!("test/verdicts {peer} g1 split\n  - +d\n  + +\n  + D\n"),
        format!("test/verdicts {peer} g1 failed: verdict: "),
        "(on_error = \"drop\")\n  - ?e\n".to_owned(),
        format!("test/verdicts {peer} g1 routed\n  - >f\n  > errors: >F\n"),
        format!("test/verdicts {peer} g1 closed\n  - .g\n  + .G\n"),
        format!("test/verdicts {peer} g1 cut\n  - h\n"),
        format!("test/rot13 {peer} g1 replaced\n  - A\n  + N\n"),
        format!("test/rot13 {peer} g1 replaced\n  - .G\n  + .T\n"),
    ] {
        tap.expect_part(&part);
    }
    assert!(!tap.output().contains("  - >F\n"), "it left the chain");
}

#[test]
fn lines_that_cause_faults_have_the_reason() {
    let host = Host::filtering(&guest::batch("trap"), "on_error = \"pass\"");
    let tap = tap(&host, &["test/guest", "--json"]);
    let mut client = host.connect();
    client.send(b"a\n!b\nc\n");
    client.expect(b"A\n!b\nC\n");
    let lines = lines(&tap, 3);
    let expected = [("replaced", "a"), ("failed", "!b"), ("replaced", "c")];
    assert_eq!(verdicts(&lines), expected);
    let failure = &lines[1]["failure"];
    assert_eq!(
        (&failure["kind"], &failure["on_error"]),
        (&"trap".into(), &"pass".into())
    );
    assert!(
        failure["reason"]
            .as_str()
            .is_some_and(|reason| !reason.is_empty()),
        "{failure}"
    );
    assert_eq!(lines[1]["after"][0]["text"], "!b");
}

#[test]
fn bytes_are_text_or_base64_and_cannot_drive_a_terminal() {
    let host = Host::with("framing = \"nul\"");
    let (text, json) = (tap(&host, &[]), tap(&host, &["--json"]));
    let mut client = host.connect();
    client.send(b"\x1b]0;own\x07\x1b[2J\r\ngone\x9b\xe2\x80\xae\0\xc3\xa9\xe2\x80\xaex\0");
    client.take(1);
    let lines = lines(&json, 2);
    assert!(lines[0]["before"]["text"].is_null());
    assert_eq!(
        lines[0]["before"]["base64"],
        "G10wO293bgcbWzJKDQpnb25lm+KArg=="
    );
    assert_eq!(lines[1]["before"]["text"], "\u{e9}\u{202e}x");
    text.expect_part("  - \u{e9}\\u{202e}x\n");
    text.expect_part("  - \\u{1b}]0;own\\u{7}\\u{1b}[2J\\r\\ngone\\x9b\\u{202e}\n");
    for output in [text.output(), json.output()] {
        let hostile = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(!output.contains(hostile), "{output:?}");
    }
}

#[test]
fn versions_on_trial_are_marked() {
    let folder = Folder::new();
    folder.write("shout.wasm", guest::batch("shout"));
    let config = |trial: &str| {
        let filter = format!(
            "[filter.f]\nplugin = \"rot13\"\n{trial} = {{ plugin = \"./shout.wasm\", share = \"100%\" }}"
        );
        Host::config("chain = [\"f\"]", &filter)
    };
    let host = Host::serve_in(folder, config("shadow"));
    let tap = tap(&host, &["test/f", "--json"]);
    let mut client = host.connect();
    client.send(b"a\n");
    client.expect(b"n\n");
    let mut seen = lines(&tap, 2);
    seen.sort_by_key(|line| line["version"].to_string());
    let after = |line: &Value| (line["version"].clone(), line["after"][0]["text"].clone());
    assert_eq!(after(&seen[0]), ("live".into(), "n".into()));
    assert_eq!(after(&seen[1]), ("shadow".into(), "A".into()));
    assert_eq!(seen[1]["peer"], client.local().to_string());
    host.swap(config("canary"));
    eventually("the connection at the canary", || {
        (host.metric("linemill_old_generations", &[]) == 0.0).then_some(())
    });
    client.send(b"b\n");
    client.expect(b"B\n");
    let seen = lines(&tap, 3);
    assert_eq!(after(&seen[2]), ("canary".into(), "B".into()));
    assert_eq!(seen[2]["generation"], 2);
}

#[test]
fn a_tap_goes_on_over_a_reload() {
    let chain = |chain: &str| Host::config(&format!("chain = {chain}"), "");
    let host = Host::serve(chain("[\"rot13\"]"));
    let moved = || {
        eventually("all connections in the new chain", || {
            (host.metric("linemill_old_generations", &[]) == 0.0).then_some(())
        });
    };
    let tap = tap(&host, &["test/rot13"]);
    let mut client = host.connect();
    client.send(b"a\n");
    client.expect(b"n\n");
    tap.expect_part("g1 replaced\n  - a\n");
    host.swap(chain("[]"));
    tap.expect_part("# generation 2 is in force: nothing that this tap covers\n");
    moved();
    client.send(b"b\n");
    client.expect(b"b\n");
    host.swap(chain("[\"rot13\"]"));
    tap.expect_part("# generation 3 is in force: test/rot13\n");
    moved();
    client.send(b"c\n");
    client.expect(b"p\n");
    tap.expect_part("g3 replaced\n  - c\n  + p\n");
    assert!(!tap.output().contains("- b\n"));
}

#[test]
fn filters_of_lines_and_ends() {
    let host = host();
    let admin = host.admin().to_string();
    let mut client = host.connect();
    let peer = client.local().ip().to_string();
    for (args, expected) in [
        (&["--match", "^[.>]?[bc]$"][..], &["b", "c"][..]),
        (&["--only", "dropped,failed"], &["-c", "?e"]),
        (&["--only", "changed", "--match", "B"], &["b"]),
        (&["--sample", "1/4"], &["a", "+d"]),
        (&["--peer", &peer, "--limit", "2"], &["a", "b"]),
        (&["--peer", "192.0.2.0/24", "--for", "1s"], &[]),
        (&["--only", "routed", "--match", "F"], &[">f"]),
    ] {
        let args = [&["test/1", "--json"], args].concat();
        let limit = expected.len().max(1).to_string();
        let limited = ["--limit", &limit];
        let limited = if args.contains(&"--limit") {
            &[][..]
        } else {
            &limited
        };
        let args = [&args[..], limited].concat();
        let mut tap = tap(&host, &args);
        client.send(b"a\nb\n-c\nc\n+d\n?e\n>f\n");
        assert!(tap.wait().success(), "{args:?}");
        let events = events(&tap);
        let shown: Vec<_> = events
            .iter()
            .filter(|event| event["type"] == "line")
            .cloned()
            .collect();
        let shown: Vec<_> = verdicts(&shown)
            .into_iter()
            .map(|(_, before)| before)
            .collect();
        assert_eq!(shown, expected, "{args:?}");
        let end = events.last().expect("an end");
        let reason = if expected.is_empty() { "time" } else { "limit" };
        assert_eq!(
            (&end["type"], &end["reason"]),
            (&"end".into(), &reason.into())
        );
        assert_eq!(end["shown"], expected.len());
    }
    eventually("no tap", || {
        (host.metric("linemill_taps", &[]) == 0.0).then_some(())
    });
    for (args, part) in [
        (&["nobody"][..], "known: test"),
        (&["test/nothing"], "known: rot13, verdicts"),
        (&["test/3"], "no stage `3`"),
        (&["--match", "("], "--match"),
        (&["--only", "lost"], "bypassed"),
        (&["--sample", "7"], "1/100"),
        (&["--peer", "me"], "10.0.0.0/8"),
        (&["--for", "soon"], "30s"),
        (&["--limit", "0"], "--limit"),
    ] {
        let args = [&["tap", "--admin", &admin], args].concat();
        run(host.folder().path(), args, b"")
            .failure()
            .stderr_has(&[part]);
    }
    for (query, status) in [("limit=x", 400), ("what=x", 400), ("listener=nobody", 404)] {
        assert_eq!(host.get(&format!("/tap?{query}")).status, status, "{query}");
    }
}

#[test]
fn conditions_empty_chains_replies_and_datagrams() {
    let upstream = Upstream::tcp();
    let listener = format!(
        "to = \"{}\"\nchain = [{{ filter = \"rot13\", when = \"^a\" }}]\nreply_chain = [\"rot13\"]",
        upstream.url()
    );
    let more = "[[listener]]\nname = \"plain\"\nbind = \"127.0.0.1:0\"\nchain = []\n\n[[listener]]\nname = \"datagrams\"\nbind = \"udp://127.0.0.1:0\"\nto = \"stdout\"\nchain = [\"rot13\"]\n";
    let host = Host::serve(Host::config(&listener, more));
    let tap = tap(&host, &[]);
    let mut client = host.connect();
    client.send(b"a\nb\n");
    let mut server = upstream.accept();
    server.expect(b"n\nb\n");
    server.send(b"c\n");
    client.expect(b"p\n");
    tap.expect_part("g1 replaced\n  - a\n  + n\n");
    tap.expect_part("g1 bypassed\n  = b\n");
    tap.expect_part("test/rot13 (reply) ");
    tap.expect_part("g1 replaced\n  - c\n  + p\n");
    let mut plain = Client::connect(host.listener(1));
    plain.send(b"d\n");
    plain.expect(b"d\n");
    tap.expect_part(&format!(" plain {} g1 passed\n  = d\n", plain.local()));
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let to = host.announced(2);
    let to = to.trim().strip_prefix("udp://").expect("an address");
    socket.send_to(b"e", to).expect("sent");
    tap.expect_part(" datagrams/rot13 - g1 replaced\n  - e\n  + r\n");
}

#[test]
fn held_lines_are_shown_at_the_end_of_their_stream() {
    let host = Host::filtering(&guest::batch("count"), "");
    let tap = tap(&host, &["--only", "held", "--json"]);
    let mut client = host.connect();
    client.send(b"x\ny\n");
    client.finish();
    let rest = client.rest();
    let lines = lines(&tap, 1);
    let held = lines[0]["after"][0]["text"].as_str().expect("a line");
    assert!(rest.ends_with(format!("{held}\n").as_bytes()), "{held}");
    assert!(lines[0]["before"].is_null());
}

/// A watcher that does not read slows nobody; what it misses is counted.
#[test]
fn a_watcher_that_does_not_read_slows_no_line() {
    let host = Host::with("");
    let token = std::fs::read_to_string(host.token_file()).expect("a token");
    let mut stuck = TcpStream::connect(host.admin()).expect("the admin address");
    let request = format!("GET /tap HTTP/1.0\r\nAuthorization: Bearer {token}\r\n\r\n");
    stuck.write_all(request.as_bytes()).expect("sent");
    host.wait_metric("linemill_taps", &[], 1.0);
    let block = [&[b'a'; 99][..], b"\n"].concat().repeat(10_000);
    let answer = linemill_tests::rot13(&block);
    for _ in 0..30 {
        assert!(host.connect().exchange(&block) == answer);
    }
    let missed = host.metric("linemill_tap_missed_lines_total", &[]);
    assert!(missed > 100_000.0, "{missed}");
    // It is told what it missed.
    stuck
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("an option");
    let mut events = BufReader::new(stuck).lines();
    let (mut shown, mut missed) = (0, 0);
    while shown + missed < 300_000 {
        let line = events.next().expect("more lines").expect("it writes");
        if line.contains("\"type\":\"line\"") {
            shown += 1;
        } else if line.contains("\"type\":\"missed\"") {
            let event: Value = serde_json::from_str(&line).expect("JSON");
            missed += event["lines"].as_u64().expect("a number");
        }
    }
    assert_eq!(shown + missed, 300_000);
    assert!(missed > 100_000, "{missed}");
}

#[test]
fn a_reader_that_has_gone_is_noticed_without_lines() {
    let host = Host::with("");
    let mut tap = tap(&host, &[]);
    host.wait_metric("linemill_taps", &[], 1.0);
    tap.kill();
    eventually("the end of the tap", || {
        (host.metric("linemill_taps", &[]) == 0.0).then_some(())
    });
    host.expect_stderr("tap opened by linemill/");
    host.expect_stderr("tap ended: its reader is gone");
}

#[test]
fn there_are_only_so_many_taps() {
    let host = Host::with("");
    let _taps: Vec<_> = (0..8).map(|_| tap(&host, &[])).collect();
    let answer = host.get("/tap");
    assert_eq!(answer.status, 503);
    assert!(answer.body.contains("8 taps are open"), "{}", answer.body);
    assert_eq!(host.get("/status").status, 200);
}

#[test]
fn a_tap_needs_a_token_and_no_web_page_has_one() {
    let host = Host::with("");
    let admin = host.admin();
    assert_eq!(request(admin, "GET", "/tap").status, 401);
    let wrong = [("Authorization", "Bearer 0123456789abcdef")];
    assert_eq!(request_with(admin, "GET", "/tap", &wrong).status, 401);
    assert_eq!(
        request_with(admin, "GET", "/tap", &[("Host", "attacker.example")]).status,
        421
    );
    let token = std::fs::read_to_string(host.token_file()).expect("a token");
    let token = format!("Bearer {token}");
    let page = [("Authorization", &*token), ("Sec-Fetch-Site", "cross-site")];
    assert_eq!(request_with(admin, "GET", "/tap", &page).status, 403);
    assert_eq!(host.metric("linemill_taps", &[]), 0.0);
}

#[test]
fn taps_end_when_the_token_changes_or_they_are_switched_off() {
    let config = |keys: &str| {
        Host::config("", "").replacen(
            "admin = \"127.0.0.1:0\"",
            &format!("admin = \"127.0.0.1:0\"\n{keys}"),
            1,
        )
    };
    let host = Host::serve(config(""));
    let mut first = tap(&host, &["--json"]);
    host.swap(config("tap = false"));
    assert!(first.wait().success());
    let events = events(&first);
    let reason = events.last().map(|end| end["reason"].to_string());
    assert!(
        reason.is_some_and(|reason| reason.contains("tap = false")),
        "{events:?}"
    );
    let admin = host.admin().to_string();
    run(host.folder().path(), ["tap", "--admin", &admin], b"")
        .failure()
        .stderr_has(&["403", "`tap = false`"]);
    host.swap(config(""));
    let mut second = tap(&host, &[]);
    // Metrics need that token, too.
    host.replace_config(config("admin_token = \"0123456789abcdef\""));
    host.hang_up();
    assert!(second.wait().success());
    assert!(
        second.output().contains("the token has changed"),
        "{}",
        second.output()
    );
}

#[test]
fn a_tap_ends_with_its_host() {
    let host = Host::with("");
    let mut tap = tap(&host, &[]);
    host.terminate();
    assert!(
        !tap.wait().success() || tap.output().contains("the host stops"),
        "{}",
        tap.output()
    );
}

#[test]
fn what_was_seen_becomes_tests_that_hold() {
    let folder = Folder::new();
    folder.write("verdicts.wasm", guest::batch("verdicts"));
    let config = |test: &str| {
        Host::config(
            "chain = [\"verdicts\", \"number\"]\nroutes = { errors = \"file:errors.log\" }",
            &format!(
                "[filter.verdicts]\nplugin = \"./verdicts.wasm\"\non_error = \"drop\"\n{test}\n[filter.number]\nplugin = \"number\""
            ),
        )
    };
    let host = Host::serve_in(folder, config(""));
    let mut saving = tap(
        &host,
        &["test/verdicts", "--limit", "8", "--save", "tests.toml"],
    );
    let mut client = host.connect();
    client.send(b"a\n\"q\"\\\t\x1b\n+d\n?e\n>f\n\xff\na\n-x\n");
    assert!(saving.wait().success(), "{}", saving.output());
    assert!(
        saving.output().contains("6 tests written"),
        "{}",
        saving.output()
    );
    assert!(
        saving.output().contains("1 lines left out"),
        "{}",
        saving.output()
    );
    let saved = String::from_utf8(host.folder().read("tests.toml")).expect("text");
    assert!(
        saved.contains(r#"{ in = ["+d"], out = ["+", "D"] },"#),
        "{saved}"
    );
    assert!(saved.contains(r#"{ in = ["?e"], out = [] },"#), "{saved}");
    // They hold, and they are tests.
    host.folder().write("checked.toml", config(&saved));
    let check = |file| run(host.folder().path(), ["check", file], b"");
    check("checked.toml").success();
    host.folder()
        .write("wrong.toml", config(&saved.replace("\"D\"", "\"E\"")));
    check("wrong.toml").failure();
    let admin = host.admin().to_string();
    for (args, part) in [
        (
            &["test/verdicts", "--save", "tests.toml"][..],
            "does not exist yet",
        ),
        (&["test", "--save", "new.toml"], "LISTENER/STAGE"),
        (&["test/number", "--save", "new.toml"], "keeps state"),
    ] {
        let args = [&["tap", "--admin", &admin, "--limit", "1"], args].concat();
        run(host.folder().path(), args, b"")
            .failure()
            .stderr_has(&[part]);
    }
    assert!(!host.folder().path().join("new.toml").exists());
}
