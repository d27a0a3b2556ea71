//! Checks a filter's answer before any of its bytes are used.
//!
//! In: the lines of a call, and the guest's outcome. Out: [`Verdicts`]: the lines that continue
//! through the chain and those that take a route, with `on_error` applied to those that failed. If the
//! outcome contradicts itself, [`Broken`]. `shape` is the fast path, `checks` validates every number
//! of an outcome, `spans` says where its lines are, `held` judges the lines of `finish`, and
//! [`routed_lines`] holds the lines that take a route. Pure.
//! Not here: calling guests (`instance`), counting (`supervise::accounting`).
//!
//! The rules are those of `wit/batch.wit`.

use crate::FaultKind;
use crate::bindings::filter::exports::linemill::filter::batch::Outcome;
use crate::verdict::routed_lines::RoutedLines;
use linemill_config::settings::OnError;
use linemill_config::{PRINTABLE, printable};
use linemill_framing::{Framing, LineSettings, Lines};

mod checks;
mod held;
pub mod routed_lines;
mod shape;
mod spans;
#[cfg(test)]
mod tests;

pub(crate) use held::{HeldVerdicts, judge_held};

/// The rules of a stream for lines that filters emit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// The framing whose terminator a line must not contain.
    pub framing: Framing,
    /// The longest line that a filter may emit, in bytes.
    pub max_output: usize,
}

/// A line that a filter emits may be this many times as long as `max_line`.
const OUTPUT_FACTOR: usize = 4;

/// A filter's verdicts on the lines of one or more calls.
#[derive(Debug, Default)]
pub struct Verdicts {
    /// The lines that continue through the chain.
    pub lines: Lines,
    /// How many of `lines` each input line became; empty means one each. If the connection
    /// closes, the last element is for the line that closes it.
    pub counts: Vec<u32>,
    /// The lines that leave the chain, with their positions among the input lines.
    pub routed: RoutedLines,
    /// Input lines that the filter dropped.
    pub dropped: u64,
    /// Input lines that failed, with the reason; `on_error` has been applied. Those that failed because of a
    /// fault are among them only if the call was observed.
    pub failed: Vec<Failed>,
    /// If set, the connection closes after these lines.
    pub close: Option<Close>,
}

/// An input line that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// The line's index among the input lines of its call.
    pub line: usize,
    /// The kind of failure, for metrics.
    pub kind: FaultKind,
    /// The reason that the filter or the check gave, for people. A filter's is cut to [`REASON`]
    /// bytes.
    pub reason: String,
}

/// Why a filter closes a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// The filter's verdict was `close`.
    Verdict,
    /// A line failed and `on_error` is `close`.
    OnError,
    /// The host could not run the filter. The line that closes has not been filtered.
    Host,
}

/// An outcome that contradicts itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Broken(&'static str);

/// The longest reason that is kept, in bytes.
pub const REASON: usize = PRINTABLE;

impl Rules {
    /// The rules of a stream whose lines are made according to `lines`.
    pub fn of(lines: LineSettings) -> Self {
        Self {
            framing: lines.framing,
            max_output: OUTPUT_FACTOR * lines.max_line,
        }
    }
}

/// Judges an outcome. `route_indices` has, for each route that the filter declared, its index among
/// the routes of the chain. A line whose route has no destination (`None`) continues through the
/// chain.
///
/// If the output has its lines at the same positions as the input, their spans move to the verdicts
/// uncopied. `input` then keeps its block, but has no lines any more.
///
/// # Errors
/// [`Broken`] if a number of the outcome is out of order or range. The whole outcome is then unusable.
pub fn judge(
    input: &mut Lines,
    outcome: Outcome,
    rules: Rules,
    route_indices: &[Option<u32>],
    on_error: OnError,
) -> Result<Verdicts, Broken> {
    if outcome.counts.is_empty()
        && outcome.failures.is_empty()
        && outcome.routes.is_empty()
        && outcome.close_after.is_none()
        && shape::is_same(input, &outcome.output, rules)
    {
        return Ok(Verdicts {
            lines: input.take_over(outcome.output.bytes),
            ..Verdicts::default()
        });
    }
    rebuild(input, outcome, rules, route_indices, on_error)
}

/// The general case: line by line. Each output line gets the terminator of its input line.
fn rebuild(
    input: &Lines,
    outcome: Outcome,
    rules: Rules,
    route_indices: &[Option<u32>],
    on_error: OnError,
) -> Result<Verdicts, Broken> {
    let Outcome {
        output,
        mut counts,
        failures,
        routes,
        close_after,
    } = outcome;
    let contents = checks::contents(input, &output, counts.is_empty())?;
    checks::counts(input, &counts, contents.len())?;
    checks::failures(input, &failures, &counts)?;
    checks::routes(input.len(), &routes, &failures, route_indices.len())?;
    if close_after.is_some_and(|line| line as usize >= input.len()) {
        return Err(Broken("close-after is not the index of a line of the call"));
    }
    let (mut failures, mut routes) = (failures.iter().peekable(), routes.iter().peekable());
    let (bytes, mut rest) = (&output.bytes[..], &contents[..]);
    let mut verdicts = Verdicts::default();
    for index in 0..input.len() {
        let count = counts.get(index).map_or(1, |count| *count as usize);
        let (mine, others) = rest.split_at(count);
        rest = others;
        let failed = match failures.next_if(|failure| failure.line as usize == index) {
            Some(failure) => Some(Failed {
                line: index,
                kind: FaultKind::Verdict,
                reason: printable(&failure.reason),
            }),
            None => checks::unacceptable(index, bytes, mine, rules),
        };
        let route = routes
            .next_if(|routed| routed.line as usize == index)
            .and_then(|routed| route_indices[routed.route as usize]);
        let terminator = input.terminator(index);
        let passed = match (failed, route) {
            (Some(failed), _) => {
                verdicts.failed.push(failed);
                match on_error {
                    OnError::Pass => verdicts.lines.push(input.content(index), terminator),
                    OnError::Drop | OnError::Quarantine => {}
                    OnError::Close => verdicts.close = Some(Close::OnError),
                }
                usize::from(on_error == OnError::Pass)
            }
            (None, Some(route)) => {
                verdicts.dropped += u64::from(mine.is_empty());
                for (start, end) in mine {
                    let own = if terminator.is_empty() {
                        rules.framing.terminator()
                    } else {
                        terminator
                    };
                    verdicts
                        .routed
                        .push(&bytes[*start..*end], own, route, index);
                }
                0
            }
            (None, None) => {
                verdicts.dropped += u64::from(mine.is_empty());
                emit(&mut verdicts.lines, bytes, mine, terminator, rules.framing);
                count
            }
        };
        if close_after == Some(index as u32) && verdicts.close.is_none() {
            verdicts.close = Some(Close::Verdict);
        }
        if passed != count || verdicts.close.is_some() {
            counts.resize(input.len(), 1);
            counts[index] = passed as u32;
        }
        if verdicts.close.is_some() {
            counts.truncate(index + 1);
            break;
        }
    }
    verdicts.counts = counts;
    Ok(verdicts)
}

/// Adds output lines with the terminator of their input line. If that has none, as at the unterminated
/// end of a stream, only the last output line stays without, so that lines do not run together.
fn emit(
    lines: &mut Lines,
    bytes: &[u8],
    spans: &[(usize, usize)],
    terminator: &[u8],
    framing: Framing,
) {
    for (nth, (start, end)) in spans.iter().enumerate() {
        let inner = terminator.is_empty() && nth + 1 < spans.len();
        lines.push(
            &bytes[*start..*end],
            if inner {
                framing.terminator()
            } else {
                terminator
            },
        );
    }
}

// === impl Verdicts ===

impl Verdicts {
    /// The verdicts on lines whose call failed, according to `on_error`.
    pub(crate) fn on_failed(input: Lines, on_error: OnError) -> Self {
        match on_error {
            OnError::Pass => Self {
                lines: input,
                ..Self::default()
            },
            OnError::Drop | OnError::Quarantine => Self {
                counts: vec![0; input.len()],
                ..Self::default()
            },
            OnError::Close => Self {
                counts: vec![0],
                close: Some(Close::OnError),
                ..Self::default()
            },
        }
    }

    /// The verdicts on lines that the host could not filter: the stream ends before them.
    pub(crate) fn ended_by_host() -> Self {
        Self {
            counts: vec![0],
            close: Some(Close::Host),
            ..Self::default()
        }
    }

    /// How many of the `inputs` input lines are lost because the host could not filter them.
    pub(crate) fn cut(&self, inputs: usize) -> u64 {
        if self.close == Some(Close::Host) {
            // The last count is that of the first line that was not filtered.
            (inputs + 1).saturating_sub(self.counts.len()) as u64
        } else {
            0
        }
    }

    /// Adds `why` to lines whose call failed, the first of them only if that closes the stream.
    pub(crate) fn because(mut self, lines: usize, why: Option<(FaultKind, &str)>) -> Self {
        if let Some((kind, reason)) = why {
            let lines = if self.close.is_some() { 1 } else { lines };
            let failed = |line| Failed {
                line,
                kind,
                reason: reason.to_owned(),
            };
            self.failed = (0..lines).map(failed).collect();
        }
        self
    }

    /// Adds the verdicts on the `lines` lines after the first `base`. Leaves out `dropped`, which has been
    /// counted already, as have the lines that failed.
    pub(crate) fn append(&mut self, later: Self, base: usize, lines: usize) {
        let failed = later.failed.into_iter();
        self.failed.extend(failed.map(|failed| Failed {
            line: base + failed.line,
            ..failed
        }));
        self.lines.append(later.lines);
        self.routed.append(later.routed, base);
        self.close = later.close;
        if self.counts.is_empty() && later.counts.is_empty() {
            return;
        }
        self.counts.resize(base, 1);
        if later.counts.is_empty() {
            self.counts.resize(base + lines, 1);
        } else {
            self.counts.extend(later.counts);
        }
    }
}
