//! Checks every number of an outcome against the input, since filters are not trusted.
//!
//! In: parts of an outcome. Out: the same parts in the form that [`super::judge`] requires, or
//! [`Broken`]. An output line that the stream does not allow fails alone: see [`unacceptable`].

use super::{Broken, Failed, Rules, spans};
use crate::FaultKind;
use crate::bindings::filter::exports::linemill::filter::batch::{Failure, LinesResult, Routed};
use linemill_framing::Lines;

/// Start and end of every output line, checked against the block. `one_each`: the outcome has no
/// counts, so the output must have one line per input line.
pub(super) fn contents(
    input: &Lines,
    output: &LinesResult,
    one_each: bool,
) -> Result<Vec<(usize, usize)>, Broken> {
    let spans = if output.spans.is_empty() && one_each {
        if output.bytes.len() != input.bytes().len() {
            return Err(Broken(
                "there are no spans, and the block differs from the input in length",
            ));
        }
        input.spans()
    } else {
        &output.spans
    };
    spans::contents(output.bytes.len(), spans)
}

/// Checks that there is one count per input line, and that counts add up to `outputs`, the number of
/// output lines. Without counts, there must be one output line per input line.
pub(super) fn counts(input: &Lines, counts: &[u32], outputs: usize) -> Result<(), Broken> {
    if counts.is_empty() {
        return if outputs == input.len() {
            Ok(())
        } else {
            Err(Broken(
                "there are no counts, and not one output line per input line",
            ))
        };
    }
    if counts.len() != input.len() {
        return Err(Broken("there is not one count per input line"));
    }
    let sum: u64 = counts.iter().map(|count| u64::from(*count)).sum();
    if sum != outputs as u64 {
        return Err(Broken("counts do not add up to the number of output lines"));
    }
    Ok(())
}

/// Checks that failed lines ascend, are lines of the call, and have no output.
pub(super) fn failures(input: &Lines, failures: &[Failure], counts: &[u32]) -> Result<(), Broken> {
    let lines = || failures.iter().map(|failure| failure.line as usize);
    if !lines().is_sorted_by(|a, b| a < b)
        || lines().next_back().is_some_and(|last| last >= input.len())
    {
        return Err(Broken(
            "failures descend, or one is not the index of a line of the call",
        ));
    }
    if !counts.is_empty() && lines().any(|line| counts[line] != 0) {
        return Err(Broken("a failed line has output"));
    }
    Ok(())
}

/// Checks that routed lines ascend, are among the `lines` lines, did not fail, and take routes that the
/// filter declared. `declared` is the number of these routes.
pub(super) fn routes(
    lines: usize,
    routes: &[Routed],
    failures: &[Failure],
    declared: usize,
) -> Result<(), Broken> {
    if !routes.is_sorted_by(|a, b| a.line < b.line)
        || routes
            .last()
            .is_some_and(|last| last.line as usize >= lines)
    {
        return Err(Broken("routes descend, or one is not the index of a line"));
    }
    if routes
        .iter()
        .any(|routed| routed.route as usize >= declared)
    {
        return Err(Broken("a line takes a route that was not declared"));
    }
    // Routes and failures both ascend, so one pass over each is enough.
    let mut failed = failures.iter().map(|failure| failure.line).peekable();
    let both = |routed: &Routed| {
        while failed.next_if(|line| *line < routed.line).is_some() {}
        failed.peek() == Some(&routed.line)
    };
    if !failures.is_empty() && routes.iter().any(both) {
        return Err(Broken("a failed line takes a route"));
    }
    Ok(())
}

/// Why the stream does not allow the output lines of `line`; `None` if it does.
pub(super) fn unacceptable(
    line: usize,
    bytes: &[u8],
    spans: &[(usize, usize)],
    rules: Rules,
) -> Option<Failed> {
    let failed = |kind, reason: String| Some(Failed { line, kind, reason });
    for (start, end) in spans {
        if end - start > rules.max_output {
            return failed(
                FaultKind::Length,
                format!(
                    "its output line has {} bytes, more than the {} allowed",
                    end - start,
                    rules.max_output
                ),
            );
        }
        if rules.framing.ends_inside(&bytes[*start..*end]) {
            return failed(
                FaultKind::Terminator,
                "its output line contains a terminator".into(),
            );
        }
    }
    None
}
