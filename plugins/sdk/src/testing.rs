//! Runs a filter natively, through the same code that runs it in a component.
//!
//! What comes in: settings as JSON, and lines without terminators. What goes out: the lines that
//! continue, those that take a route, or the verdict on each line. What it does not do: cut a
//! stream into lines or apply `on_error`; the host does that.
//!
//! Each function runs the lines many times, cut into calls in different ways: all at once, one by
//! one, and at random. A filter that does not keep state gets a new instance for each call. All
//! runs must agree. So a filter that keeps state without declaring it is detected here, and so is
//! one that depends on how its stream is cut into calls. Each run is also made line by line, without
//! [`Filter::bytes`] and [`Filter::screen`], which must give the same. Use [`handed_over`] for a filter that
//! implements [`Handover`](crate::Handover), and [`Instance`] to measure what a filter costs
//! natively.
//!
//! ```
//! use linemill_sdk::testing::{self, Verdict, json};
//! use linemill_sdk::{Output, filter_fn};
//!
//! filter_fn!(Words = words);
//!
//! fn words(line: &[u8], out: &mut Output) {
//!     for word in line.split(|&byte| byte == b' ').filter(|word| !word.is_empty()) {
//!         out.emit(word);
//!     }
//! }
//!
//! assert_eq!(testing::lines::<Words>(json!({}), ["a bc", " ", "d "]), ["a", "bc", "d"]);
//! assert_eq!(
//!     testing::verdicts::<Words>(json!({}), ["a bc", " ", "d "]),
//!     [Verdict::Split(vec!["a".into(), "bc".into()]), Verdict::Drop, Verdict::Replace("d".into())],
//! );
//! ```

mod about;
mod block;
pub(crate) mod clock;
mod handover;
mod instance;
mod line;
pub(crate) mod metrics;
mod screened;
pub(crate) mod store;
pub(crate) mod stream;
mod timed;

pub use about::described;
pub(crate) use block::{Fit, Gaps, judge, pack, unpack};
pub use clock::with_time;
pub use handover::{handed_over, refused_state, restored};
pub use instance::Instance;
pub use line::Line;
pub use metrics::counted;
pub use screened::screened;
pub use store::pass_time;
pub use stream::{Stream, with_stream};
pub use timed::{timed, timed_over_swaps};

use crate::batch::{self, Held, Lines, Outcome};
use crate::{Filter, routes, settings};

pub use serde_json::{Value, json};

/// The verdict on a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The line continues unchanged.
    Pass,
    /// This line continues instead.
    Replace(Line),
    /// The line is dropped.
    Drop,
    /// These lines continue instead.
    Split(Vec<Line>),
    /// The line could not be handled, for this reason.
    Fail(Line),
    /// These lines continue instead, then the connection closes. Later lines have no verdict.
    Close(Vec<Line>),
    /// The output takes this route: see [`Verdict::by`].
    Route(String, Box<Verdict>),
}

/// The complete result of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// One verdict per line, up to a line that closes the connection.
    pub verdicts: Vec<Verdict>,
    /// The lines that [`Filter::finish`] emitted, or why it failed. Empty if the filter keeps no
    /// state or closed the connection.
    pub held: Result<Vec<Line>, Line>,
    /// The route that the lines in `held` take, if any.
    pub held_route: Option<String>,
    /// What [`Filter::keeps_state`] returned.
    pub keeps_state: bool,
}

/// The output lines for a stream of `input` lines, without those that take a route: see [`routed`].
///
/// # Panics
/// If the settings are refused, a line fails, or the runs do not agree.
#[track_caller]
pub fn lines<F: Filter>(settings: Value, input: impl IntoIterator<Item: AsRef<[u8]>>) -> Vec<Line> {
    lines_by::<F>(settings, owned(input), None)
}

/// The output lines that take `route`, for a stream of `input` lines.
///
/// # Panics
/// If the settings are refused, a line fails, or the runs do not agree.
#[track_caller]
pub fn routed<F: Filter>(
    settings: Value,
    input: impl IntoIterator<Item: AsRef<[u8]>>,
    route: &str,
) -> Vec<Line> {
    lines_by::<F>(settings, owned(input), Some(route))
}

/// The output lines that take `route`; if `None`, those that take no route.
#[track_caller]
fn lines_by<F: Filter>(settings: Value, input: Vec<Vec<u8>>, route: Option<&str>) -> Vec<Line> {
    let run = run::<F>(settings, &input);
    let mut lines = Vec::new();
    for (index, (verdict, content)) in run.verdicts.into_iter().zip(input).enumerate() {
        let (taken, unrouted) = match verdict {
            Verdict::Route(name, inner) => (Some(name), *inner),
            verdict => (None, verdict),
        };
        let output = match unrouted {
            Verdict::Pass => vec![Line(content)],
            Verdict::Replace(line) => vec![line],
            Verdict::Split(parts) | Verdict::Close(parts) => parts,
            Verdict::Drop | Verdict::Route(..) => Vec::new(),
            Verdict::Fail(reason) => {
                panic!(
                    "line {index} failed: {reason:?}\n\
                     hint: to expect a failure, use `testing::verdicts`"
                )
            }
        };
        if taken.as_deref() == route {
            lines.extend(output);
        }
    }
    match run.held {
        Ok(held) if run.held_route.as_deref() == route => lines.extend(held),
        Ok(_) => {}
        Err(reason) => {
            panic!("`finish` failed: {reason:?}\nhint: to expect a failure, use `testing::run`")
        }
    }
    lines
}

/// The verdict on each `input` line, up to a line that closes the connection.
///
/// # Panics
/// If the settings are refused or the runs do not agree.
#[track_caller]
pub fn verdicts<F: Filter>(
    settings: Value,
    input: impl IntoIterator<Item: AsRef<[u8]>>,
) -> Vec<Verdict> {
    run::<F>(settings, input).verdicts
}

/// The error with which the filter refuses `settings`.
///
/// # Panics
/// If the filter accepts them.
#[track_caller]
pub fn refusal<F: Filter>(settings: Value) -> String {
    match start::<F>(&settings) {
        Ok(_) => panic!("expected a refusal, but the filter accepts the settings {settings}"),
        Err(error) => error.to_string(),
    }
}

/// The complete result of a stream of `input` lines.
///
/// # Panics
/// If the settings are refused or the runs do not agree.
#[track_caller]
pub fn run<F: Filter>(settings: Value, input: impl IntoIterator<Item: AsRef<[u8]>>) -> Run {
    let input = owned(input);
    let whole = run_both_ways::<F>(&settings, &input, None);
    for limit in [1, 2, 3, 5, 9, 17, 65] {
        let other = run_both_ways::<F>(&settings, &input, Some(limit));
        assert!(
            whole == other,
            "the filter depends on how its stream is cut into calls\n\
             hint: if a verdict depends on earlier lines, declare `const KEEPS_STATE: bool = true`\n\
             in one call: {whole:?}\nin calls of up to {limit} lines: {other:?}",
        );
    }
    whole
}

/// Runs `input` with the shortcuts of the filter and without, which must give the same. See [`run_cut`].
#[track_caller]
fn run_both_ways<F: Filter>(settings: &Value, input: &[Vec<u8>], limit: Option<usize>) -> Run {
    let [(by_line, counted_by_line), (whole, counted)] =
        [batch::process_by_line::<F>, batch::process::<F>].map(|process| {
            let run = run_cut(settings, input, limit, Gaps::LineFeeds, process);
            (run, metrics::snapshot())
        });
    assert!(
        whole == by_line && counted == counted_by_line,
        "{SHORTCUT}\nwith the shortcut: {whole:?}, counted: {counted:?}\n\
         line by line: {by_line:?}, counted: {counted_by_line:?}",
    );
    whole
}

/// The two ways must agree.
const SHORTCUT: &str =
    "`Filter::bytes` or `Filter::screen` does not give the same as `Filter::line`";

/// Creates a filter with its declared routes, as `start` does in a component.
fn start<F: Filter>(settings: &Value) -> Result<(F, Vec<String>), crate::Error> {
    let filter = settings::read(settings.to_string().into_bytes()).and_then(F::new)?;
    let routes = routes::declared(&filter)?;
    Ok((filter, routes))
}

/// Runs the lines of a call: with the shortcuts of the filter, or line by line.
type Process<F> = fn(&mut F, &[String], Lines) -> Outcome;

/// Runs `input` through a filter: in one call, or in calls of up to `limit` lines.
#[track_caller]
fn run_cut<F: Filter>(
    settings: &Value,
    input: &[Vec<u8>],
    limit: Option<usize>,
    gaps: Gaps,
    process: Process<F>,
) -> Run {
    store::clear();
    metrics::clear();
    let new = || match start::<F>(settings) {
        Ok(started) => started,
        Err(error) => panic!("the filter refuses the settings {settings}: {error}"),
    };
    let (mut filter, routes) = new();
    let (keeps_state, fit) = (filter.keeps_state(), Fit::of(input));
    let mut random = Random::default();
    let mut verdicts = Vec::new();
    let mut left = input;
    while !left.is_empty() {
        let lines = limit.map_or(left.len(), |limit| 1 + random.below(limit));
        let (call, later) = left.split_at(lines.min(left.len()));
        left = later;
        let block = gaps.pack(call, later.is_empty());
        let outcome = stream::in_call(|| process(&mut filter, &routes, block.clone()));
        let closes = outcome.close_after.is_some();
        verdicts.extend(judge(call, &block, &routes, outcome, fit));
        if closes {
            return Run {
                verdicts,
                held: Ok(Vec::new()),
                held_route: None,
                keeps_state,
            };
        }
        if !keeps_state {
            filter = new().0;
        }
    }
    let held = if keeps_state {
        stream::in_call(|| batch::finish(&mut filter, &routes))
    } else {
        Ok(Held::default())
    };
    let held_route = held.as_ref().ok().and_then(|held| held.routes.first());
    Run {
        verdicts,
        held_route: held_route.map(|routed| routes[routed.route as usize].clone()),
        held: match held {
            Ok(held) => unpack(&held.output)
                .map(|line| match fit.refusal(line) {
                    None => Ok(Line(line.to_vec())),
                    Some(reason) => Err(Line(reason.into())),
                })
                .collect(),
            Err(reason) => Err(Line(reason)),
        },
        keeps_state,
    }
}

fn owned(input: impl IntoIterator<Item: AsRef<[u8]>>) -> Vec<Vec<u8>> {
    input
        .into_iter()
        .map(|line| line.as_ref().to_vec())
        .collect()
}

/// A pseudo-random generator (xorshift). It yields the same numbers in every run, so that failures
/// are reproducible.
struct Random(u64);

impl Default for Random {
    fn default() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }
}

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

// === impl Verdict ===

impl Verdict {
    /// This verdict, with its output taking `route`: `Verdict::Pass.by("errors")`.
    pub fn by(self, route: impl Into<String>) -> Self {
        Self::Route(route.into(), Box::new(self))
    }
}

#[cfg(test)]
mod tests;
