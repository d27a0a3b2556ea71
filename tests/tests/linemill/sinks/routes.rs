//! Lines that part: routes, copies (`tee`), and conditions (`when`).

use std::time::{Duration, Instant};

use linemill_tests::{Folder, Hop, Host, eventually, guest, rot13};

/// The guest `verdicts` shouts, and sends lines that begin with `>` by the route `errors`, with
/// `<` by the route `slow`.
const VERDICTS: &str = "[filter.verdicts]\nplugin = \"./verdicts.wasm\"";

/// A host with that guest before ROT13.
fn routing(listener: &str) -> Host {
    let folder = Folder::new();
    folder.write("verdicts.wasm", guest::batch("verdicts"));
    let listener = format!("chain = [\"verdicts\", \"rot13\"]\n{listener}");
    Host::serve_in(folder, Host::config(&listener, VERDICTS))
}

/// Waits until a file of the host's folder holds this and no more.
#[track_caller]
fn expect_file(host: &Host, name: &str, expected: &[u8]) {
    let got = eventually(&format!("{} bytes in {name}", expected.len()), || {
        let got = host.folder().read(name);
        (got.len() >= expected.len()).then_some(got)
    });
    assert_eq!(
        got.escape_ascii().to_string(),
        expected.escape_ascii().to_string()
    );
}

#[test]
fn a_routed_line_leaves_the_chain_where_it_was_routed() {
    let host = routing("routes = { errors = \"file:errors.log\", slow = \"file:slow.log\" }");
    let answer = host
        .connect()
        .exchange(b"one\n>two\nthree\n<four\r\n>five\nsix");
    // What goes on is shouted and turned; what left early is only shouted.
    assert_eq!(
        answer.escape_ascii().to_string(),
        rot13(b"ONE\nTHREE\nSIX").escape_ascii().to_string()
    );
    expect_file(&host, "errors.log", b">TWO\n>FIVE\n");
    expect_file(&host, "slow.log", b"<FOUR\r\n");
}

#[test]
fn the_rest_goes_to_a_next_hop() {
    let (errors, rest) = (Hop::tcp(), Hop::tcp());
    let routes = format!(
        "routes = {{ errors = \"{}\", rest = \"{}\" }}",
        errors.url(),
        rest.url()
    );
    let host = routing(&routes);
    let mut client = host.connect();
    client.send(b"one\n>two\nthree\n");
    let mut rest = rest.accept();
    rest.expect(&rot13(b"ONE\nTHREE\n"));
    errors.accept().expect(b">TWO\n");
    rest.send(b"answer\n");
    client.expect(b"answer\n");
    client.finish();
    rest.expect_end();
}

#[test]
fn a_route_that_leads_nowhere_is_none() {
    let host = routing("routes = { errors = \"file:errors.log\" }");
    assert_eq!(
        host.connect().exchange(b"<one\n>two\nthree\n"),
        rot13(b"<ONE\nTHREE\n")
    );
    expect_file(&host, "errors.log", b">TWO\n");
}

#[test]
fn order_is_kept_on_each_route() {
    let filters = "[filter.errors]\nplugin = \"grep\"\n\
                   settings = { keep = [\"^>\"], route = \"errors\" }";
    let host = Host::serve(Host::config(
        "chain = [\"errors\", \"rot13\"]\nroutes = { errors = \"file:errors.log\" }",
        filters,
    ));
    let line = |number: usize| match number % 3 {
        0 => format!("> error {number}\n"),
        _ => format!("line {number}\n"),
    };
    let of = |routed: bool| -> String {
        (0..50_000)
            .filter(|number| (number % 3 == 0) == routed)
            .map(line)
            .collect()
    };
    let input: String = (0..50_000).map(line).collect();
    let answer = host.connect().exchange(input.as_bytes());
    assert!(answer == rot13(of(false).as_bytes()), "the rest");
    let errors = of(true);
    let got = eventually("all errors", || {
        let got = host.folder().read("errors.log");
        (got.len() >= errors.len()).then_some(got)
    });
    assert!(got == errors.as_bytes(), "the route");
}

#[test]
fn grep_sends_what_it_finds_by_a_route() {
    let filters = "[filter.errors]\nplugin = \"grep\"\n\
                   settings = { keep = [\"ERROR\"], route = \"errors\" }";
    let host = Host::serve(Host::config(
        "chain = [\"errors\"]\nroutes = { errors = \"file:errors.log\" }",
        filters,
    ));
    assert_eq!(
        host.connect().exchange(b"INFO up\nERROR disk\nINFO on\n"),
        b"INFO up\nINFO on\n"
    );
    expect_file(&host, "errors.log", b"ERROR disk\n");
}

#[test]
fn a_route_that_is_down_holds_up_its_lines_and_loses_none() {
    let mut errors = Hop::tcp_down();
    let host = routing(&format!(
        "routes = {{ errors = \"{}\" }}\nbuffer = \"16KiB\"",
        errors.url()
    ));
    let mut client = host.connect();
    client.send(b">one\ntwo\n");
    client.expect(&rot13(b"TWO\n"));
    errors.up();
    let mut errors = errors.accept();
    errors.expect(b">ONE\n");
    client.send(b">three\n");
    errors.expect(b">THREE\n");
}

#[test]
fn a_copy_goes_aside() {
    let hop = Hop::tcp();
    let host = Host::with(&format!("tee = [\"{}\", \"file:copy.log\"]", hop.url()));
    let mut client = host.connect();
    client.send(b"Hello\r\nrest");
    client.finish();
    assert_eq!(client.rest(), b"Uryyb\r\nerfg");
    let mut copy = hop.accept();
    copy.expect(b"Uryyb\r\nerfg\n");
    // Nobody waits for its answers.
    copy.send(b"an answer\n");
    expect_file(&host, "copy.log", b"Uryyb\r\nerfg\n");
}

#[test]
fn a_copy_is_of_what_goes_on_only() {
    let host = routing("routes = { errors = \"file:errors.log\" }\ntee = [\"file:copy.log\"]");
    assert_eq!(
        host.connect().exchange(b"one\n>two\n-three\nfour\n"),
        rot13(b"ONE\nFOUR\n")
    );
    expect_file(&host, "errors.log", b">TWO\n");
    expect_file(&host, "copy.log", &rot13(b"ONE\nFOUR\n"));
}

/// Sends much through a host whose copies get stuck in the end: all comes back at once, and what
/// the copy lacks is counted.
#[track_caller]
fn unaffected(host: &Host) -> f64 {
    const LINES: usize = 400_000;
    let line = b"a line of which there is a copy as long as there is room\n";
    let input = line.repeat(LINES);
    let start = Instant::now();
    let answer = host.connect().exchange(&input);
    assert!(answer == rot13(&input), "the main way is not whole");
    assert!(
        start.elapsed() < Duration::from_secs(15),
        "{:?} for 20 MiB",
        start.elapsed()
    );
    let dropped = eventually("dropped copies are counted", || {
        let dropped = host.dropped("tee");
        (dropped > 0.0).then_some(dropped)
    });
    assert_eq!(
        host.metric("linemill_lines_out_total", &[]).to_string(),
        LINES.to_string()
    );
    dropped
}

#[test]
fn a_copy_that_nobody_reads_does_not_slow_the_main_way() {
    let hop = Hop::tcp();
    let host = Host::with(&format!("tee = [\"{}\"]\nbuffer = \"64KiB\"", hop.url()));
    unaffected(&host);
    // What did go there is whole lines, in order, some left out.
    let mut copy = hop.accept();
    let line = rot13(b"a line of which there is a copy as long as there is room\n");
    let got = copy.take(1000 * line.len());
    assert!(got == line.repeat(1000), "a copy is torn");
}

#[test]
fn a_copy_that_goes_nowhere_does_not_slow_the_main_way() {
    let hop = Hop::tcp_down();
    let host = Host::with(&format!("tee = [\"{}\"]\nbuffer = \"64KiB\"", hop.url()));
    let dropped = unaffected(&host);
    assert!(dropped > 390_000.0, "{dropped} of 400,000 dropped");
}

#[test]
fn a_stage_runs_for_lines_that_match_only() {
    let host = Host::with(r#"chain = [{ filter = "rot13", when = '^\{' }]"#);
    assert_eq!(
        host.connect()
            .exchange(b"{one}\ntwo\r\n{three\r\n four\n{\n\n{five"),
        b"{bar}\ntwo\r\n{guerr\r\n four\n{\n\n{svir"
    );
    // The others cost no call of the filter.
    let lines = host.metric("linemill_filter_lines_total", &[("filter", "rot13")]);
    assert_eq!(lines.to_string(), "4");
}

#[test]
fn lines_that_go_round_a_stage_cost_no_call() {
    let host = Host::with("chain = [{ filter = \"rot13\", when = \"never\" }]");
    let calls = || host.metric("linemill_filter_calls_total", &[("filter", "rot13")]);
    host.announced(0);
    let before = calls();
    let input = b"one\ntwo\n".repeat(1000);
    assert!(host.connect().exchange(&input) == input);
    assert_eq!(calls().to_string(), before.to_string());
}

#[test]
fn lines_with_and_without_a_stage_keep_their_order() {
    let host = Host::serve(Host::config(
        "chain = [{ filter = \"number\", when = \"[02468]$\" }, { filter = \"rot13\", when = \"a\" }]",
        "[filter.number]\nplugin = \"number\"",
    ));
    let input: String = (0..20_000).map(|number| format!("a {number}\n")).collect();
    let expected: String = (0..20_000)
        .map(|number| match number % 2 {
            0 => format!("{} n {number}\n", number / 2 + 1),
            _ => format!("n {number}\n"),
        })
        .collect();
    let answer = host.connect().exchange(input.as_bytes());
    assert!(answer == expected.as_bytes());
}

#[test]
fn a_condition_may_stand_in_a_reply_chain() {
    let hop = Hop::tcp();
    let host = Host::with(&format!(
        "to = \"{}\"\nreply_chain = [{{ filter = \"rot13\", when = \"^[+]\" }}]",
        hop.url()
    ));
    let mut client = host.connect();
    hop.accept().send(b"+OK\n-ERR\n");
    client.expect(b"+BX\n-ERR\n");
}

#[test]
#[cfg(unix)]
fn a_condition_changes_with_a_swap() {
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
    let before = host.metric("linemill_generation", &[]);
    host.replace_config(chain("^b"));
    host.hang_up();
    eventually("a new generation", || {
        (host.metric("linemill_generation", &[]) > before).then_some(())
    });
    client.send(b"abc\nbcd\n");
    client.expect(b"abc\nopq\n");
}
