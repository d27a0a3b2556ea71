//! `linemill rollback`: restores the previous generation, or ends a trial.

use clap::Args;
use hyper::Method;

use super::output::say;
use super::promote::name;
use super::reload::print;
use super::running::Running;

/// Restore the previous generation, or end a trial, in a running host
///
/// With FILTER: ends its trial; the filter itself does not change. Without: restores the previous
/// generation, with the plugins and certificates it had, whatever their files contain now. The
/// generation you left returns when one of its files changes, or when you run `linemill reload`. A
/// restart reads the files as they are.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  linemill rollback --admin 127.0.0.1:9713")]
pub(super) struct Rollback {
    /// Name of a filter with a version on trial
    #[arg(value_name = "FILTER")]
    filter: Option<String>,
    #[command(flatten)]
    host: Running,
}

impl Rollback {
    pub(super) fn run(self) -> anyhow::Result<()> {
        super::block_on(async {
            let path = match &self.filter {
                Some(filter) => format!("/rollback?filter={}", name(filter)?),
                None => "/rollback".to_owned(),
            };
            let (_, outcome) = self.host.ask(Method::POST, &path).await?;
            print(outcome)?;
            if self.filter.is_some() {
                return Ok(());
            }
            say!("a restart reads the configuration on disk: change it back there, too");
            Ok(())
        })
    }
}
