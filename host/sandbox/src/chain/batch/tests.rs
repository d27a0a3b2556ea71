//! Compares batches with the same lines one by one, for stages with arbitrary answers.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::bindings::filter::exports::linemill::filter::batch::{
    Failure, LinesResult, Outcome, Routed,
};
use crate::chain::condition::{Picked, pick, put_back};
use crate::verdict::{Rules, judge};
use linemill_config::settings::OnError;

const RULES: Rules = Rules {
    framing: Framing::Lf,
    max_output: 16,
};

/// A stage's answer to a line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Answer {
    /// One output line for each suffix: the input's content with the suffix.
    suffixes: Vec<&'static str>,
    fails: bool,
    /// A call with this line traps.
    traps: bool,
    closes: bool,
    route: Option<u32>,
}

#[derive(Debug, Clone)]
struct Model {
    /// Lines bypass the stage unless their first byte is less than this.
    below: Option<u8>,
    /// The answer to a line is chosen by the line's last byte.
    answers: Vec<Answer>,
    on_error: OnError,
    route_indices: Vec<Option<u32>>,
}

impl Model {
    fn is_for(&self, content: &[u8]) -> bool {
        let below = self.below.unwrap_or(u8::MAX);
        content.first().is_none_or(|first| *first < below)
    }

    fn answer(&self, content: &[u8]) -> &Answer {
        let last = content.last().copied().unwrap_or_default();
        &self.answers[usize::from(last) % self.answers.len()]
    }

    /// Makes one call. `None` is a trap.
    fn call(&self, lines: &Lines) -> Option<Verdicts> {
        let mut outcome = Outcome {
            output: LinesResult {
                bytes: Vec::new(),
                spans: Vec::new(),
            },
            counts: Vec::new(),
            failures: Vec::new(),
            routes: Vec::new(),
            close_after: None,
        };
        for index in 0..lines.len() {
            let content = lines.content(index);
            let answer = self.answer(content);
            if answer.traps {
                return None;
            }
            let line = index as u32;
            if answer.fails {
                outcome.failures.push(Failure {
                    line,
                    reason: Vec::new(),
                });
                outcome.counts.push(0);
                continue;
            }
            for suffixes in &answer.suffixes {
                let bytes = &mut outcome.output.bytes;
                let start = bytes.len() as u32;
                bytes.extend_from_slice(content);
                bytes.extend_from_slice(suffixes.as_bytes());
                outcome.output.spans.extend([start, bytes.len() as u32]);
            }
            outcome.counts.push(answer.suffixes.len() as u32);
            let route = answer.route.map(|route| Routed { line, route });
            outcome.routes.extend(route);
            if answer.closes && outcome.close_after.is_none() {
                outcome.close_after = Some(line);
            }
        }
        if outcome.counts.iter().all(|count| *count == 1) {
            outcome.counts.clear();
        }
        let mut input = lines.clone();
        let verdicts = judge(
            &mut input,
            outcome,
            RULES,
            &self.route_indices,
            self.on_error,
        );
        Some(verdicts.expect("it makes sense"))
    }

    /// Isolates traps, as the supervisor does.
    fn run(&self, lines: Lines) -> Verdicts {
        let mut all = Verdicts::default();
        let mut todo = vec![(0, lines.len())];
        while let Some((from, to)) = todo.pop() {
            let part = lines.slice(from, to);
            match self.call(&part) {
                Some(verdicts) => all.append(verdicts, from, to - from),
                None if to - from > 1 => {
                    let middle = from + (to - from) / 2;
                    todo.extend([(middle, to), (from, middle)]);
                }
                None => all.append(Verdicts::on_failed(part, self.on_error), from, to - from),
            }
            if all.close.is_some() {
                break;
            }
        }
        all
    }

    /// Runs the stage over a batch, as [`StreamState`](crate::chain::StreamState) does.
    fn step(&self, batch: &mut Batch) {
        if batch.lines.is_empty() {
            return;
        }
        let all = std::mem::take(&mut batch.lines);
        let inputs = all.len();
        let picked = match self.below {
            None => Picked::All,
            Some(_) => pick(&all, |content| self.is_for(content)),
        };
        let verdicts = match picked {
            Picked::Nothing => {
                batch.lines = all;
                return;
            }
            Picked::All => self.run(all),
            Picked::Some { lines, runs } => put_back(&all, &runs, self.run(lines)),
        };
        batch.advance(inputs, verdicts);
    }
}

/// The output of all stages: the lines that passed, those of each route, and why the stream closed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Out {
    lines: Vec<u8>,
    routed: [Vec<u8>; 3],
    close: Option<Close>,
}

impl Out {
    /// Runs one line through `stages`. Each line that a stage makes of it passes through all later
    /// stages before the next one does.
    fn run(&mut self, stages: &[Model], content: &[u8], terminator: &[u8]) {
        let Some((stage, later)) = stages.split_first() else {
            self.lines.extend([content, terminator].concat());
            return;
        };
        if !stage.is_for(content) {
            return self.run(later, content, terminator);
        }
        let answer = stage.answer(content);
        let made = answer.suffixes.iter();
        let made: Vec<_> = made
            .map(|suffixes| [content, suffixes.as_bytes()].concat())
            .collect();
        let wrong = |line: &Vec<u8>| line.len() > RULES.max_output || line.contains(&b'\n');
        let failed = answer.traps || answer.fails || made.iter().any(wrong);
        if failed {
            match stage.on_error {
                OnError::Pass => self.run(later, content, terminator),
                OnError::Drop | OnError::Quarantine => {}
                OnError::Close => self.close = Some(Close::OnError),
            }
        } else if let Some(route) = answer
            .route
            .and_then(|route| stage.route_indices[route as usize])
        {
            for line in &made {
                self.routed[route as usize].extend([line, &b"\n"[..]].concat());
            }
        } else {
            for (nth, line) in made.iter().enumerate() {
                let last = nth + 1 == made.len();
                self.run(later, line, if last { terminator } else { b"\n" });
                if self.close.is_some() {
                    return;
                }
            }
        }
        // A trap has no answer, and a line that fails by verdict cannot also close the stream.
        let closes = answer.closes && !answer.traps && !answer.fails;
        if closes && self.close.is_none() {
            self.close = Some(Close::Verdict);
        }
    }
}

fn answer() -> impl Strategy<Value = Answer> {
    let suffixes = prop_oneof![
        6 => Just(vec![""]),
        4 => Just(vec!["a"]),
        3 => Just(vec![]),
        3 => Just(vec!["b", ""]),
        1 => Just(vec!["a", "b", "c"]),
        1 => Just(vec!["a line that is too long"]),
        1 => Just(vec!["", "\n"]),
    ];
    let route = prop_oneof![3 => Just(None), 2 => (0..3u32).prop_map(Some)];
    let chance = |of: u32| (0..of).prop_map(|number| number == 0);
    (suffixes, chance(8), chance(8), chance(12), route).prop_map(
        |(suffixes, fails, traps, closes, route)| Answer {
            suffixes,
            fails,
            traps,
            closes,
            route,
        },
    )
}

fn model() -> impl Strategy<Value = Model> {
    let on_error = prop_oneof![
        3 => Just(OnError::Pass),
        2 => Just(OnError::Drop),
        1 => Just(OnError::Quarantine),
        1 => Just(OnError::Close)
    ];
    let below = proptest::option::of(b'a'..b'f');
    let route_indices = vec(proptest::option::weighted(0.8, 0..3u32), 3);
    (below, vec(answer(), 1..8), on_error, route_indices).prop_map(
        |(below, answers, on_error, route_indices)| Model {
            below,
            answers,
            on_error,
            route_indices,
        },
    )
}

fn names() -> [Arc<str>; 3] {
    ["zero", "one", "two"].map(Arc::from)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_batch_gives_the_same_result_as_its_lines_one_by_one(
        stages in vec(model(), 0..5),
        contents in vec("[a-f]{0,4}", 1..24),
        terminated in any::<bool>(),
    ) {
        let (mut lines, mut expected) = (Lines::default(), Out::default());
        for (nth, content) in contents.iter().enumerate() {
            let whole = terminated || nth + 1 < contents.len();
            let terminator: &[u8] = if whole { b"\n" } else { b"" };
            lines.push(content.as_bytes(), terminator);
            if expected.close.is_none() {
                expected.run(&stages, content.as_bytes(), terminator);
            }
        }

        let mut batch = Batch::new(lines);
        for stage in &stages {
            stage.step(&mut batch);
        }
        let output = batch.end(&names());
        let mut out = Out { lines: output.lines.into_bytes(), close: output.close, ..Out::default() };
        for (name, lines) in output.routed {
            prop_assert!(!lines.is_empty());
            let route = names().iter().position(|other| *other == name).expect("a route of the chain");
            prop_assert!(out.routed[route].is_empty(), "each route once");
            out.routed[route] = lines.into_bytes();
        }
        prop_assert_eq!(out, expected);
    }
}

#[test]
fn held_lines_come_after_all_others() {
    let mut batch = Batch::new(Lines::default());
    batch.lines.push(b"last", b"");
    batch.routed.push(b"gone", b"\n", 0, 0);
    let mut held = HeldLines::default();
    held.routed.push(b"first", b"\n", 0, 0);
    held.lines.push(b"held", b"\n");
    held.routed.push(b"second", b"\n", 1, 1);
    batch.add(held, Framing::Lf);

    // The next stage routes the line of the stream, and drops the one that was held back.
    let mut verdicts = Verdicts {
        counts: vec![0, 0],
        ..Verdicts::default()
    };
    verdicts.routed.push(b"last", b"\n", 0, 0);
    batch.advance(2, verdicts);
    let output = batch.end(&names());
    assert!(output.lines.is_empty());
    let routed: Vec<_> = output
        .routed
        .iter()
        .map(|(name, lines)| (&**name, lines.bytes()))
        .collect();
    assert_eq!(
        routed,
        [("zero", &b"gone\nlast\nfirst\n"[..]), ("one", b"second\n")]
    );
}

#[test]
fn lines_are_copied_only_if_some_but_not_all_match() {
    let mut lines = Lines::default();
    for content in ["a", "b", "ab"] {
        lines.push(content.as_bytes(), b"\n");
    }
    assert_eq!(pick(&lines, |_| true), Picked::All);
    assert_eq!(pick(&lines, |_| false), Picked::Nothing);
    let Picked::Some { lines, runs } = pick(&lines, |content| content.contains(&b'b')) else {
        panic!("two of three lines match");
    };
    assert_eq!((lines.bytes(), &runs[..]), (&b"b\nab\n"[..], &[(1, 3)][..]));
}
