//! Hands state over between two filters, as a host does when a chain is changed while a stream is
//! live.
//!
//! In: settings and lines before the change, and settings and lines after it. Out: the output lines
//! after it, or why the state was refused. Not here: what a host does if the state is refused.

use super::{
    Fit, Line, Process, SHORTCUT, Value, Verdict, json, owned, pack, start, store, stream,
};
use crate::batch::{self, Held};
use crate::{Handover, handover};

/// The output lines for `after`, the rest of a stream, when a filter with the settings `new` takes
/// over from a filter with the settings `old` that has judged the lines `before`. They include the
/// lines emitted at the end of the stream, and lines that take a route.
///
/// # Panics
/// - If settings or state are refused, a line fails, or the filter keeps no state.
/// - If `save` changes what the filter does next, or what a second `save` returns.
/// - If the settings are equal, but the two filters together do not output what a single filter
///   does.
#[track_caller]
pub fn handed_over<F: Handover>(
    old: Value,
    before: impl IntoIterator<Item: AsRef<[u8]>>,
    new: Value,
    after: impl IntoIterator<Item: AsRef<[u8]>>,
) -> Vec<Line> {
    let (before, after) = (owned(before), owned(after));
    let by_line = hand_over::<F>([&old, &new], [&before, &after], batch::process_by_line);
    let whole = hand_over::<F>([&old, &new], [&before, &after], batch::process);
    assert!(
        whole == by_line,
        "{SHORTCUT}\nwith the shortcut: {whole:?}\nline by line: {by_line:?}"
    );
    whole
}

#[track_caller]
fn hand_over<F: Handover>(
    [old, new]: [&Value; 2],
    [before, after]: [&[Vec<u8>]; 2],
    process: Process<F>,
) -> Vec<Line> {
    store::clear();
    let mut unchanged = Stream::<F>::new(old, process);
    unchanged.lines(before);
    let expected = unchanged.rest(after);

    store::clear();
    let mut saved = Stream::<F>::new(old, process);
    saved.lines(before);
    let (state, again) = (saved.save(), saved.save());
    assert!(
        state == again,
        "a second call of `save` returns another state"
    );
    // The store stays where it is, and instances may change it after `save`.
    let shared = store::copy();
    let continued = saved.rest(after);
    assert!(
        continued == expected,
        "`save` changes the filter\nwithout `save`: {expected:?}\n   with `save`: {continued:?}"
    );

    let mut successor = Stream::<F>::new(new, process);
    if let Err(error) = handover::restore(&mut successor.filter, F::TAG.as_bytes(), &state) {
        panic!("the filter refuses its own state: {error}");
    }
    store::set_back(shared);
    let output = successor.rest(after);
    assert!(
        old != new || output == expected,
        "`save` and `restore` lose state\n\
         without handover: {expected:?}\n   with handover: {output:?}"
    );
    output
}

/// The output lines for `after` when a filter takes over `state` with the tag `tag`, for example
/// that of an older format.
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
    let after = owned(after);
    let [by_line, whole] = [batch::process_by_line, batch::process].map(|process| {
        store::clear();
        let mut stream = Stream::<F>::new(&settings, process);
        match handover::restore(&mut stream.filter, tag.as_bytes(), state.as_ref()) {
            Ok(()) => stream.rest(&after),
            Err(error) => panic!("the filter refuses the state: {error}"),
        }
    });
    assert!(
        whole == by_line,
        "{SHORTCUT}\nwith the shortcut: {whole:?}\nline by line: {by_line:?}"
    );
    whole
}

/// The error with which a filter with default settings refuses `state` with the tag `tag`.
///
/// # Panics
/// If the filter accepts the state.
#[track_caller]
pub fn refused_state<F: Handover>(tag: &str, state: impl AsRef<[u8]>) -> String {
    let mut stream = Stream::<F>::new(&json!({}), batch::process);
    match handover::restore(&mut stream.filter, tag.as_bytes(), state.as_ref()) {
        Ok(()) => panic!("expected a refusal, but the filter accepts this state with tag `{tag}`"),
        Err(error) => error.to_string(),
    }
}

/// A filter that serves one stream.
struct Stream<F> {
    filter: F,
    routes: Vec<String>,
    process: Process<F>,
}

impl<F: Handover> Stream<F> {
    #[track_caller]
    fn new(settings: &Value, process: Process<F>) -> Self {
        let (filter, routes) = match start::<F>(settings) {
            Ok(started) => started,
            Err(error) => panic!("the filter refuses the settings {settings}: {error}"),
        };
        assert!(
            filter.keeps_state(),
            "the filter keeps no state with the settings {settings}, so there is nothing to hand over"
        );
        Self {
            filter,
            routes,
            process,
        }
    }

    /// The output lines for `input`, passed with one line per call.
    #[track_caller]
    fn lines(&mut self, input: &[Vec<u8>]) -> Vec<Line> {
        let mut out = Vec::new();
        for line in input {
            let call = std::slice::from_ref(line);
            let block = pack(call, false);
            let process = || (self.process)(&mut self.filter, &self.routes, block);
            let outcome = stream::in_call(process);
            let verdicts = super::judge(
                call,
                &pack(call, false),
                &self.routes,
                outcome,
                Fit::of(call),
            );
            for verdict in verdicts {
                out.extend(output_lines(verdict, line));
            }
        }
        out
    }

    /// The output lines for `input` and for the end of the stream after it.
    #[track_caller]
    fn rest(mut self, input: &[Vec<u8>]) -> Vec<Line> {
        let mut out = self.lines(input);
        match stream::in_call(|| batch::finish(&mut self.filter, &self.routes)) {
            Ok(Held { output, .. }) => {
                out.extend(super::unpack(&output).map(|line| Line(line.to_vec())));
            }
            Err(reason) => panic!("`finish` failed: {:?}", Line(reason)),
        }
        out
    }

    #[track_caller]
    fn save(&self) -> Vec<u8> {
        match handover::save(&self.filter) {
            Ok(state) => state,
            Err(error) => panic!("`save` failed: {error}"),
        }
    }
}

/// The output lines that `verdict` stands for, where `line` is the input line.
#[track_caller]
fn output_lines(verdict: Verdict, line: &[u8]) -> Vec<Line> {
    match verdict {
        Verdict::Pass => vec![Line(line.to_vec())],
        Verdict::Replace(line) => vec![line],
        Verdict::Drop => Vec::new(),
        Verdict::Split(lines) | Verdict::Close(lines) => lines,
        Verdict::Route(_, inner) => output_lines(*inner, line),
        Verdict::Fail(reason) => panic!("{:?} failed: {reason:?}", Line(line.to_vec())),
    }
}
