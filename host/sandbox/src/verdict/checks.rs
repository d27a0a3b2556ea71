//! Every number of an outcome against the input: a filter is trusted with nothing.
//!
//! In: parts of an outcome. Out: the same in the form that [`super::judge`] works with, or
//! [`Broken`]. One line that may not go on does not break an outcome: see [`unacceptable`].

use super::{Broken, Failed, Rules};
use crate::FaultKind;
use crate::bindings::filter::exports::linemill::filter::batch::{Failure, LinesResult, Routed};
use linemill_framing::Lines;

/// Start and end of every output line, checked against the block. `one_each` says that the output
/// has a line for each of the input.
pub(super) fn contents(
    input: &Lines,
    output: &LinesResult,
    one_each: bool,
) -> Result<Vec<(usize, usize)>, Broken> {
    let spans = if output.spans.is_empty() && one_each {
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

/// Checks that `counts` are one for each line, and add up to the lines `given`.
pub(super) fn counts(input: &Lines, counts: &[u32], given: usize) -> Result<(), Broken> {
    if counts.is_empty() {
        return if given == input.len() {
            Ok(())
        } else {
            Err(Broken("one line each is due, but spans differ"))
        };
    }
    if counts.len() != input.len() {
        return Err(Broken("counts are not as many as the input's lines"));
    }
    let sum: u64 = counts.iter().map(|count| u64::from(*count)).sum();
    if sum != given as u64 {
        return Err(Broken("counts do not add up to the number of lines given"));
    }
    Ok(())
}

/// Checks that failed lines ascend, are there, and have no output.
pub(super) fn failures(input: &Lines, failures: &[Failure], counts: &[u32]) -> Result<(), Broken> {
    let lines = || failures.iter().map(|failure| failure.line as usize);
    if !lines().is_sorted_by(|a, b| a < b)
        || lines().next_back().is_some_and(|last| last >= input.len())
    {
        return Err(Broken("failures descend, or name no line of the call"));
    }
    if !counts.is_empty() && lines().any(|line| counts[line] != 0) {
        return Err(Broken("a failed line has output"));
    }
    Ok(())
}

/// Checks that routed lines ascend, are there, did not fail, and take routes which the filter
/// declared, of which there are so many.
pub(super) fn routes(
    input: &Lines,
    routes: &[Routed],
    failures: &[Failure],
    declared: usize,
) -> Result<(), Broken> {
    if !routes.is_sorted_by(|a, b| a.line < b.line)
        || routes
            .last()
            .is_some_and(|last| last.line as usize >= input.len())
    {
        return Err(Broken("routes descend, or name no line of the call"));
    }
    if routes
        .iter()
        .any(|routed| routed.route as usize >= declared)
    {
        return Err(Broken("a line takes a route that was not declared"));
    }
    // Both ascend.
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

/// Why the lines that `line` became may not go on, if they may not.
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
                    "a line of {} bytes; at most {} may go on",
                    end - start,
                    rules.max_output
                ),
            );
        }
        if rules.framing.ends_inside(&bytes[*start..*end]) {
            return failed(
                FaultKind::Terminator,
                "a line that holds a terminator".into(),
            );
        }
    }
    None
}
