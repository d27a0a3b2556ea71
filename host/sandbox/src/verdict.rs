//! Checks what a filter answered, before one byte of it goes on.
//!
//! In: the lines of a call and the guest's outcome. Out: [`Verdicts`], the lines that go on and those
//! that take a route, `on_error` applied to those that failed, or [`Broken`] when the answer as a whole makes no
//! sense. Pure: no guest is called, nothing is counted.
//!
//! The rules are those of `wit/batch.wit`.

use crate::FaultKind;
use crate::bindings::filter::exports::linemill::filter::batch::Outcome;
use crate::verdict::routed_lines::RoutedLines;
use linemill_config::settings::OnError;
use linemill_framing::Framing;
use linemill_framing::Lines;

mod checks;
pub mod routed_lines;
mod shape;
#[cfg(test)]
mod tests;

/// What a stream asks of the lines that filters emit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// The framing whose terminators no line may hold.
    pub framing: Framing,
    /// Longest line a filter may emit, bytes.
    pub max_output: usize,
}

/// The lines of one call after a filter.
#[derive(Debug, Default)]
pub struct Verdicts {
    /// What goes on.
    pub lines: Lines,
    /// How many of `lines` each input line became; empty means one each. If the connection
    /// closes, they end with the line that closes it.
    pub counts: Vec<u32>,
    /// What leaves the chain, with its places among the input lines.
    pub routed: RoutedLines,
    /// Input lines that the filter dropped.
    pub dropped: u64,
    /// Input lines that failed, with the reason; `on_error` has been applied.
    pub failed: Vec<Failed>,
    /// The connection closes after these lines.
    pub close: Option<Close>,
}

/// An input line that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// Which of the call's lines.
    pub line: usize,
    /// Why, for metrics.
    pub kind: FaultKind,
    /// What the filter or the check says, at most [`REASON`] bytes.
    pub reason: String,
}

/// Why a filter closes a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// Its verdict says so.
    Verdict,
    /// A line failed and `on_error` is `close`.
    OnError,
}

/// An outcome that contradicts itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Broken(&'static str);

/// Longest reason kept, bytes.
pub const REASON: usize = 1024;

/// Judges an outcome. `ways` has, for each route that the filter declared, where it leads out of
/// the chain; a line whose route leads nowhere goes on.
///
/// The spans of an answer that lies as its input does are the input's own: `input` then has no
/// lines any more, only its block.
///
/// # Errors
/// [`Broken`] when numbers are out of order or range: nothing of the outcome can be used.
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

/// The general way: line by line, each output line given the terminator of its input line.
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
    checks::routes(input, &routes, &failures, route_indices.len())?;
    if close_after.is_some_and(|line| line as usize >= input.len()) {
        return Err(Broken("close-after names no line of the call"));
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
        let go_on = match (failed, route) {
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
                    let terminator = Some(terminator).filter(|own| !own.is_empty());
                    let terminator = terminator.unwrap_or_else(|| rules.framing.terminator());
                    verdicts
                        .routed
                        .push(&bytes[*start..*end], terminator, route, index);
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
        if go_on != count || verdicts.close.is_some() {
            counts.resize(input.len(), 1);
            counts[index] = go_on as u32;
        }
        if verdicts.close.is_some() {
            counts.truncate(index + 1);
            break;
        }
    }
    verdicts.counts = counts;
    Ok(verdicts)
}

/// Each output line with the terminator of the input line. Where that has none (the unterminated
/// end of a stream) only the last line goes without, or lines would run together.
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

/// A reason as it may be shown: bounded, control characters escaped.
pub(crate) fn printable(reason: &[u8]) -> String {
    let text = String::from_utf8_lossy(&reason[..reason.len().min(REASON)]);
    if !text.contains(char::is_control) {
        return text.into_owned();
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

// === impl Verdicts ===

impl Verdicts {
    /// The verdicts on lines whose call failed.
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

    /// Adds what came of the `lines` lines after the first `base`, but for what is counted.
    pub(crate) fn append(&mut self, later: Self, base: usize, lines: usize) {
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
