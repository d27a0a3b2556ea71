//! The per-line world: one call per line.
//!
//! In: lines. Out: the outcome that a batch filter would return, so that the rest of the host handles
//! only one kind of answer.
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
        let mut push =
            |lines: &[Vec<u8>]| lines.iter().for_each(|content| output.push(content, end));
        match guest
            .call_process(&mut *store, input.content(index))
            .await?
        {
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
        if output.bytes().len() + output.len() + reasons > limit {
            return Err(LimitExceeded::Output.into());
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
