//! Lines that take a route.

use super::*;

#[test]
fn lines_leave_by_routes_that_have_a_destination() {
    let outcome = packed(&["1", "2", "3", "4a", "4b"], &[1, 1, 1, 2]);
    let verdicts = verdicts(routing(outcome, &[(0, 2), (1, 1), (3, 0)]), OnError::Pass);
    assert_eq!(verdicts.lines.bytes(), b"2\n3\n");
    assert_eq!(verdicts.counts, [0, 1, 1, 0]);
    assert_eq!((verdicts.dropped, verdicts.failed.len()), (0, 0));
    let expected = [("zero", &b"1\n"[..]), ("one", b"4a\r\n4b\r\n")]
        .map(|(name, bytes)| (name.to_owned(), bytes.to_vec()));
    assert_eq!(routed(verdicts), expected);
}

#[test]
fn a_line_that_takes_a_route_may_fail_be_dropped_or_close() {
    let long = "x".repeat(17);
    let outcome = packed(&[&long, "3", "4"], &[1, 0, 1, 1]);
    let outcome = Outcome {
        close_after: Some(2),
        ..routing(outcome, &[(0, 0), (1, 0), (2, 0), (3, 0)])
    };
    let verdicts = verdicts(outcome, OnError::Pass);
    assert_eq!(
        verdicts.lines.bytes(),
        b"one\n",
        "what fails takes no route"
    );
    assert_eq!((verdicts.dropped, verdicts.failed.len()), (1, 1));
    assert_eq!(verdicts.counts, [1, 0, 0]);
    assert_eq!(verdicts.close, Some(Close::Verdict));
    assert_eq!(routed(verdicts), [("one".to_owned(), b"3\n".to_vec())]);
}

#[test]
fn a_line_on_a_route_has_a_terminator() {
    let mut last = Lines::default();
    last.push(b"ab", b"");
    let outcome = routing(packed(&["a", "b"], &[2]), &[(0, 0)]);
    let verdicts = judge(
        &mut last.clone(),
        outcome,
        RULES,
        ROUTE_INDICES,
        OnError::Pass,
    )
    .expect("makes sense");
    assert_eq!(routed(verdicts), [("one".to_owned(), b"a\nb\n".to_vec())]);
}
