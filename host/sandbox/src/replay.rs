//! Replay: calls a plugin with the line of a trap capsule.
//!
//! In: a capsule, and a plugin: the one that trapped, the same one built with names and debug
//! information, or a fixed one. Out: the filter's answer, or its fault. The plugin runs in a new
//! instance, which first restores the state that the capsule holds.
//! Not here: reading files and printing results, which the host's command line does.

use std::sync::Arc;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use prometheus_client::metrics::gauge::Gauge;

use crate::backtrace::{Frame, located};
use crate::engine::Engine;
use crate::fault::{Fault, FaultKind};
use crate::imports::ImportContext;
use crate::instance::{Instance, NotStarted, Saved, Start};
use crate::limits::room::{Cost, Room};
use crate::limits::{Bounds, START};
use crate::metrics::FilterFamilies;
use crate::origin::Origin;
use crate::plugin::Plugin;
use crate::supervise::capsule::{Capsule, State};
use crate::verdict::{Close, Rules, judge};
use linemill_budget::Urgency;
use linemill_config::settings::{OnError, StoreLimits};
use linemill_framing::Framing;
use linemill_framing::Lines;

/// The result of a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replayed {
    /// The filter answered.
    Answered {
        /// The lines that continue through the chain, without terminators.
        lines: Vec<Vec<u8>>,
        /// The lines that take a route, each with the route's name.
        routed: Vec<(String, Vec<u8>)>,
        /// Why the filter failed the line, if it did.
        failed: Option<(FaultKind, String)>,
        /// The filter asked to close the connection.
        closes: bool,
    },
    /// The call failed.
    Faulted {
        /// Label as in metrics.
        kind: FaultKind,
        /// The fault, in words.
        reason: String,
        /// The guest's calls at the fault, innermost first.
        frames: Vec<Frame>,
    },
}

/// Calls `plugin` with the line of `capsule`. `component` holds the plugin's bytes, from which
/// backtraces get source files and lines.
///
/// # Errors
/// When the capsule has an invalid value, or the plugin refuses the settings or the state in it.
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
        .ok_or_else(|| format!("key `framing`: `{}` is not a framing", capsule.framing))?;
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
    let log_lines = Some(capsule.limits.log_lines);
    let import_context = ImportContext::new(
        &capsule.filter,
        capsule.grants(),
        log_lines,
        &FilterFamilies::default(),
        (StoreLimits::default(), engine.budget()),
    );
    let (import_context, gauge) = (Arc::new(import_context), Gauge::default());
    let cost = Cost::least(plugin.mappings);
    let room =
        Room::take(engine.budget(), cost, Urgency::More).map_err(|no_room| no_room.to_string())?;
    let started = Instance::start(
        engine,
        &plugin.linked,
        Start {
            bounds,
            time: bounds.deadline.max(START),
            settings: &settings,
            import_context: &import_context,
            gauge,
            room,
        },
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
        let bytes = BASE64_STANDARD
            .decode(base64)
            .map_err(|_| "key `state` is not valid base64")?;
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
    // The record does not say whose line it was.
    let origin = Origin::default();
    let called = instance.process(engine, bounds, &input, (rules, &origin));
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
