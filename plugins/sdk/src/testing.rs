//! Runs a filter on the machine at hand, through the very code that runs it in a component.
//!
//! What comes in: settings as JSON, and lines without terminators. What goes out: the lines that go
//! on, those that take a route, or the verdict on each line. What it does not do: cut a stream into lines, or apply
//! `on_error`; that is the host's.
//!
//! Every call runs the lines many times, cut into calls in different ways: all at once, one by
//! one, and at random. A filter that does not keep state gets a new instance for each call. All
//! runs must agree; a filter that forgot to say that it keeps state is found here, as is one that
//! leans on how a stream happened to be cut. [`handed_over`] is for a filter that implements
//! [`Handover`](crate::Handover), and [`Instance`] for measuring what a filter costs natively.
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

mod block;
mod handover;
mod instance;
mod line;

pub(crate) use block::{judge, pack, unpack};
pub use handover::{handed_over, refused_state, restored};
pub use instance::Instance;
pub use line::Line;

use crate::batch::{self, Held};
use crate::{Filter, routes, settings};

pub use serde_json::{Value, json};

/// What became of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on, byte for byte as it came.
    Pass,
    /// This goes on in its place.
    Replace(Line),
    /// Nothing goes on.
    Drop,
    /// These go on in its place.
    Split(Vec<Line>),
    /// It could not be handled, and why.
    Fail(Line),
    /// These go on in its place, then the connection closes. There is no verdict on later lines.
    Close(Vec<Line>),
    /// What goes on takes this route: see [`Verdict::by`].
    Route(String, Box<Verdict>),
}

/// All that came of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// One for each line, up to one that closes the connection.
    pub verdicts: Vec<Verdict>,
    /// What [`Filter::finish`] gave back, or why it failed. Empty when no state is kept, and when
    /// the connection was closed.
    pub held: Result<Vec<Line>, Line>,
    /// The route that `held` takes, if any.
    pub held_route: Option<String>,
    /// What [`Filter::keeps_state`] said.
    pub keeps_state: bool,
}

/// The lines that come out of a stream of `input` lines. Those that take a route are not among
/// them: see [`routed`].
///
/// # Panics
/// If the settings are refused, a line fails, or the runs do not agree.
#[track_caller]
pub fn lines<F: Filter>(settings: Value, input: impl IntoIterator<Item: AsRef<[u8]>>) -> Vec<Line> {
    on_their_way::<F>(settings, own(input), None)
}

/// The lines of a stream of `input` lines that take `route`.
///
/// # Panics
/// If the settings are refused, a line fails, or the runs do not agree.
#[track_caller]
pub fn routed<F: Filter>(
    settings: Value,
    input: impl IntoIterator<Item: AsRef<[u8]>>,
    route: &str,
) -> Vec<Line> {
    on_their_way::<F>(settings, own(input), Some(route))
}

/// The lines that take `route`, or those that take none.
#[track_caller]
fn on_their_way<F: Filter>(settings: Value, input: Vec<Vec<u8>>, route: Option<&str>) -> Vec<Line> {
    let run = run::<F>(settings, &input);
    let mut lines = Vec::new();
    for (index, (verdict, content)) in run.verdicts.into_iter().zip(input).enumerate() {
        let (way, verdict) = match verdict {
            Verdict::Route(way, verdict) => (Some(way), *verdict),
            verdict => (None, verdict),
        };
        let made = match verdict {
            Verdict::Pass => vec![Line(content)],
            Verdict::Replace(line) => vec![line],
            Verdict::Split(parts) | Verdict::Close(parts) => parts,
            Verdict::Drop | Verdict::Route(..) => Vec::new(),
            Verdict::Fail(reason) => {
                panic!("line {index} failed: {reason:?}; `testing::verdicts` shows failures")
            }
        };
        if way.as_deref() == route {
            lines.extend(made);
        }
    }
    match run.held {
        Ok(held) if run.held_route.as_deref() == route => lines.extend(held),
        Ok(_) => {}
        Err(reason) => panic!("finish failed: {reason:?}; `testing::run` shows failures"),
    }
    lines
}

/// The verdict on each of the `input` lines, up to one that closes the connection.
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

/// Why `settings` are refused.
///
/// # Panics
/// If they are taken.
#[track_caller]
pub fn refusal<F: Filter>(settings: Value) -> String {
    match start::<F>(&settings) {
        Ok(_) => panic!("the filter takes these settings: {settings}"),
        Err(error) => error.to_string(),
    }
}

/// All that comes of a stream of `input` lines.
///
/// # Panics
/// If the settings are refused or the runs do not agree.
#[track_caller]
pub fn run<F: Filter>(settings: Value, input: impl IntoIterator<Item: AsRef<[u8]>>) -> Run {
    let input = own(input);
    let whole = run_cut::<F>(&settings, &input, &mut |left| left);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let check = |how: &str, cut: &mut dyn FnMut(usize) -> usize| {
        let other = run_cut::<F>(&settings, &input, cut);
        assert!(
            whole == other,
            "the filter depends on how its stream is cut into calls ({how}).\n\
             hint: if a verdict depends on earlier lines, declare `const KEEPS_STATE: bool = true`\n\
             in one call: {whole:?}\n    {how}: {other:?}",
        );
    };
    check("one line a call", &mut |_| 1);
    for most in [2, 3, 5, 9, 17, 65] {
        check("cut at random", &mut |_| 1 + random.below(most));
    }
    whole
}

#[track_caller]
fn start<F: Filter>(settings: &Value) -> Result<(F, Vec<String>), crate::Error> {
    let filter = settings::read(settings.to_string().as_bytes()).and_then(F::new)?;
    let routes = routes::declared(&filter)?;
    Ok((filter, routes))
}

/// Runs `input` in calls of as many lines as `cut` says, given how many are left.
#[track_caller]
fn run_cut<F: Filter>(
    settings: &Value,
    input: &[Vec<u8>],
    cut: &mut dyn FnMut(usize) -> usize,
) -> Run {
    let new = || match start::<F>(settings) {
        Ok(started) => started,
        Err(error) => panic!("the filter refuses the settings {settings}: {error}"),
    };
    let (mut filter, routes) = new();
    let keeps_state = filter.keeps_state();
    let mut verdicts = Vec::new();
    let mut left = input;
    while !left.is_empty() {
        let (call, later) = left.split_at(cut(left.len()).clamp(1, left.len()));
        left = later;
        let outcome = batch::process(&mut filter, &routes, pack(call, later.is_empty()));
        let closes = outcome.close_after.is_some();
        verdicts.extend(judge(call, &pack(call, later.is_empty()), &routes, outcome));
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
    let held = match keeps_state {
        true => batch::finish(&mut filter, &routes),
        false => Ok(Held::default()),
    };
    let held_route = held.as_ref().ok().and_then(|held| held.routes.first());
    Run {
        verdicts,
        held_route: held_route.map(|routed| routes[routed.route as usize].clone()),
        held: match held {
            Ok(held) => Ok(unpack(&held.output)
                .map(|line| Line(line.to_vec()))
                .collect()),
            Err(reason) => Err(Line(reason)),
        },
        keeps_state,
    }
}

fn own(input: impl IntoIterator<Item: AsRef<[u8]>>) -> Vec<Vec<u8>> {
    input
        .into_iter()
        .map(|line| line.as_ref().to_vec())
        .collect()
}

/// The same numbers on every run, so that a failure can be seen again.
struct Random(u64);

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
    /// This verdict, with what goes on taking `route`: `Verdict::Pass.by("errors")`.
    pub fn by(self, route: impl Into<String>) -> Self {
        Self::Route(route.into(), Box::new(self))
    }
}

#[cfg(test)]
mod tests;
