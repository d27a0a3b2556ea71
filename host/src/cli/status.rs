//! `linemill status`: shows what is in force in a running host, what flows, and what is wrong.
//!
//! In: `/status` of a host. Out: text of at most 80 columns (`status::text`), or the JSON itself.

use clap::Args;
use hyper::Method;
use linemill::control::admin::status::{self, text};

use super::output::{in_json, say, say_value};
use super::running::Running;

/// Show what is in force in a running host, what flows, and what is wrong
///
/// Shows listeners, outputs and filters with their counts, rates and failures, versions on trial next to
/// the filters that they may replace, memory and other limits, certificates, and the last generations. A
/// generation is everything that one configuration puts in force: chains, filters and limits.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  linemill status --admin 127.0.0.1:9713")]
pub(super) struct Status {
    #[command(flatten)]
    host: Running,
    /// Print the answer of the host as JSON; docs/status.md describes its fields
    #[arg(long)]
    json: bool,
}

impl Status {
    pub(super) fn run(self) -> anyhow::Result<()> {
        super::block_on(async {
            if self.json {
                let answer = self.host.ask(Method::GET, "/status").await;
                let (_, status): (_, serde_json::Value) = in_json(answer)?;
                say_value(&status)?;
            } else {
                let (_, status): (_, status::Status) =
                    self.host.ask(Method::GET, "/status").await?;
                text::lines(&status).iter().for_each(|line| say!("{line}"));
            }
            Ok(())
        })
    }
}
