//! `routes`: lines that filters send to other sinks.

use linemill_tests::{Folder, Host, Upstream, assert_bytes, eventually, guest, rot13};

/// The guest `verdicts` converts lines to upper case, and sends those that start with `>` by the route
/// `errors`, with `<` by the route `slow`.
const VERDICTS: &str = "[filter.verdicts]\nplugin = \"./verdicts.wasm\"";

/// A host with that guest, followed by ROT13. `listener` are further keys of the listener.
pub(super) fn routing(listener: &str) -> Host {
    let folder = Folder::new();
    folder.write("verdicts.wasm", guest::batch("verdicts"));
    let listener = format!("chain = [\"verdicts\", \"rot13\"]\n{listener}");
    Host::serve_in(folder, Host::config(&listener, VERDICTS))
}

/// Waits for a file in the host's folder to reach this length; asserts that it is exactly `expected`.
#[track_caller]
pub(super) fn expect_file(host: &Host, name: &str, expected: &[u8]) {
    let got = eventually(&format!("{} bytes in {name}", expected.len()), || {
        let got = host.folder().read(name);
        (got.len() >= expected.len()).then_some(got)
    });
    assert_bytes(got, expected);
}

#[test]
fn a_routed_line_leaves_the_chain_where_it_was_routed() {
    let host = routing("routes = { errors = \"file:errors.log\", slow = \"file:slow.log\" }");
    let answer = host
        .connect()
        .exchange(b"one\n>two\nthree\n<four\r\n>five\nsix");
    // Lines that stay in the chain also pass ROT13; routed lines do not.
    assert_bytes(answer, rot13(b"ONE\nTHREE\nSIX"));
    expect_file(&host, "errors.log", b">TWO\n>FIVE\n");
    expect_file(&host, "slow.log", b"<FOUR\r\n");
}

#[test]
fn the_route_rest_goes_to_an_upstream() {
    let (errors, rest) = (Upstream::tcp(), Upstream::tcp());
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
fn a_route_that_is_not_configured_has_no_effect() {
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
    let is_routed = |number: usize| number.is_multiple_of(3);
    let line = |number: usize| {
        if is_routed(number) {
            format!("> error {number}\n")
        } else {
            format!("line {number}\n")
        }
    };
    let of = |routed: bool| -> String {
        (0..50_000)
            .filter(|&number| is_routed(number) == routed)
            .map(line)
            .collect()
    };
    let input: String = (0..50_000).map(line).collect();
    let answer = host.connect().exchange(input.as_bytes());
    assert!(
        answer == rot13(of(false).as_bytes()),
        "lines of the route `rest`"
    );
    let errors = of(true);
    let got = eventually("all errors", || {
        let got = host.folder().read("errors.log");
        (got.len() >= errors.len()).then_some(got)
    });
    assert!(got == errors.as_bytes(), "lines of the route `errors`");
}

#[test]
fn grep_routes_matching_lines() {
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
fn lines_wait_for_a_route_that_is_down() {
    let mut errors = Upstream::tcp_down();
    let host = routing(&format!(
        "routes = {{ errors = \"{}\" }}\nbuffer = \"16KiB\"",
        errors.url()
    ));
    let mut client = host.connect();
    client.send(b">one\ntwo\n");
    client.expect(&rot13(b"TWO\n"));
    errors.up();
    let mut server = errors.accept();
    server.expect(b">ONE\n");
    client.send(b">three\n");
    server.expect(b">THREE\n");
}
