//! Hands state over between two filters, as a host does when a chain is changed under a stream.
//!
//! In: settings and lines before the change, settings and lines after it. Out: the lines after it,
//! or why the state was refused.

use super::{Line, Value, Verdict, json, own, pack, start};
use crate::batch::{self, Held};
use crate::{Handover, handover};

/// The lines that come of `after`, the rest of the stream, when a filter with the settings `new`
/// takes over from one with the settings `old` which has judged the lines `before`. What is held at
/// the end is among them; lines that take a route are too.
///
/// # Panics
/// If settings or state are refused, a line fails, no state is kept, or
/// - `save` changes what the filter it is asked of does next, or what a second `save` gives;
/// - with equal settings, the two together do not do what one filter does that was not changed.
#[track_caller]
pub fn handed_over<F: Handover>(
    old: Value,
    before: impl IntoIterator<Item: AsRef<[u8]>>,
    new: Value,
    after: impl IntoIterator<Item: AsRef<[u8]>>,
) -> Vec<Line> {
    let (before, after) = (own(before), own(after));
    let mut unchanged = Stream::<F>::new(&old);
    unchanged.lines(&before);
    let expected = unchanged.rest(&after);

    let mut asked = Stream::<F>::new(&old);
    asked.lines(&before);
    let (state, again) = (asked.save(), asked.save());
    assert!(
        state == again,
        "`save` gives something else when asked again"
    );
    let gone_on = asked.rest(&after);
    assert!(
        gone_on == expected,
        "`save` changes the filter\nnot asked: {expected:?}\n    asked: {gone_on:?}"
    );

    let mut next = Stream::<F>::new(&new);
    if let Err(error) = handover::restore(&mut next.filter, F::TAG.as_bytes(), &state) {
        panic!("the filter refuses its own state: {error}");
    }
    let found = next.rest(&after);
    assert!(
        old != new || found == expected,
        "state is lost on the way\nnot handed over: {expected:?}\n    handed over: {found:?}"
    );
    found
}

/// The lines that come of `after` when a filter takes over `state` with the tag `tag`, that of an
/// older format for instance.
///
/// # Panics
/// If settings or state are refused, or a line fails.
#[track_caller]
pub fn restored<F: Handover>(
    settings: Value,
    tag: &str,
    state: impl AsRef<[u8]>,
    after: impl IntoIterator<Item: AsRef<[u8]>>,
) -> Vec<Line> {
    let mut stream = Stream::<F>::new(&settings);
    match handover::restore(&mut stream.filter, tag.as_bytes(), state.as_ref()) {
        Ok(()) => stream.rest(&own(after)),
        Err(error) => panic!("the filter refuses the state: {error}"),
    }
}

/// Why a filter with default settings refuses `state` with the tag `tag`.
///
/// # Panics
/// If it takes it.
#[track_caller]
pub fn refused_state<F: Handover>(tag: &str, state: impl AsRef<[u8]>) -> String {
    let mut stream = Stream::<F>::new(&json!({}));
    match handover::restore(&mut stream.filter, tag.as_bytes(), state.as_ref()) {
        Ok(()) => panic!("the filter takes this state with the tag `{tag}`"),
        Err(error) => error.to_string(),
    }
}

/// A filter and the stream it serves.
struct Stream<F> {
    filter: F,
    routes: Vec<String>,
}

impl<F: Handover> Stream<F> {
    #[track_caller]
    fn new(settings: &Value) -> Self {
        let (filter, routes) = match start::<F>(settings) {
            Ok(started) => started,
            Err(error) => panic!("the filter refuses the settings {settings}: {error}"),
        };
        assert!(
            filter.keeps_state(),
            "with {settings} the filter keeps no state, so a host hands nothing over"
        );
        Self { filter, routes }
    }

    /// What comes of these lines, one a call.
    #[track_caller]
    fn lines(&mut self, input: &[Vec<u8>]) -> Vec<Line> {
        let mut out = Vec::new();
        for line in input {
            let call = std::slice::from_ref(line);
            let outcome = batch::process(&mut self.filter, &self.routes, pack(call, false));
            let verdicts = super::judge(call, &pack(call, false), &self.routes, outcome);
            for verdict in verdicts {
                out.extend(made(verdict, line));
            }
        }
        out
    }

    /// What comes of these lines and of the end behind them.
    #[track_caller]
    fn rest(mut self, input: &[Vec<u8>]) -> Vec<Line> {
        let mut out = self.lines(input);
        match batch::finish(&mut self.filter, &self.routes) {
            Ok(Held { output, .. }) => {
                out.extend(super::unpack(&output).map(|line| Line(line.to_vec())));
            }
            Err(reason) => panic!("finish failed: {:?}", Line(reason)),
        }
        out
    }

    #[track_caller]
    fn save(&self) -> Vec<u8> {
        match handover::save(&self.filter) {
            Ok(state) => state,
            Err(error) => panic!("the filter does not give its state: {error}"),
        }
    }
}

#[track_caller]
fn made(verdict: Verdict, line: &[u8]) -> Vec<Line> {
    match verdict {
        Verdict::Pass => vec![Line(line.to_vec())],
        Verdict::Replace(line) => vec![line],
        Verdict::Drop => Vec::new(),
        Verdict::Split(lines) | Verdict::Close(lines) => lines,
        Verdict::Route(_, verdict) => made(*verdict, line),
        Verdict::Fail(reason) => panic!("{:?} failed: {reason:?}", Line(line.to_vec())),
    }
}
