//! Compares `Output` with a simple model that makes a vector of output lines for each input line.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::batch::{Lines, Outcome, Routed, finish, process};
use crate::testing::{self, Line, Verdict};
use crate::{Error, Filter, NoSettings, Output};

/// A call of a method of [`Output`].
#[derive(Clone, Debug)]
pub(crate) enum Call {
    EmitLine,
    Emit(Vec<u8>),
    /// Emits other bytes of the same length as the line.
    EmitInverted,
    MapLine,
    Map(Vec<u8>),
    Push(Vec<u8>),
    Write(u8),
    End,
    Fail,
    Close,
    Route(u8),
}

/// Makes the planned calls on each line; the last of them at the end of the stream.
pub(crate) struct Planned {
    pub(crate) plan: std::vec::IntoIter<Vec<Call>>,
}

impl Planned {
    pub(crate) fn make_calls(&mut self, line: &[u8], out: &mut Output) {
        for call in self.plan.next().unwrap_or_default() {
            match call {
                Call::EmitLine => out.emit(line),
                Call::Emit(other) => out.emit(other),
                Call::EmitInverted => out.emit(inverted(line)),
                Call::MapLine => out.map(line, |byte| !byte),
                Call::Map(other) => out.map(&other, |byte| !byte),
                Call::Push(part) => out.push(part),
                Call::Write(number) => write!(out, "{number}"),
                Call::End => out.end(),
                Call::Fail => out.fail("no"),
                Call::Close => out.close(),
                Call::Route(nth) => out.route(["one", "two"][usize::from(nth)]),
            }
        }
    }
}

impl Filter for Planned {
    type Settings = NoSettings;

    fn new(_: NoSettings) -> Result<Self, Error> {
        Err(Error::new("created directly by the test"))
    }

    fn routes(&self) -> Vec<String> {
        vec!["one".to_owned(), "two".to_owned()]
    }

    fn line(&mut self, line: &[u8], out: &mut Output) {
        self.make_calls(line, out);
    }

    fn finish(&mut self, out: &mut Output) {
        self.make_calls(&[], out);
    }
}

fn inverted(line: &[u8]) -> Vec<u8> {
    line.iter().map(|byte| !byte).collect()
}

/// Runs the lines of one call through a filter that makes the calls planned for each line.
fn run(plan: Vec<Vec<Call>>, block: Lines) -> Outcome {
    let mut filter = Planned {
        plan: plan.into_iter(),
    };
    let routes = filter.routes();
    process(&mut filter, &routes, block)
}

/// The route that the last call of `route` sets.
fn route(calls: &[Call]) -> Option<u32> {
    let route = |call: &Call| match call {
        Call::Route(nth) => Some(u32::from(*nth)),
        _ => None,
    };
    calls.iter().rev().find_map(route)
}

/// The output lines that the calls produce for a line, or `None` if it fails; and whether the
/// connection closes.
fn model(line: &[u8], calls: &[Call]) -> (Option<Vec<Vec<u8>>>, bool) {
    let (mut lines, mut open, mut fails, mut closes) = (Vec::new(), None::<Vec<u8>>, false, false);
    for call in calls {
        let (part, ends) = match call {
            Call::EmitLine => (line.to_vec(), true),
            Call::EmitInverted | Call::MapLine => (inverted(line), true),
            Call::Emit(other) => (other.clone(), true),
            Call::Map(other) => (inverted(other), true),
            Call::Push(part) => (part.clone(), false),
            Call::Write(number) => (number.to_string().into_bytes(), false),
            Call::End => (Vec::new(), true),
            Call::Fail => {
                fails = true;
                continue;
            }
            Call::Close => {
                closes = true;
                continue;
            }
            Call::Route(_) => continue,
        };
        open.get_or_insert_default().extend(part);
        if ends {
            lines.extend(open.take());
        }
    }
    lines.extend(open);
    ((!fails).then_some(lines), closes)
}

fn content() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), 0..4), vec(any::<u8>(), 0..70)]
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let any_call = prop_oneof![
        6 => Just(Call::EmitLine),
        2 => content().prop_map(Call::Emit),
        2 => Just(Call::EmitInverted),
        4 => Just(Call::MapLine),
        1 => content().prop_map(Call::Map),
        2 => content().prop_map(Call::Push),
        1 => any::<u8>().prop_map(Call::Write),
        1 => Just(Call::End),
        1 => Just(Call::Fail),
        2 => (0..2u8).prop_map(Call::Route),
    ];
    prop_oneof![
        12 => Just(vec![Call::EmitLine]),
        12 => Just(vec![Call::MapLine]),
        4 => Just(vec![Call::EmitInverted]),
        2 => Just(vec![]),
        2 => Just(vec![Call::EmitLine, Call::Route(1)]),
        8 => vec(any_call.clone(), 0..4),
        1 => vec(any_call, 0..3).prop_map(|mut calls| {
            calls.push(Call::Close);
            calls
        }),
    ]
}

/// Lines, a block that contains them with gaps of any length, and the calls planned for each line.
pub(crate) fn block() -> impl Strategy<Value = (Vec<Vec<u8>>, Lines, Vec<Vec<Call>>)> {
    let gap = || prop_oneof![4 => Just(b"\n".to_vec()), 2 => Just(b"\r\n".to_vec()), 1 => vec(any::<u8>(), 0..5)];
    (gap(), vec((content(), gap(), calls()), 1..40)).prop_map(|(before, lines)| {
        let mut block = Lines {
            bytes: before,
            spans: Vec::new(),
        };
        let (mut contents, mut plan) = (Vec::new(), Vec::new());
        for (content, gap, calls) in lines {
            block.spans.push(block.bytes.len() as u32);
            block.bytes.extend(&content);
            block.spans.push(block.bytes.len() as u32);
            block.bytes.extend(gap);
            contents.push(content);
            plan.push(calls);
        }
        (contents, block, plan)
    })
}

fn gap(block: &Lines, index: usize) -> &[u8] {
    let end = block.spans[2 * index + 1] as usize;
    let next = block
        .spans
        .get(2 * index + 2)
        .map_or(block.bytes.len(), |&next| next as usize);
    &block.bytes[end..next]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn verdicts_and_terminators_are_those_of_the_model((input, block, plan) in block()) {
        let outcome = run(plan.clone(), block.clone());

        let names = ["one".to_owned(), "two".to_owned()];
        let mut expected = Vec::new();
        // Each output line is followed by its terminator, so that the host can forward the block.
        let mut bytes = block.bytes[..block.spans[0] as usize].to_vec();
        let (mut counts, mut same_spans, mut closed) = (Vec::new(), true, false);
        for (index, (line, calls)) in input.iter().zip(&plan).enumerate() {
            let (lines, closes) = if closed { (Some(vec![]), false) } else { model(line, calls) };
            let made = lines.clone().unwrap_or_default();
            for line in &made {
                bytes.extend(line);
                bytes.extend(gap(&block, index));
            }
            counts.push(made.len() as u32);
            same_spans &= made.len() == 1 && made[0].len() == line.len();
            if !closed {
                let mut made: Vec<Line> = made.into_iter().map(Line).collect();
                let any = !made.is_empty();
                let verdict = match (lines, closes, made.len()) {
                    (None, ..) => Verdict::Fail("no".into()),
                    (_, true, _) => Verdict::Close(made),
                    (_, _, 0) => Verdict::Drop,
                    (_, _, 1) if made[0] == *line => Verdict::Pass,
                    (_, _, 1) => Verdict::Replace(made.remove(0)),
                    _ => Verdict::Split(made),
                };
                expected.push(match route(calls) {
                    Some(route) if any => verdict.by(&names[route as usize]),
                    _ => verdict,
                });
            }
            closed |= closes;
        }
        prop_assert_eq!(outcome.output.bytes.escape_ascii().to_string(), bytes.escape_ascii().to_string());
        // Numbers that carry no information are left out.
        let none = counts.iter().all(|&count| count == 0);
        prop_assert_eq!(outcome.output.spans.is_empty(), same_spans || none);
        let one_each = counts.iter().all(|&count| count == 1);
        prop_assert_eq!(&outcome.counts, if one_each { &[][..] } else { &counts });
        prop_assert_eq!(testing::judge(&input, &block, &names, outcome, testing::Fit::ALL), expected);
    }

    #[test]
    fn lines_held_back_are_returned_at_the_end(calls in calls()) {
        let mut filter = Planned { plan: vec![calls.clone()].into_iter() };
        let routes = filter.routes();
        let result = finish(&mut filter, &routes);
        let taken = result.as_ref().map(|held| held.routes.clone()).unwrap_or_default();
        let held = result.map(|held| testing::unpack(&held.output).map(<[u8]>::to_vec).collect::<Vec<_>>());
        let expected = model(&[], &calls).0.ok_or(b"no".to_vec());
        let lines = expected.as_ref().map_or(0, |lines| lines.len() as u32);
        let expected_routes: Vec<_> = route(&calls).into_iter()
            .flat_map(|route| (0..lines).map(move |line| Routed { line, route }))
            .collect();
        prop_assert_eq!(taken, expected_routes);
        prop_assert_eq!(held, expected);
    }

    #[test]
    fn invalid_spans_panic(bytes in vec(any::<u8>(), 0..20), spans in vec(0u32..24, 1..7)) {
        let ascending = spans.is_sorted() && spans.iter().all(|&at| at as usize <= bytes.len());
        let block = Lines { bytes, spans: spans.clone() };
        let done = std::panic::catch_unwind(move || run(vec![vec![Call::MapLine]; 4], block));
        prop_assert_eq!(done.is_ok(), ascending && spans.len().is_multiple_of(2));
    }
}

#[test]
fn a_block_that_passes_is_not_copied() {
    let block = testing::pack(&[b"a".to_vec(), b"".to_vec(), b"bc".to_vec()], false);
    let address = block.bytes.as_ptr();
    let plan = vec![vec![Call::EmitLine]; 3];
    let of_clone = run(plan.clone(), block.clone());
    assert_eq!(of_clone.output.bytes, block.bytes);
    assert_ne!(
        of_clone.output.bytes.as_ptr(),
        address,
        "the clone was passed, not the original"
    );

    let Outcome {
        output,
        counts,
        failures,
        routes,
        close_after,
    } = run(plan, block);
    assert_eq!(output.bytes.as_ptr(), address, "nothing was copied");
    assert_eq!(
        (output.spans, counts, failures, routes, close_after),
        (vec![], vec![], vec![], vec![], None)
    );
}

#[test]
fn the_output_of_lines_of_the_same_length_has_no_spare_capacity() {
    let lines = vec![b"0123456789".to_vec(); 500];
    let block = testing::pack(&lines, false);
    let outcome = run(vec![vec![Call::MapLine]; 500], block.clone());
    assert_eq!(outcome.output.bytes.len(), block.bytes.len());
    assert_eq!(
        outcome.output.bytes.capacity(),
        block.bytes.len(),
        "spare capacity would cost a reallocation"
    );
}

#[test]
fn lines_that_take_a_route_stay_in_the_block() {
    let block = testing::pack(&[b"a".to_vec(), b"".to_vec(), b"bc".to_vec()], false);
    let address = block.bytes.as_ptr();
    let routed = vec![Call::Route(0), Call::EmitLine];
    let plan = vec![
        routed,
        vec![Call::EmitLine],
        vec![Call::EmitLine, Call::Route(1)],
    ];
    let outcome = run(plan, block);
    assert_eq!(outcome.output.bytes.as_ptr(), address, "nothing was copied");
    assert_eq!((outcome.output.spans, outcome.counts), (vec![], vec![]));
    let taken = [(0, 0), (2, 1)].map(|(line, route)| Routed { line, route });
    assert_eq!(outcome.routes, taken);
}
