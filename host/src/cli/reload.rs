//! `linemill reload`: makes a running host read its configuration again.

use clap::Args;
use hyper::Method;
use linemill::control::request::{Outcome, ReloadStatus};

use super::output::{Report, Reported, in_json, say, say_value};
use super::running::Running;

/// Make a running host read its configuration again, and wait for the result
///
/// Prints what changed. Exit status 0 means that the configuration on disk is in force. Exit status
/// 1 means that it was refused, and the reason is printed; the old one stays in force. Live
/// connections switch to the new filters with their next line.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  linemill reload --config config/linemill.toml")]
pub(super) struct Reload {
    #[command(flatten)]
    host: Running,
    /// Put the configuration in force even if it has been rolled back because a filter failed
    #[arg(long)]
    force: bool,
    /// Print the answer of the host as JSON, also when it refuses
    #[arg(long)]
    json: bool,
}

impl Reload {
    pub(super) fn run(self) -> anyhow::Result<()> {
        super::block_on(async {
            let path = if self.force {
                "/reload?force"
            } else {
                "/reload"
            };
            let answer = self.host.ask(Method::POST, path).await;
            if !self.json {
                return print(answer?.1);
            }
            let (_, outcome): (_, Outcome) = in_json(answer)?;
            say_value(&outcome)?;
            match outcome.result {
                ReloadStatus::Refused => Err(Reported.into()),
                ReloadStatus::Applied | ReloadStatus::Unchanged => Ok(()),
            }
        })
    }
}

/// Prints the outcome of a request.
pub(super) fn print(outcome: Outcome) -> anyhow::Result<()> {
    let Outcome {
        result,
        generation,
        changes,
        keep,
        error,
        took_ms,
        ..
    } = outcome;
    match result {
        ReloadStatus::Applied => {
            say!("applied: generation {generation} is in force, after {took_ms:.1} ms");
            changes.iter().for_each(|change| say!("  {change}"));
            if !keep.is_empty() {
                say!("to make this survive a restart, change the configuration:");
                keep.iter().for_each(|line| say!("  {line}"));
            }
            Ok(())
        }
        ReloadStatus::Unchanged => {
            say!("unchanged: generation {generation} stays in force");
            Ok(())
        }
        ReloadStatus::Refused => {
            let report = error.unwrap_or_default();
            let text = format!("{report}\n\nrefused: generation {generation} stays in force");
            Err(Report::of(text).into())
        }
    }
}
