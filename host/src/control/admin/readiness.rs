//! Whether the host is ready for lines: the rule of `/readyz`.
//!
//! In: the snapshot in force. Out: why the host is not ready, nothing if it is. It is not ready once it
//! has been told to stop, after a panic that ends it, and while an output is down that a listener needs
//! by its key `readiness`. An upstream of each client's own does not count: nobody tries it while no
//! client comes.
//! Not here: whether the process is alive; `/healthz` answers while it is.

use std::time::Duration;

use humantime::format_rfc3339_seconds;

use crate::generation::Snapshot;
use crate::panics;
use crate::sinks::shared_sink::SharedSink;

/// How long an output may be down before its listener is not ready.
const GRACE: Duration = Duration::from_secs(10);

/// Why the host is not ready, one reason each.
pub(super) fn not_ready(snapshot: &Snapshot) -> Vec<String> {
    if panics::ended_by().is_some() {
        return vec!["stopping because of a bug in linemill".to_owned()];
    }
    if snapshot.stopping {
        return vec!["draining".to_owned()];
    }
    let services = snapshot.generation().services.iter();
    let down = services.flat_map(|(name, service)| {
        let outputs = service.egress.needed(service.readiness);
        outputs.filter_map(move |(key, output)| Some((name, key, report(output)?)))
    });
    let mut reasons: Vec<_> = down
        .map(|(name, key, report)| format!("not ready: `{key}` of listener `{name}`: {report}"))
        .collect();
    reasons.sort();
    reasons
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
