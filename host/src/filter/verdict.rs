//! Checks what a filter answered, before one byte of it goes on.
//!
//! In: the lines of a call and the guest's outcome. Out: [`Judged`], the lines that go on,
//! `on_error` applied to those that failed, or [`Broken`] when the answer as a whole makes no
//! sense. Pure: no guest is called, nothing is counted.
//!
//! The rules are those of `wit/batch.wit`.

use super::bindings::filter::exports::linemill::filter::batch::Outcome;
use crate::config::settings::{Framing, OnError};
use crate::lines::Lines;
use crate::scan;

#[cfg(test)]
#[path = "verdict_tests.rs"]
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
pub struct Judged {
    /// What goes on.
    pub lines: Lines,
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
    /// Label for metrics.
    pub kind: &'static str,
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

/// Judges an outcome.
///
/// # Errors
/// [`Broken`] when numbers are out of order or range: nothing of the outcome can be used.
pub fn judge(
    input: &Lines,
    outcome: Outcome,
    rules: Rules,
    on_error: OnError,
) -> Result<Judged, Broken> {
    if outcome.counts.is_empty() && outcome.failures.is_empty() && outcome.close_after.is_none() {
        match same_shape(input, outcome, rules) {
            Ok(lines) => {
                return Ok(Judged {
                    lines,
                    ..Judged::default()
                });
            }
            Err(outcome) => return rebuild(input, outcome, rules, on_error),
        }
    }
    rebuild(input, outcome, rules, on_error)
}

/// The fast way: same contents' places, same gaps, so the block goes on as it came.
fn same_shape(input: &Lines, outcome: Outcome, rules: Rules) -> Result<Lines, Outcome> {
    let output = &outcome.output;
    let shaped = output.bytes.len() == input.bytes().len()
        && (output.spans.is_empty() || output.spans == input.spans())
        && same_terminators(input, &output.bytes, rules.framing);
    if shaped {
        Ok(Lines::from_parts(
            outcome.output.bytes,
            input.spans().to_vec(),
        ))
    } else {
        Err(outcome)
    }
}

/// Whether `output`, as long as the input's block, has its terminators at the same places, and
/// none elsewhere.
fn same_terminators(input: &Lines, output: &[u8], framing: Framing) -> bool {
    let last_bytes = match framing {
        Framing::Lf => scan::same_places(b'\n', input.bytes(), output),
        Framing::Nul => scan::same_places(0, input.bytes(), output),
        Framing::Crlf => framing.count_in(input.bytes()) == framing.count_in(output),
        Framing::Octet => true,
    };
    last_bytes && long_gaps_match(input, output, framing)
}

/// Compares the gaps that are more than the one byte that has been compared.
fn long_gaps_match(input: &Lines, output: &[u8], framing: Framing) -> bool {
    let theirs = input.bytes();
    let compared = usize::from(framing != Framing::Crlf);
    if matches!(framing, Framing::Lf | Framing::Nul) && input.has_single_byte_terminators() {
        return true;
    }
    let (mut from, mut pairs) = (0, input.spans().chunks_exact(2));
    let all = pairs.all(|span| {
        let (start, end) = (span[0] as usize, span[1] as usize);
        let same = start - from <= compared || theirs[from..start] == output[from..start];
        from = end;
        same
    });
    all && theirs[from..] == output[from..]
}

/// The general way: line by line, each output line given the terminator of its input line.
fn rebuild(
    input: &Lines,
    outcome: Outcome,
    rules: Rules,
    on_error: OnError,
) -> Result<Judged, Broken> {
    let contents = contents(input, &outcome)?;
    let counts = counts(input, &outcome, contents.len())?;
    let mut failures = failures(input, &outcome, counts)?;
    if outcome
        .close_after
        .is_some_and(|line| line as usize >= input.len())
    {
        return Err(Broken("close-after names no line of the call"));
    }
    let (bytes, mut rest) = (&outcome.output.bytes[..], &contents[..]);
    let mut judged = Judged::default();
    for index in 0..input.len() {
        let (mine, others) = rest.split_at(counts.map_or(1, |counts| counts[index] as usize));
        rest = others;
        let failed = match failures.next_if(|(line, _)| *line == index) {
            Some((_, reason)) => Some(Failed {
                kind: "verdict",
                reason: printable(reason),
            }),
            None => unacceptable(bytes, mine, rules),
        };
        if let Some(failed) = failed {
            judged.failed.push(failed);
            match on_error {
                OnError::Pass => judged
                    .lines
                    .push(input.content(index), input.terminator(index)),
                OnError::Drop => {}
                OnError::Close => {
                    judged.close = Some(Close::OnError);
                    return Ok(judged);
                }
            }
        } else {
            judged.dropped += u64::from(mine.is_empty());
            emit(
                &mut judged.lines,
                bytes,
                mine,
                input.terminator(index),
                rules.framing,
            );
        }
        if outcome.close_after == Some(index as u32) {
            judged.close = Some(Close::Verdict);
            return Ok(judged);
        }
    }
    Ok(judged)
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

/// Start and end of every output line, checked against the block.
fn contents(input: &Lines, outcome: &Outcome) -> Result<Vec<(usize, usize)>, Broken> {
    let output = &outcome.output;
    let spans = if output.spans.is_empty() && outcome.counts.is_empty() {
        if output.bytes.len() != input.bytes().len() {
            return Err(Broken(
                "no spans are given, and the block's length is not the input's",
            ));
        }
        input.spans()
    } else {
        &output.spans
    };
    if !spans.len().is_multiple_of(2) {
        return Err(Broken("spans are not pairs"));
    }
    if !spans.is_sorted()
        || spans
            .last()
            .is_some_and(|end| *end as usize > output.bytes.len())
    {
        return Err(Broken("spans descend, or end outside of the block"));
    }
    Ok(spans
        .chunks_exact(2)
        .map(|span| (span[0] as usize, span[1] as usize))
        .collect())
}

fn counts<'a>(
    input: &Lines,
    outcome: &'a Outcome,
    given: usize,
) -> Result<Option<&'a [u32]>, Broken> {
    if outcome.counts.is_empty() {
        return if given == input.len() {
            Ok(None)
        } else {
            Err(Broken("one line each is due, but spans differ"))
        };
    }
    if outcome.counts.len() != input.len() {
        return Err(Broken("counts are not as many as the input's lines"));
    }
    let sum: u64 = outcome.counts.iter().map(|count| u64::from(*count)).sum();
    if sum != given as u64 {
        return Err(Broken("counts do not add up to the number of lines given"));
    }
    Ok(Some(&outcome.counts))
}

type Failures<'a> = std::iter::Peekable<std::vec::IntoIter<(usize, &'a [u8])>>;

fn failures<'a>(
    input: &Lines,
    outcome: &'a Outcome,
    counts: Option<&[u32]>,
) -> Result<Failures<'a>, Broken> {
    let all: Vec<_> = outcome
        .failures
        .iter()
        .map(|f| (f.line as usize, &f.reason[..]))
        .collect();
    if !all.is_sorted_by(|a, b| a.0 < b.0) || all.last().is_some_and(|last| last.0 >= input.len()) {
        return Err(Broken("failures descend, or name no line of the call"));
    }
    if counts.is_some_and(|counts| all.iter().any(|(line, _)| counts[*line] != 0)) {
        return Err(Broken("a failed line has output"));
    }
    Ok(all.into_iter().peekable())
}

fn unacceptable(bytes: &[u8], spans: &[(usize, usize)], rules: Rules) -> Option<Failed> {
    let failed = |kind, reason: String| Some(Failed { kind, reason });
    for (start, end) in spans {
        if end - start > rules.max_output {
            return failed(
                "length",
                format!(
                    "a line of {} bytes; at most {} may go on",
                    end - start,
                    rules.max_output
                ),
            );
        }
        if rules.framing.ends_inside(&bytes[*start..*end]) {
            return failed("terminator", "a line that holds a terminator".into());
        }
    }
    None
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
