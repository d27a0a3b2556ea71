//! `linemill rollback`: puts what was in force before in force again.

use clap::Args;
use hyper::Method;

use super::reload::tell;
use super::running::Running;

/// Put the generation before in force again, in a running host
///
/// Its plugins and certificates are those that it had, whatever their files hold by now. What was in
/// force is taken again when its files change, or by `linemill reload`. A restart takes the files as
/// they are.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  linemill rollback --admin 127.0.0.1:9713")]
pub(super) struct Rollback {
    #[command(flatten)]
    host: Running,
}

impl Rollback {
    pub(super) fn run(self) -> anyhow::Result<()> {
        super::block_on(async {
            let (_, outcome) = self.host.ask(Method::POST, "/rollback").await?;
            tell(outcome)?;
            println!("a restart takes the configuration on disk: change it back there, too");
            Ok(())
        })
    }
}
