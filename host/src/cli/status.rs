//! `linemill status`: shows what is and was in force in a running host.

use clap::Args;
use hyper::Method;
use linemill::control::admin::{
    self, DiskStatus, LastReloadStatus, MemoryStatus, TrialStatus, UpstreamStatus,
};
use linemill::sinks::throughput;

use super::output::{say, say_json};
use super::running::Running;

/// Show what is in force in a running host: generations, listeners, connections
///
/// A generation is everything that one configuration puts in force: chains, filters and limits. MOVED is
/// the time from the start of the next generation until the last connection had left this one.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  linemill status --admin 127.0.0.1:9713")]
pub(super) struct Status {
    #[command(flatten)]
    host: Running,
    /// Print the answer of the host as JSON
    #[arg(long)]
    json: bool,
}

impl Status {
    pub(super) fn run(self) -> anyhow::Result<()> {
        super::block_on(async {
            let (_, status) = self.host.ask(Method::GET, "/status").await?;
            if self.json {
                say_json(&serde_json::to_string_pretty(&status)?);
            } else {
                shown(&status).iter().for_each(|line| say!("{line}"));
            }
            Ok(())
        })
    }
}

/// The lines for people.
fn shown(status: &admin::Status) -> Vec<String> {
    let mut lines = Vec::new();
    let draining = if status.draining { ", draining" } else { "" };
    lines.push(format!(
        "linemill {}, process {}: generation {}{draining}",
        status.version, status.pid, status.generation
    ));
    if status.old_generations_held > 0 {
        let held = status.old_generations_held;
        lines.push(format!("{held} older generations still in use"));
    }
    for (name, listener) in &status.listeners {
        let chain = match &listener.chain[..] {
            [] => "no filter".to_owned(),
            chain => chain.join(" → "),
        };
        let connections = listener.connections;
        let kept = match listener.connections_kept {
            0 => String::new(),
            kept => format!(" ({kept} with earlier settings)"),
        };
        lines.push(format!(
            "listener {name}: {connections} connected{kept}; {chain}"
        ));
    }
    for (name, output) in &status.outputs {
        let (state, since, queued) = (&output.state, &output.since, output.queued);
        let reason = in_brackets(output.reason.as_deref());
        let (taken, lost) = (output.lines, output.lost);
        let (rate, bytes) = (output.lines_per_second, output.bytes_per_second);
        let seconds = throughput::WINDOW.as_secs();
        lines.push(format!(
            "output {name}: {state} since {since}{reason}; {taken} lines written, {lost} lost, {queued} bytes queued; {rate:.1} lines/s and {bytes:.0} bytes/s in the last {seconds} s"
        ));
        // One alone is the output.
        if output.upstreams.len() > 1 {
            lines.extend(output.upstreams.iter().map(upstream));
        }
    }
    lines.extend(memory(&status.memory));
    for (name, filter) in &status.filters {
        if let (Some(since), Some(next)) = (&filter.breaker.since, &filter.breaker.next_probe) {
            let (probes, failed, all) = (filter.breaker.failed_probes, filter.failed, filter.lines);
            lines.push(format!(
                "filter {name}: breaker open since {since}, next probe {next}, {probes} probes failed; {failed} of {all} lines failed"
            ));
        }
    }
    for (name, filter) in &status.filters {
        if filter.suspended > 0 {
            let suspended = filter.suspended;
            lines.push(format!(
                "filter {name}: {suspended} connections suspended: it kept failing on their lines"
            ));
        }
        if filter.host_faults > 0 {
            let calls = filter.host_faults;
            lines.push(format!(
                "filter {name}: {calls} calls failed because of the host"
            ));
        }
    }
    lines.extend(status.trials.iter().map(trial));
    lines.push(String::new());
    lines.push(format!(
        "{:>10}  {:24}  {:>9}  {:>9}  {:>9}  BY",
        "GENERATION", "SINCE", "BUILD ms", "MOVED ms", "CONNECTED"
    ));
    for one in &status.generations {
        let moved = one
            .moved_ms
            .map_or_else(|| "-".to_owned(), |moved| format!("{moved:.1}"));
        lines.push(format!(
            "{:>10}  {:24}  {:>9.1}  {moved:>9}  {:>9}  {}",
            one.number, one.at, one.build_ms, one.connections, one.by
        ));
        let changes = one.changes.iter();
        lines.extend(changes.map(|change| format!("{:>10}  {change}", "")));
    }
    lines.push(String::new());
    lines.push(disk(&status.disk, &status.last_reload));
    if let Some(refusal) = &status.last_refusal {
        let (at, by) = (&refusal.at, &refusal.by);
        lines.push(String::new());
        lines.push(format!("last refused, {at}, {by}:"));
        let error = refusal.error.lines().next().unwrap_or_default();
        lines.push(format!("  {error}"));
    }
    lines
}

/// The line about the files on disk, and the last reload.
fn disk(disk: &DiskStatus, last: &LastReloadStatus) -> String {
    let state = match &disk.since {
        Some(since) => {
            let what = disk.what.join(", ");
            format!("differs from what is in force since {since} ({what})")
        }
        None => "the same as what is in force".to_owned(),
    };
    let at = &last.at;
    let reload = if last.successful {
        format!("successful, {at}")
    } else {
        format!("refused, {at}; last success {}", last.last_success)
    };
    format!("disk: {state}; last reload {reload}")
}

/// The line about one of several upstreams of an output.
fn upstream(upstream: &UpstreamStatus) -> String {
    let (to, state, since) = (&upstream.to, &upstream.state, &upstream.since);
    let used = if upstream.in_use { ", in use" } else { "" };
    let reason = in_brackets(upstream.reason.as_deref());
    format!("  upstream {to}: {state} since {since}{used}{reason}")
}

fn in_brackets(reason: Option<&str>) -> String {
    reason.map_or_else(String::new, |reason| format!(" ({reason})"))
}

/// The line about a version on trial.
fn trial(trial: &TrialStatus) -> String {
    let (kind, filter, share) = (&trial.kind, &trial.filter, &trial.share);
    let (lines, failed) = (trial.lines, trial.failed);
    let plugin = trial.plugin.get(..12).unwrap_or(&trial.plugin);
    let counts = format!(
        "{kind} of filter {filter}, {share}, plugin {plugin}: {lines} lines, {failed} failed"
    );
    if trial.kind != "shadow" {
        return counts;
    }
    let (same, different, skipped) = (trial.same, trial.different, trial.skipped);
    format!("{counts}; {same} the same, {different} different, {skipped} skipped")
}

/// The lines about the memory of the host.
fn memory(memory: &MemoryStatus) -> Vec<String> {
    let mebibytes = |bytes: u64| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20));
    let limit = memory.limit.map_or("no limit".to_owned(), mebibytes);
    let [used, peak, resident] = [memory.used, memory.peak, memory.resident].map(mebibytes);
    let mut lines = vec![format!(
        "memory: {used} of {limit} used, {peak} at most, {resident} resident"
    )];
    for (name, holder) in &memory.holders {
        if holder.used > 0 || holder.refused > 0 {
            let (used, refused) = (mebibytes(holder.used), holder.refused);
            lines.push(format!("  {name}: {used}, {refused} refused or delayed"));
        }
    }
    if let Some(limit) = memory.mappings_limit {
        let (used, refused) = (memory.mappings, memory.mappings_refused);
        lines.push(format!(
            "  instances: {used} of {limit} memory mappings, {refused} refused"
        ));
    }
    lines
}
