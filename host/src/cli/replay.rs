//! `linemill replay`: runs the line of a trap capsule again.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use linemill_config::Problem;
use linemill_sandbox::engine::Engine;
use linemill_sandbox::plugin::Plugin;
use linemill_sandbox::plugin::compiler::Compiler;
use linemill_sandbox::replay::{Replayed, replay};
use linemill_sandbox::supervise::capsule::{Capsule, State};

use super::output::say;
use super::plugin::{admit, hinted};

/// Largest capsule read, bytes: the most that a folder of capsules holds.
const LARGEST: u64 = 64 << 20;

/// Run the line of a trap capsule again, and show the result
///
/// Starts the filter with the settings in the capsule, and with the state if the capsule contains one.
/// If the filter traps again, prints the backtrace. File and line are shown if the plugin has debug
/// information. Use --plugin to run a build that has it. Exit status 0 when the line ran, whatever the
/// result.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  linemill replay capsules/2027-03-01T090000.000000Z-json.capsule.json --plugin target/debug/json.wasm")]
pub(super) struct Replay {
    /// File of the capsule, from the folder of `[host] capsules`
    #[arg(value_name = "CAPSULE")]
    capsule: PathBuf,
    /// Another build of the plugin, instead of the one that the capsule names
    #[arg(long, value_name = "FILE")]
    plugin: Option<String>,
}

impl Replay {
    pub(super) fn run(self) -> anyhow::Result<()> {
        super::block_on(self.replay())
    }

    async fn replay(self) -> anyhow::Result<()> {
        let name = self.capsule.display();
        let (text, _) = linemill_config::read_stream(&self.capsule, LARGEST)
            .with_context(|| name.to_string())?;
        let capsule: Capsule = serde_json::from_slice(&text).map_err(|error| {
            let problem = format!("{name}: not a capsule: {error}");
            hinted(&problem, "capsules are in the folder of `[host] capsules`")
        })?;
        if capsule.capsule != 1 {
            let problem = format!("{name}: its format is {}, not 1", capsule.capsule);
            return Err(hinted(
                &problem,
                "use the version of linemill that wrote it",
            ));
        }
        let from = self.plugin.as_deref().unwrap_or(&capsule.plugin);
        let admitted = admit(from, capsule.grants())
            .map_err(|problem| problem.and_hint("name the plugin with `--plugin FILE`"))?;
        let engine = Engine::with_stack(capsule.stack).map_err(|error| {
            let hint = "key `stack` is the bytes of a guest's stack";
            hinted(&format!("{name}: {error}"), hint)
        })?;
        let plugin = Plugin::compile(&engine, &admitted, &Compiler::of_user())
            .map_err(|refusal| refusal.problem.of(from))?;
        about(&capsule).iter().for_each(|line| say!("{line}"));
        let digest = admitted.digest().to_string();
        if digest == capsule.sha256 {
            say!("plugin   {from}, the same");
        } else {
            say!("plugin   {from}, another one: {digest}");
        }
        let replayed = replay(&engine, &plugin, admitted.bytes(), &capsule).await;
        let replayed = replayed.map_err(|error| Problem::new(error.to_string(), "").of(name))?;
        outcome(&replayed).iter().for_each(|line| say!("{line}"));
        Ok(())
    }
}

/// Describes the capsule.
fn about(capsule: &Capsule) -> [String; 6] {
    let state = match &capsule.state {
        State::Stateless => "none: the filter keeps no state".to_owned(),
        State::Fresh => "none: the instance had just been started".to_owned(),
        State::Saved { tag, .. } => format!("as it was before the line ({tag})"),
        State::Unknown { why } => {
            format!("not known: {why}; the line runs without it")
        }
    };
    let Capsule {
        filter,
        time,
        kind,
        reason,
        sha256,
        line,
        ..
    } = capsule;
    [
        format!("filter   {filter}"),
        format!("sha256   {sha256}"),
        format!("at       {time}"),
        format!("failed   {kind}: {reason}"),
        format!("line     {line:?}"),
        format!("state    {state}"),
    ]
}

/// Describes the result.
fn outcome(replayed: &Replayed) -> Vec<String> {
    let shown = |content: &Vec<u8>| format!("{:?}", String::from_utf8_lossy(content));
    let mut text = Vec::new();
    match replayed {
        Replayed::Faulted {
            kind,
            reason,
            frames,
        } => {
            text.push(format!("now      {kind}: {reason}"));
            text.extend(frames.iter().map(|frame| format!("         {frame}")));
            if !frames.is_empty() && frames.iter().all(|frame| frame.line.is_none()) {
                text.push("         (the plugin has no debug information: name a build with it by --plugin)".to_owned());
            }
        }
        Replayed::Answered {
            lines,
            routed,
            failed,
            closes,
        } => {
            text.push(match failed {
                Some((kind, reason)) => format!("now      fails the line ({kind}): {reason}"),
                None if lines.is_empty() && routed.is_empty() => {
                    "now      drops the line".to_owned()
                }
                None => "now      answers".to_owned(),
            });
            text.extend(lines.iter().map(|line| format!("         {}", shown(line))));
            for (route, line) in routed {
                text.push(format!("         by route {route}: {}", shown(line)));
            }
            if *closes {
                text.push("         and closes the connection".to_owned());
            }
        }
    }
    text
}
