//! Runs the lines of one call through a filter.
//!
//! In: a block of lines, and a filter. Out: a block of output lines, with a verdict on each input
//! line. Not here: how the block is built (`output`), and the component's exports (`component`).
//!
//! The types mirror `wit/batch.wit`, which defines every number. They are plain vectors so that the
//! component passes them on without copying, and so that tests need no WebAssembly.

use std::time::Duration;

use crate::screen::{self, Mark};
use crate::{Filter, Output, Timer};

/// A line that takes a route: the index of the line and that of the route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Routed {
    pub(crate) line: u32,
    pub(crate) route: u32,
}

/// Lines inside one block of bytes. `spans` holds two offsets per line; the bytes between lines are
/// gaps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lines {
    pub(crate) bytes: Vec<u8>,
    pub(crate) spans: Vec<u32>,
}

/// An input line that failed, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) line: u32,
    pub(crate) reason: Vec<u8>,
}

/// The verdicts on all lines of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) output: Lines,
    pub(crate) counts: Vec<u32>,
    pub(crate) failures: Vec<Failure>,
    pub(crate) routes: Vec<Routed>,
    pub(crate) close_after: Option<u32>,
}

/// The lines that a filter held back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) output: Lines,
    pub(crate) routes: Vec<Routed>,
}

/// Runs the lines of one call through `filter`, which declared `routes`.
pub(crate) fn process<F: Filter>(filter: &mut F, routes: &[String], mut input: Lines) -> Outcome {
    filter.begin();
    if filter.bytes(&mut input.bytes) {
        // Empty spans stand for those of the input.
        let output = Lines {
            bytes: input.bytes,
            spans: Vec::new(),
        };
        return Outcome {
            output,
            ..Outcome::default()
        };
    }
    match screen::marks(filter, &input) {
        Some(marks) => outcome(routes, input, |out| judge_marked(filter, out, &marks)),
        None => by_line(filter, routes, input),
    }
}

/// The same without [`Filter::bytes`] and [`Filter::screen`].
pub(crate) fn process_by_line<F: Filter>(
    filter: &mut F,
    routes: &[String],
    input: Lines,
) -> Outcome {
    filter.begin();
    by_line(filter, routes, input)
}

fn by_line<F: Filter>(filter: &mut F, routes: &[String], input: Lines) -> Outcome {
    outcome(routes, input, |out| {
        while let Some(line) = out.next_line() {
            filter.line(line, out);
            out.end_line();
        }
    })
}

/// Judges lines by the marks of a screen, one for each.
fn judge_marked<F: Filter>(filter: &mut F, out: &mut Output<'_>, marks: &[Mark]) {
    for run in marks.chunk_by(Mark::eq) {
        match run[0] {
            Mark::Pass => out.pass_lines(run.len()),
            Mark::Drop => out.drop_lines(run.len()),
            Mark::None | Mark::Judge => {
                for _ in run {
                    let Some(line) = out.next_line() else { return };
                    filter.line(line, out);
                    out.end_line();
                }
            }
        }
    }
}

/// The outcome of a call whose lines `judge` judges.
fn outcome(routes: &[String], input: Lines, judge: impl FnOnce(&mut Output<'_>)) -> Outcome {
    let mut out = Output::new(&input.bytes, &input.spans, routes);
    judge(&mut out);
    let (bytes, mut outcome) = out.into_outcome();
    outcome.output.bytes = bytes.unwrap_or(input.bytes);
    outcome
}

/// Calls `filter` without lines. Returns the lines that are due, and when it wants to be called next, in
/// nanoseconds.
pub(crate) fn tick<F: Timer>(
    filter: &mut F,
    routes: &[String],
    now: u64,
) -> Result<(Held, Option<u64>), Vec<u8>> {
    let mut out = Output::at_end(routes);
    let next = filter.tick(Duration::from_nanos(now), &mut out);
    let next = next.map(|next| u64::try_from(next.as_nanos()).unwrap_or(u64::MAX));
    held(out).map(|held| (held, next))
}

/// Ends the stream. Returns the lines that `filter` still held, or why it failed.
pub(crate) fn finish<F: Filter>(filter: &mut F, routes: &[String]) -> Result<Held, Vec<u8>> {
    let mut out = Output::at_end(routes);
    filter.finish(&mut out);
    held(out)
}

/// What was emitted without an input line, or why that failed.
fn held(mut out: Output<'_>) -> Result<Held, Vec<u8>> {
    out.end_line();
    let (bytes, mut outcome) = out.into_outcome();
    match outcome.failures.pop() {
        Some(failure) => Err(failure.reason),
        None => {
            let lines = outcome.output.spans.len() as u32 / 2;
            // The lines of one call all take the same route, if any.
            let route = outcome.routes.first().map(|routed| routed.route);
            let routes = route
                .into_iter()
                .flat_map(|route| (0..lines).map(move |line| Routed { line, route }));
            Ok(Held {
                routes: routes.collect(),
                output: Lines {
                    bytes: bytes.unwrap_or_default(),
                    spans: outcome.output.spans,
                },
            })
        }
    }
}
