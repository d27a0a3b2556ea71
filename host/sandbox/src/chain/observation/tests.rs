//! What is read from an observation, for each verdict.

use LineVerdict::{Bypassed, Closed, Cut, Dropped, Held, Passed, Replaced, Routed, Split};

use super::*;

const PLACE: Place<'static> = Place {
    listener: Some("web"),
    peer: None,
    reply: false,
    position: 1,
    filter: "f",
};

fn lines(contents: &[&str]) -> Lines {
    let mut lines = Lines::default();
    contents
        .iter()
        .for_each(|content| lines.push(content.as_bytes(), b"\n"));
    lines
}

fn failed(line: usize) -> Failed {
    Failed {
        line,
        kind: FaultKind::Verdict,
        reason: format!("why {line}"),
    }
}

/// An observation of these lines, and of verdicts that leave `after`.
fn observation(before: &[&str], after: &[&str], verdicts: Verdicts) -> Observation {
    let mut observation = Observation::at(&PLACE, 1);
    observation.before = lines(before);
    let verdicts = Verdicts {
        lines: lines(after),
        ..verdicts
    };
    observation.judge(&verdicts, &["errors".into(), "audit".into()]);
    observation
}

/// Verdict, output, and routed lines of each line.
fn read(observation: &Observation) -> Vec<(LineVerdict, String, String)> {
    let text = |content: &[u8]| String::from_utf8_lossy(content).into_owned();
    let line = |line: ObservedLine<'_>| {
        let after: Vec<_> = line.after().map(text).collect();
        let routed = line.routed().iter();
        let routed: Vec<_> = routed
            .map(|(content, route)| format!("{route}:{}", text(content)))
            .collect();
        (line.verdict, after.join("|"), routed.join("|"))
    };
    let all: Vec<_> = observation.lines().map(line).collect();
    assert_eq!(all.len(), observation.len());
    all
}

#[track_caller]
fn expect(observation: &Observation, expected: &[(LineVerdict, &str, &str)]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(verdict, after, routed)| (*verdict, (*after).to_owned(), (*routed).to_owned()))
        .collect();
    assert_eq!(read(observation), expected);
}

#[test]
fn lines_pass_or_are_replaced() {
    let seen = observation(&["a", "b"], &["a", "B"], Verdicts::default());
    assert!(seen.is_plain());
    expect(&seen, &[(Passed, "a", ""), (Replaced, "B", "")]);
}

#[test]
fn every_line_has_its_own_output() {
    let mut routed = RoutedLines::default();
    routed.push(b"C", b"\n", 0, 2);
    routed.push(b"c", b"\n", 1, 2);
    let verdicts = Verdicts {
        counts: vec![0, 2, 0, 0, 1, 1],
        failed: vec![failed(3), failed(4)],
        routed,
        ..Verdicts::default()
    };
    let seen = observation(
        &["a", "b", "c", "d", "e", "f"],
        &["b1", "b2", "e", "f"],
        verdicts,
    );
    assert!(!seen.is_plain());
    expect(
        &seen,
        &[
            (Dropped, "", ""),
            (Split, "b1|b2", ""),
            (Routed, "", "errors:C|audit:c"),
            (LineVerdict::Failed, "", ""),
            (LineVerdict::Failed, "e", ""),
            (Passed, "f", ""),
        ],
    );
    let reasons: Vec<_> = seen.lines().filter_map(|line| line.failure).collect();
    assert_eq!(reasons[1], (FaultKind::Verdict, "why 4".into()));
}

#[test]
fn nothing_is_left_after_a_line_that_closes() {
    let verdicts = |counts: &[u32], close| Verdicts {
        counts: counts.to_vec(),
        close: Some(close),
        ..Verdicts::default()
    };
    let seen = observation(
        &["a", "b", "c"],
        &["a", "B"],
        verdicts(&[1, 1], Close::Verdict),
    );
    expect(
        &seen,
        &[(Passed, "a", ""), (Closed, "B", ""), (Cut, "", "")],
    );
    let mut on_error = verdicts(&[1, 0], Close::OnError);
    on_error.failed.push(failed(1));
    let seen = observation(&["a", "b", "c"], &["a"], on_error);
    expect(
        &seen,
        &[
            (Passed, "a", ""),
            (LineVerdict::Failed, "", ""),
            (Cut, "", ""),
        ],
    );
    // The host has not filtered the line that closes.
    let seen = observation(&["a", "b", "c"], &["a"], verdicts(&[1, 0], Close::Host));
    expect(&seen, &[(Passed, "a", ""), (Cut, "", ""), (Cut, "", "")]);
}

#[test]
fn lines_that_a_condition_keeps_from_the_filter_are_bypassed() {
    let verdicts = Verdicts {
        counts: vec![1, 0, 1, 1],
        ..Verdicts::default()
    };
    let mut seen = observation(&["a", "b", "c", "d"], &["a", "c", "D"], verdicts);
    seen.picked = Some(vec![(1, 2), (3, 4)]);
    expect(
        &seen,
        &[
            (Bypassed, "a", ""),
            (Dropped, "", ""),
            (Bypassed, "c", ""),
            (Replaced, "D", ""),
        ],
    );
    let mut seen = observation(&["a", "b"], &["a", "b"], Verdicts::default());
    seen.picked = Some(Vec::new());
    assert!(!seen.is_plain());
    expect(&seen, &[(Bypassed, "a", ""), (Bypassed, "b", "")]);
}

#[test]
fn lines_that_were_held_back_come_from_no_line() {
    let mut held = HeldLines {
        lines: lines(&["a", "b"]),
        failed: vec![(failed(2), b"bad".to_vec())],
        ..HeldLines::default()
    };
    held.routed.push(b"r", b"\n", 1, 1);
    let mut seen = Observation::at(&PLACE, 1);
    seen.hold(&held, &["errors".into(), "audit".into()]);
    expect(
        &seen,
        &[
            (Held, "a", ""),
            (Routed, "", "audit:r"),
            (Held, "b", ""),
            (LineVerdict::Failed, "", ""),
        ],
    );
    let last = seen.lines().last().expect("lines");
    assert_eq!(last.before, Some(&b"bad"[..]));
}
