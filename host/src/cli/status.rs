//! `linemill status`: shows what is and was in force in a running host.

use std::fmt::Write as _;

use clap::Args;
use hyper::Method;
use linemill::control::admin;
use linemill::sinks::throughput;

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
                println!("{}", serde_json::to_string_pretty(&status)?);
            } else {
                print!("{}", shown(&status)?);
            }
            Ok(())
        })
    }
}

fn shown(status: &admin::Status) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    let draining = if status.draining { ", draining" } else { "" };
    writeln!(
        text,
        "linemill {}, process {}: generation {}{draining}",
        status.version, status.pid, status.generation
    )?;
    if status.old_generations_held > 0 {
        let held = status.old_generations_held;
        writeln!(text, "{held} older generations still in use")?;
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
        writeln!(
            text,
            "listener {name}: {connections} connected{kept}; {chain}"
        )?;
    }
    for (name, output) in &status.outputs {
        let (state, since, queued) = (&output.state, &output.since, output.queued);
        write!(text, "output {name}: {state} since {since}")?;
        if let Some(reason) = &output.reason {
            write!(text, " ({reason})")?;
        }
        let (lines, lost) = (output.lines, output.lost);
        write!(
            text,
            "; {lines} lines written, {lost} lost, {queued} bytes queued"
        )?;
        let (lines, bytes) = (output.lines_per_second, output.bytes_per_second);
        let seconds = throughput::WINDOW.as_secs();
        writeln!(
            text,
            "; {lines:.1} lines/s and {bytes:.0} bytes/s in the last {seconds} s"
        )?;
        // One alone is the output.
        for upstream in output
            .upstreams
            .iter()
            .filter(|_| output.upstreams.len() > 1)
        {
            let (to, state, since) = (&upstream.to, &upstream.state, &upstream.since);
            let used = if upstream.in_use { ", in use" } else { "" };
            write!(text, "  upstream {to}: {state} since {since}{used}")?;
            match &upstream.reason {
                Some(reason) => writeln!(text, " ({reason})")?,
                None => writeln!(text)?,
            }
        }
    }
    for (name, filter) in &status.filters {
        if let (Some(since), Some(next)) = (&filter.breaker.since, &filter.breaker.next_probe) {
            let (probes, failed, lines) =
                (filter.breaker.failed_probes, filter.failed, filter.lines);
            writeln!(
                text,
                "filter {name}: breaker open since {since}, next probe {next}, {probes} probes failed; {failed} of {lines} lines failed"
            )?;
        }
    }
    for (name, filter) in &status.filters {
        if filter.suspended > 0 {
            let suspended = filter.suspended;
            writeln!(
                text,
                "filter {name}: {suspended} connections suspended: it kept failing on their lines"
            )?;
        }
        if filter.host_faults > 0 {
            let calls = filter.host_faults;
            writeln!(
                text,
                "filter {name}: {calls} calls failed because of the host"
            )?;
        }
    }
    for trial in &status.trials {
        let (kind, filter, share) = (&trial.kind, &trial.filter, &trial.share);
        let (lines, failed) = (trial.lines, trial.failed);
        let plugin = trial.plugin.get(..12).unwrap_or(&trial.plugin);
        write!(
            text,
            "{kind} of filter {filter}, {share}, plugin {plugin}: {lines} lines, {failed} failed"
        )?;
        match trial.kind.as_str() {
            "shadow" => {
                let (same, different, skipped) = (trial.same, trial.different, trial.skipped);
                writeln!(
                    text,
                    "; {same} the same, {different} different, {skipped} skipped"
                )?;
            }
            _ => writeln!(text)?,
        }
    }
    writeln!(
        text,
        "\n{:>10}  {:24}  {:>9}  {:>9}  {:>9}  BY",
        "GENERATION", "SINCE", "BUILD ms", "MOVED ms", "CONNECTED"
    )?;
    for one in &status.generations {
        let moved = one
            .moved_ms
            .map_or_else(|| "-".to_owned(), |moved| format!("{moved:.1}"));
        writeln!(
            text,
            "{:>10}  {:24}  {:>9.1}  {moved:>9}  {:>9}  {}",
            one.number, one.at, one.build_ms, one.connections, one.by
        )?;
        for change in &one.changes {
            writeln!(text, "{:>10}  {change}", "")?;
        }
    }
    if let Some(refusal) = &status.last_refusal {
        let error = refusal.error.lines().next().unwrap_or_default();
        let (at, by) = (&refusal.at, &refusal.by);
        writeln!(text, "\nlast refused, {at}, {by}:\n  {error}")?;
    }
    Ok(text)
}
