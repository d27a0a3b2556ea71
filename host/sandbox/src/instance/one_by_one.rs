//! The per-line world: one call per line.
//!
//! In: lines, or the answer of `finish`. Out: what a batch filter would return, so that the rest of the
//! host handles only one kind of answer. How long an answer is gets checked before it is copied.
//! Not here: checking the outcome (`verdict`).

use std::time::Duration;

use wasmtime::Store;

use crate::bindings::filter::exports::linemill::filter::batch::{self, Failure, Outcome, Routed};
use crate::bindings::line_filter::exports::linemill::filter::line::{self, Verdict};
use crate::imports::HostState;
use crate::limits::LimitExceeded;
use crate::verdict::REASON;
use linemill_framing::Lines;

/// Calls a filter once per line. Each call may take `deadline`. All answers together may have `limit`
/// bytes, where each output line counts as one byte more.
pub(super) async fn process(
    guest: &line::Guest,
    store: &mut Store<HostState>,
    deadline: Duration,
    input: &Lines,
    limit: usize,
) -> wasmtime::Result<Outcome> {
    let mut output = Lines::default();
    let mut outcome = Outcome {
        output: batch::LinesResult {
            bytes: Vec::new(),
            spans: Vec::new(),
        },
        counts: Vec::with_capacity(input.len()),
        failures: Vec::new(),
        routes: Vec::new(),
        close_after: None,
    };
    // Bytes of the reasons of all failed lines.
    let mut reasons = 0;
    for index in 0..input.len() {
        let end = input.terminator(index);
        let before = output.len();
        super::allow(store, deadline);
        let verdict = guest
            .call_process(&mut *store, input.content(index))
            .await?;
        let used = output.bytes().len() + output.len() + reasons;
        if used.saturating_add(size(&verdict, input, index)) > limit {
            return Err(LimitExceeded::Output.into());
        }
        let mut push =
            |lines: &[Vec<u8>]| lines.iter().for_each(|content| output.push(content, end));
        match verdict {
            Verdict::Pass => output.push(input.content(index), end),
            Verdict::Replace(content) => output.push(&content, end),
            Verdict::Drop => {}
            Verdict::Split(lines) => push(&lines),
            Verdict::Fail(mut reason) => {
                reason.truncate(REASON);
                reason.shrink_to_fit();
                reasons += reason.len();
                let line = index as u32;
                outcome.failures.push(Failure { line, reason });
            }
            Verdict::Close(lines) => {
                push(&lines);
                outcome.close_after = Some(index as u32);
            }
            Verdict::Route((route, lines)) => {
                push(&lines);
                let line = index as u32;
                outcome.routes.push(Routed { line, route });
            }
        }
        outcome.counts.push((output.len() - before) as u32);
        if outcome.close_after.is_some() {
            outcome.counts.resize(input.len(), 0);
            break;
        }
    }
    let (bytes, spans) = output.into_parts();
    outcome.output = batch::LinesResult { bytes, spans };
    Ok(outcome)
}

/// How many bytes a verdict on the line `index` adds to the answer, where each output line counts as one
/// byte more.
fn size(verdict: &Verdict, input: &Lines, index: usize) -> usize {
    let line = |content: &[u8]| content.len() + input.terminator(index).len() + 1;
    match verdict {
        Verdict::Pass => line(input.content(index)),
        Verdict::Replace(content) => line(content),
        Verdict::Drop => 0,
        Verdict::Fail(reason) => reason.len().min(REASON),
        Verdict::Split(lines) | Verdict::Close(lines) | Verdict::Route((_, lines)) => {
            lines.iter().map(|content| line(content)).sum()
        }
    }
}

/// The answer of `finish` as a batch filter would give it. It may have `limit` bytes, where each line
/// counts as one byte more.
pub(super) fn held(held: &[line::Held], limit: usize) -> wasmtime::Result<batch::Held> {
    let total: usize = held.iter().map(|held| held.content.len() + 1).sum();
    if total > limit {
        return Err(LimitExceeded::Output.into());
    }
    let mut answer = batch::Held {
        output: batch::LinesResult {
            bytes: Vec::with_capacity(total),
            spans: Vec::with_capacity(2 * held.len()),
        },
        routes: Vec::new(),
    };
    let batch::LinesResult { bytes, spans } = &mut answer.output;
    for (line, held) in held.iter().enumerate() {
        spans.push(bytes.len() as u32);
        bytes.extend_from_slice(&held.content);
        spans.push(bytes.len() as u32);
        if let Some(route) = held.route {
            let line = line as u32;
            answer.routes.push(Routed { line, route });
        }
    }
    Ok(answer)
}
