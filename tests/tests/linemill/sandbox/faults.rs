//! Guests that trap, spin, grow, or answer nonsense. A line that causes a fault follows `on_error`,
//! every other line comes back as it should, and the host keeps running.
//!
//! The guests convert lines to upper case, which shows whether a line was passed unfiltered, and go
//! wrong on a `!`.

use linemill_tests::{Host, assert_bytes, guest};

/// Asserts that `got` is this text.
#[track_caller]
pub(super) fn assert_text(got: &[u8], expected: &str) {
    assert_bytes(got, expected);
}

/// Asserts the effects of a fault that the line `bad` causes, under each policy of `on_error`: it counts
/// as `kind`, and nothing else is affected. `filter` are further keys of the filter.
#[track_caller]
pub(super) fn contained(component: &[u8], filter: &str, bad: &str, kind: &str) {
    let input = format!("one\n{bad}\r\ntwo\n");

    let mut host = Host::filtering(component, filter);
    assert_text(
        &host.connect().exchange(input.as_bytes()),
        &format!("ONE\n{bad}\r\nTWO\n"),
    );
    assert!(
        host.failures(kind) >= 1.0,
        "no failure of kind {kind}:\n{}",
        host.get("/metrics").body
    );
    assert_text(&host.connect().exchange(b"three\n"), "THREE\n");
    host.expect_alive();

    let mut host = Host::filtering(component, &format!("{filter}\non_error = \"drop\""));
    assert_text(&host.connect().exchange(input.as_bytes()), "ONE\nTWO\n");
    assert!(
        host.failures(kind) >= 1.0,
        "no failure of kind {kind}:\n{}",
        host.get("/metrics").body
    );
    host.expect_alive();

    let mut host = Host::filtering(component, &format!("{filter}\non_error = \"close\""));
    let mut bystander = host.connect();
    let mut client = host.connect();
    client.send(input.as_bytes());
    assert_text(&client.rest(), "ONE\n");
    bystander.send(b"not me\n");
    bystander.expect(b"NOT ME\n");
    host.expect_alive();
}

#[test]
fn a_correct_guest() {
    let host = Host::filtering(&guest::batch("shout"), "");
    assert_text(
        &host.connect().exchange("one\r\n\nthrée\0\nrest".as_bytes()),
        "ONE\r\n\nTHRéE\0\nREST",
    );
}

#[test]
fn gaps_between_spans_are_ignored() {
    let host = Host::filtering(&guest::batch("gaps"), "");
    assert_text(
        &host.connect().exchange(b"one\r\n\ntwo\n\r\nrest"),
        "ONE\r\n\nTWO\n\r\nREST",
    );
}

#[test]
fn a_trap() {
    contained(&guest::batch("trap"), "", "bad!", "trap");
}

#[test]
fn an_endless_loop_is_cut_at_the_deadline() {
    contained(
        &guest::batch("loop"),
        "deadline = \"20ms\"",
        "bad!",
        "deadline",
    );
}

#[test]
fn memory_beyond_the_limit() {
    contained(&guest::batch("grow"), "memory = \"2MiB\"", "bad!", "memory");
}

#[test]
fn endless_recursion() {
    contained(&guest::batch("recurse"), "", "bad!", "stack");
}

#[test]
fn an_output_far_above_the_limit() {
    contained_of_any_kind(&guest::batch("huge"), "memory = \"32MiB\"", "bad!");
}

#[test]
fn an_answer_outside_memory() {
    contained_of_any_kind(&guest::batch("beyond"), "", "bad!");
}

#[test]
fn a_terminator_inside_a_line_fails_that_line() {
    contained(&guest::batch("terminator"), "", "bad!line", "terminator");
}

#[test]
fn invalid_outcomes() {
    let component = guest::batch("outcome");
    let host = Host::filtering(&component, "");
    for kind in "0123456789abcd".chars() {
        let input = format!("one\nbad!{kind}\r\ntwo\n");
        let before = host.metric("linemill_filter_failures_total", &[]);
        assert_text(
            &host.connect().exchange(input.as_bytes()),
            &format!("ONE\nbad!{kind}\r\nTWO\n"),
        );
        let after = host.metric("linemill_filter_failures_total", &[]);
        assert!(after > before, "outcome {kind} is not counted as a failure");
    }
}

/// Asserts that the line `bad` fails, whatever the kind of failure, and other lines are not affected.
#[track_caller]
fn contained_of_any_kind(component: &[u8], filter: &str, bad: &str) {
    let host = Host::filtering(component, filter);
    assert_text(
        &host
            .connect()
            .exchange(format!("one\n{bad}\ntwo\n").as_bytes()),
        &format!("ONE\n{bad}\nTWO\n"),
    );
    let counted = host.metric("linemill_filter_failures_total", &[("filter", "guest")]);
    assert!(
        counted >= 1.0,
        "not counted as a failure:\n{}",
        host.get("/metrics").body
    );
}
