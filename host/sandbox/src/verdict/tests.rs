//! Outcomes that a guest may return, and the verdicts on them.

use proptest::prelude::*;

use super::*;
use crate::bindings::filter::exports::linemill::filter::batch::{Failure, LinesResult, Routed};

mod routes;

const RULES: Rules = Rules {
    framing: Framing::Lf,
    max_output: 16,
};

/// Indices for three declared routes; the second has no destination.
const ROUTE_INDICES: &[Option<u32>] = &[Some(1), None, Some(0)];

fn input() -> Lines {
    let mut lines = Lines::default();
    for content in ["one", "", "three"] {
        lines.push(content.as_bytes(), b"\n");
    }
    lines.push(b"four", b"\r\n");
    lines
}

/// An outcome with these contents, without gaps in between.
fn packed(contents: &[&str], counts: &[u32]) -> Outcome {
    let (mut bytes, mut spans) = (Vec::new(), Vec::new());
    for content in contents {
        spans.push(bytes.len() as u32);
        bytes.extend_from_slice(content.as_bytes());
        spans.push(bytes.len() as u32);
    }
    let output = LinesResult { bytes, spans };
    Outcome {
        output,
        counts: counts.to_vec(),
        failures: Vec::new(),
        routes: Vec::new(),
        close_after: None,
    }
}

fn failing(mut outcome: Outcome, lines: &[u32]) -> Outcome {
    outcome.failures = lines
        .iter()
        .map(|line| Failure {
            line: *line,
            reason: b"bad\nluck".to_vec(),
        })
        .collect();
    outcome
}

fn routing(mut outcome: Outcome, routes: &[(u32, u32)]) -> Outcome {
    let routes = routes.iter();
    outcome.routes = routes
        .map(|(line, route)| Routed {
            line: *line,
            route: *route,
        })
        .collect();
    outcome
}

/// The routed lines, by route.
fn routed(verdicts: Verdicts) -> Vec<(String, Vec<u8>)> {
    let names = ["zero".into(), "one".into()];
    verdicts
        .routed
        .by_route(&names)
        .into_iter()
        .map(|(name, lines)| (name.to_string(), lines.into_bytes()))
        .collect()
}

fn verdicts(outcome: Outcome, on_error: OnError) -> Verdicts {
    judge(&mut input(), outcome, RULES, ROUTE_INDICES, on_error).expect("the outcome is consistent")
}

fn broken(outcome: Outcome) -> &'static str {
    judge(&mut input(), outcome, RULES, ROUTE_INDICES, OnError::Pass)
        .expect_err("the outcome contradicts itself")
        .0
}

#[test]
fn each_line_keeps_its_terminator() {
    let verdicts = verdicts(packed(&["1", "2", "3", "4"], &[]), OnError::Pass);
    assert_eq!(verdicts.lines.bytes(), b"1\n2\n3\n4\r\n");
    assert_eq!(
        (verdicts.dropped, verdicts.failed.len(), verdicts.close),
        (0, 0, None)
    );
}

#[test]
fn output_with_the_layout_of_the_input_is_not_copied() {
    let bytes = b"eno\n\neerht\nruof\r\n".to_vec();
    let at = bytes.as_ptr();
    let output = LinesResult {
        bytes,
        spans: Vec::new(),
    };
    let outcome = Outcome {
        output,
        counts: Vec::new(),
        failures: Vec::new(),
        routes: Vec::new(),
        close_after: None,
    };
    let verdicts = verdicts(outcome, OnError::Pass);
    assert_eq!(verdicts.lines.bytes(), b"eno\n\neerht\nruof\r\n");
    assert_eq!(verdicts.lines.bytes().as_ptr(), at);
    assert_eq!(verdicts.lines.content(3), b"ruof");
}

#[test]
fn bytes_between_spans_are_ignored() {
    let output = LinesResult {
        bytes: b"eno!?eerht\0ruof??".to_vec(),
        spans: Vec::new(),
    };
    let outcome = Outcome {
        output,
        counts: Vec::new(),
        failures: Vec::new(),
        routes: Vec::new(),
        close_after: None,
    };
    assert_eq!(
        verdicts(outcome, OnError::Pass).lines.bytes(),
        b"eno\n\neerht\nruof\r\n"
    );
}

#[test]
fn lines_are_dropped_and_split() {
    let verdicts = verdicts(packed(&["a", "b", "d"], &[2, 0, 0, 1]), OnError::Pass);
    assert_eq!(verdicts.lines.bytes(), b"a\nb\nd\r\n");
    assert_eq!(verdicts.dropped, 2);
}

#[test]
fn pieces_of_an_unterminated_line_do_not_run_together() {
    let mut last = Lines::default();
    last.push(b"ab", b"");
    let verdicts = judge(
        &mut last.clone(),
        packed(&["a", "b"], &[2]),
        RULES,
        ROUTE_INDICES,
        OnError::Pass,
    )
    .expect("makes sense");
    assert_eq!(verdicts.lines.bytes(), b"a\nb");
}

#[test]
fn on_error_applies_to_failed_lines_alone() {
    let outcome = || failing(packed(&["1", "3", "4"], &[1, 0, 1, 1]), &[1]);
    let passed = verdicts(outcome(), OnError::Pass);
    assert_eq!(passed.lines.bytes(), b"1\n\n3\n4\r\n");
    assert_eq!(
        passed.failed,
        [Failed {
            line: 1,
            kind: FaultKind::Verdict,
            reason: "bad\\nluck".into()
        }]
    );
    assert_eq!(
        passed.dropped, 0,
        "a failed line is not one the filter dropped"
    );
    assert_eq!(
        verdicts(outcome(), OnError::Drop).lines.bytes(),
        b"1\n3\n4\r\n"
    );
    let closed = verdicts(outcome(), OnError::Close);
    assert_eq!(
        (closed.lines.bytes(), closed.close),
        (&b"1\n"[..], Some(Close::OnError))
    );
}

#[test]
fn a_line_with_a_terminator_or_too_long_fails_alone() {
    let long = "x".repeat(17);
    let verdicts = verdicts(packed(&["1", "a\nb", &long, "4"], &[]), OnError::Pass);
    assert_eq!(verdicts.lines.bytes(), b"1\n\nthree\n4\r\n");
    assert_eq!(
        verdicts
            .failed
            .iter()
            .map(|failed| failed.kind.label())
            .collect::<Vec<_>>(),
        ["terminator", "length"]
    );
}

#[test]
fn a_terminator_is_found_on_the_fast_path_too() {
    let output = LinesResult {
        bytes: b"o\ne\n\nthree\nfour\r\n".to_vec(),
        spans: Vec::new(),
    };
    let outcome = Outcome {
        output,
        counts: Vec::new(),
        failures: Vec::new(),
        routes: Vec::new(),
        close_after: None,
    };
    let verdicts = verdicts(outcome, OnError::Drop);
    assert_eq!(verdicts.lines.bytes(), b"\nthree\nfour\r\n");
    assert_eq!(verdicts.failed.len(), 1);
}

#[test]
fn no_line_passes_after_a_line_that_closes() {
    let outcome = Outcome {
        close_after: Some(2),
        ..packed(&["1", "2", "3", "4"], &[])
    };
    let verdicts = verdicts(outcome, OnError::Pass);
    assert_eq!(
        (verdicts.lines.bytes(), verdicts.close),
        (&b"1\n2\n3\n"[..], Some(Close::Verdict))
    );
}

#[test]
fn counts_say_how_many_lines_each_line_became() {
    let counts = |outcome, on_error| verdicts(outcome, on_error).counts;
    assert!(counts(packed(&["1", "2", "3", "4"], &[]), OnError::Pass).is_empty());
    let failed = || failing(packed(&["1", "2", "3", "4"], &[]), &[1]);
    assert!(counts(failed(), OnError::Pass).is_empty());
    assert_eq!(counts(failed(), OnError::Drop), [1, 0, 1, 1]);
    assert_eq!(counts(failed(), OnError::Close), [1, 0]);
    let split = || failing(packed(&["1", "1", "3"], &[2, 0, 1, 0]), &[3]);
    assert_eq!(counts(split(), OnError::Pass), [2, 0, 1, 1]);
    assert_eq!(counts(split(), OnError::Close), [2, 0, 1, 0]);
}

#[test]
fn an_outcome_that_contradicts_itself_is_refused_whole() {
    let spans = |spans: &[u32]| {
        let output = LinesResult {
            bytes: b"0123456789".to_vec(),
            spans: spans.to_vec(),
        };
        Outcome {
            output,
            counts: vec![1, 1, 0, 0],
            failures: Vec::new(),
            routes: Vec::new(),
            close_after: None,
        }
    };
    assert!(broken(spans(&[0, 1, 2])).contains("pairs"));
    assert!(broken(spans(&[0, 2, 1, 3])).contains("descend"));
    assert!(broken(spans(&[0, 1, 2, 11])).contains("outside"));
    assert!(broken(packed(&["1", "2"], &[1, 1])).contains("one count per"));
    assert!(broken(packed(&["1", "2"], &[1, 1, 1, 0])).contains("add up"));
    assert!(broken(packed(&["1", "2"], &[u32::MAX, u32::MAX, 4, 0])).contains("add up"));
    assert!(broken(packed(&["1", "2"], &[])).contains("one output line per"));
    assert!(broken(packed(&[], &[])).contains("length"));
    assert!(broken(failing(packed(&["1"], &[1, 0, 0, 0]), &[0])).contains("has output"));
    assert!(broken(failing(packed(&["1"], &[1, 0, 0, 0]), &[2, 1])).contains("descend"));
    assert!(broken(failing(packed(&["1"], &[1, 0, 0, 0]), &[4])).contains("not the index"));
    let one = || packed(&["1"], &[1, 0, 0, 0]);
    assert!(broken(routing(one(), &[(1, 0), (0, 0)])).contains("descend"));
    assert!(broken(routing(one(), &[(1, 0), (1, 0)])).contains("descend"));
    assert!(broken(routing(one(), &[(4, 0)])).contains("not the index"));
    assert!(broken(routing(one(), &[(0, 3)])).contains("not declared"));
    assert!(broken(failing(routing(one(), &[(0, 0), (2, 1)]), &[1, 2])).contains("failed line"));
    assert!(
        broken(Outcome {
            close_after: Some(4),
            ..packed(&["1", "2", "3", "4"], &[])
        })
        .contains("close-after")
    );
}

proptest! {
    /// Whatever a guest answers, lines that pass obey the framing of the stream.
    #[test]
    fn any_answer_yields_well_formed_lines_or_nothing(
        bytes in proptest::collection::vec(prop_oneof![Just(b'a'), Just(b'\n'), Just(b'\r')], 0..24),
        spans in proptest::collection::vec(0..26u32, 0..10),
        sorted in any::<bool>(),
        counts in proptest::collection::vec(0..3u32, 0..5),
        routes in proptest::collection::vec((0..5u32, 0..4u32), 0..3),
        failures in proptest::collection::vec(0..5u32, 0..3),
        close_after in proptest::option::of(0..5u32),
        crlf in any::<bool>(),
    ) {
        let mut spans = spans;
        if sorted {
            spans.sort_unstable();
        }
        let failures = failures.iter().map(|line| Failure { line: *line, reason: Vec::new() }).collect();
        let routes = routes.iter().map(|(line, route)| Routed { line: *line, route: *route }).collect();
        let outcome = Outcome { output: LinesResult { bytes, spans }, counts, failures, routes, close_after };
        let framing = if crlf { Framing::Crlf } else { Framing::Lf };
        let rules = Rules { framing, max_output: 5 };
        if let Ok(verdicts) = judge(&mut input(), outcome, rules, ROUTE_INDICES, OnError::Drop) {
            let known = if verdicts.close.is_some() { verdicts.counts.len() } else { input().len() };
            let made = match &verdicts.counts[..] {
                [] => known,
                counts => counts.iter().map(|count| *count as usize).sum(),
            };
            prop_assert_eq!(made, verdicts.lines.len());
            let mut all = vec![verdicts.lines];
            all.extend(verdicts.routed.by_route(&["zero".into(), "one".into()]).into_iter().map(|(_, lines)| lines));
            for lines in all {
                for index in 0..lines.len() {
                    prop_assert!(!framing.ends_inside(lines.content(index)));
                    prop_assert!([&b"\n"[..], b"\r\n"].contains(&lines.terminator(index)));
                }
            }
        }
    }
}
