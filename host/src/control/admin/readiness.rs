//! Whether the host is ready for lines, as far as its outputs are concerned.
//!
//! In: the generation in force. Out: why it is not ready; `None` if it is. Only listeners with
//! `readiness = "outputs"` ask, and only for `to` and `routes`: a tee that is down stops no line. An
//! upstream of each client's own does not count: nobody tries it while no client comes.

use std::time::Duration;

use humantime::format_rfc3339_seconds;

use crate::generation::Generation;
use crate::sinks::shared_sink::SharedSink;

/// How long an output may be down before its listener is not ready.
const GRACE: Duration = Duration::from_secs(10);

/// The outputs that keep the host from being ready, one per line; `None` if there is none.
pub(super) fn not_ready(generation: &Generation) -> Option<String> {
    let services = generation.services.iter();
    let needy = services.filter(|(_, service)| service.needs_outputs);
    let down = needy.flat_map(|(name, service)| {
        let outputs = service.egress.needed();
        outputs.filter_map(move |(key, output)| Some((name, key, report(output)?)))
    });
    let mut lines: Vec<_> = down
        .map(|(name, key, report)| format!("not ready: `{key}` of listener `{name}`: {report}\n"))
        .collect();
    lines.sort();
    (!lines.is_empty()).then(|| lines.concat())
}

/// Says that an output is down, since when and why, if it has been for too long.
fn report(output: &SharedSink) -> Option<String> {
    let state = output.state();
    if state.up || state.lasting < GRACE {
        return None;
    }
    let (to, since) = (output.to(), format_rfc3339_seconds(state.since));
    let reason = state.reason.unwrap_or_else(|| "not reached yet".to_owned());
    Some(format!("output {to} has been down since {since}: {reason}"))
}
