//! `linemill rollback`: puts what was in force before in force again.

use clap::Args;
use hyper::Method;

use super::promote::name;
use super::reload::tell;
use super::running::Running;

/// Put the generation before in force again, or end a trial, in a running host
///
/// With FILTER: ends the trial of a version of that filter, which stays what it was. Without: the
/// generation before is in force again. Its plugins and certificates are those that it had, whatever their files hold by now. What was in
/// force is taken again when its files change, or by `linemill reload`. A restart takes the files as
/// they are.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  linemill rollback --admin 127.0.0.1:9713")]
pub(super) struct Rollback {
    /// The filter of which a version is on trial
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
            tell(outcome)?;
            if self.filter.is_some() {
                return Ok(());
            }
            println!("a restart takes the configuration on disk: change it back there, too");
            Ok(())
        })
    }
}
