//! Runs the line of a capsule again.
//!
//! In: a capsule, and a plugin: the same, one with names and debug information, or a mended one.
//! Out: what the filter makes of the line now. The instance is a new one; it knows what the capsule
//! has of the state.
//! Not here: reading files, showing it (`cli`).

use std::sync::Arc;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use prometheus_client::metrics::gauge::Gauge;

use crate::backtrace::{Frame, located};
use crate::engine::Engine;
use crate::fault::{Fault, FaultKind};
use crate::imports::ImportContext;
use crate::instance::{Instance, NotStarted, Saved};
use crate::limits::Bounds;
use crate::metrics::FilterFamilies;
use crate::plugin::Plugin;
use crate::supervise::capsule::{Capsule, State};
use crate::verdict::{Close, Rules, judge};
use linemill_config::settings::OnError;
use linemill_framing::Framing;
use linemill_framing::Lines;

/// What became of the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replayed {
    /// The filter answered.
    Answered {
        /// The lines that go on.
        lines: Vec<Vec<u8>>,
        /// Those that take a route, with its name.
        routed: Vec<(String, Vec<u8>)>,
        /// Why it failed the line, if it did.
        failed: Option<(FaultKind, String)>,
        /// The connection closes.
        closes: bool,
    },
    /// It came to nothing again.
    Faulted {
        /// As in metrics.
        kind: FaultKind,
        /// What happened.
        reason: String,
        /// Where, innermost first.
        frames: Vec<Frame>,
    },
}

/// Runs it.
///
/// # Errors
/// When the capsule makes no sense, or the plugin cannot be given what it says.
pub async fn replay(
    engine: &Engine,
    plugin: &Plugin,
    component: &[u8],
    capsule: &Capsule,
) -> Result<Replayed, String> {
    let content = capsule.content()?;
    let framings = Framing::NAMES.iter();
    let framing = framings
        .copied()
        .find_map(|(word, framing)| (word == capsule.framing).then_some(framing))
        .ok_or_else(|| format!("key `framing`: `{}` is none", capsule.framing))?;
    let rules = Rules {
        framing,
        max_output: capsule.max_output,
    };
    let bounds = Bounds {
        memory: capsule.memory,
        deadline: Duration::from_millis(capsule.deadline_ms),
        limits: capsule.limits,
    };
    let settings = capsule.settings.to_string().into_bytes();
    let metrics = FilterFamilies::default().of(&capsule.filter);
    let log_lines = Some(capsule.limits.log_lines);
    let import_context = ImportContext::new(&capsule.filter, capsule.grants(), log_lines, &metrics);
    let (import_context, gauge) = (Arc::new(import_context), Gauge::default());
    let started = Instance::start(
        engine,
        &plugin.linked,
        bounds,
        &settings,
        &import_context,
        gauge,
    )
    .await;
    let (mut instance, routes) = match started.map_err(NotStarted::into_fault) {
        Ok(started) => started,
        Err(fault) if fault.kind == FaultKind::Refused => {
            return Err(format!("the plugin refuses its settings: {}", fault.reason));
        }
        Err(fault) => return Ok(Replayed::faulted(fault, component)),
    };
    if let State::Saved { tag, base64 } = &capsule.state {
        let bytes = BASE64_STANDARD.decode(base64);
        let bytes = bytes.map_err(|_| "key `state` is no base64")?;
        let saved = Saved {
            tag: tag.clone().into_bytes(),
            bytes,
        };
        match instance.restore(engine, bounds, &saved).await {
            Ok(()) => {}
            Err(fault) if fault.kind == FaultKind::Refused => {
                return Err(format!("the plugin refuses the state: {}", fault.reason));
            }
            Err(fault) => return Ok(Replayed::faulted(fault, component)),
        }
    }
    let mut input = Lines::default();
    input.push(&content, framing.terminator());
    let called = instance.process(engine, bounds, &input, rules.max_output);
    let outcome = match called.await {
        Ok(outcome) => outcome,
        Err(fault) => return Ok(Replayed::faulted(fault, component)),
    };
    let route_indices: Vec<_> = (0..routes.len()).map(|route| Some(route as u32)).collect();
    let verdicts = match judge(&mut input, outcome, rules, &route_indices, OnError::Drop) {
        Ok(verdicts) => verdicts,
        Err(broken) => {
            let fault = Fault::new(FaultKind::Outcome, broken.to_string());
            return Ok(Replayed::faulted(fault, component));
        }
    };
    let all = verdicts.routed.of_input(0);
    let routed = all.map(|(content, route)| (routes[route as usize].clone(), content.to_vec()));
    Ok(Replayed::Answered {
        lines: (0..verdicts.lines.len())
            .map(|line| verdicts.lines.content(line).to_vec())
            .collect(),
        routed: routed.collect(),
        failed: verdicts
            .failed
            .into_iter()
            .next()
            .map(|failed| (failed.kind, failed.reason)),
        closes: verdicts.close == Some(Close::Verdict),
    })
}

impl Replayed {
    fn faulted(fault: Fault, component: &[u8]) -> Self {
        Self::Faulted {
            kind: fault.kind,
            reason: fault.reason,
            frames: located(&fault.backtrace, component),
        }
    }
}
