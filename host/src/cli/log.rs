//! `linemill log`: shows or changes what a running host logs.

use clap::Args;
use hyper::Method;
use linemill::log::{LogStatus, SetBy};
use linemill_config::Malformed;
use linemill_config::settings::LogFilter;

use super::output::say;
use super::running::Running;

/// Show or change the log level of a running host
///
/// LEVEL is off, error, warn, info, debug or trace. `warn,linemill=debug` gives parts of the program levels
/// of their own. A change lasts until the host is restarted, or until a reload of a configuration with
/// another `log.level`. Without LEVEL, the verb shows the level in force, and where it comes from.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  linemill log debug --admin 127.0.0.1:9713")]
pub(super) struct Log {
    /// The new level, or several as TARGET=LEVEL, separated by commas
    #[arg(value_name = "LEVEL", value_parser = level)]
    level: Option<LogFilter>,
    #[command(flatten)]
    host: Running,
}

/// A level as it is written on the command line.
fn level(text: &str) -> Result<LogFilter, Malformed> {
    text.parse()
}

impl Log {
    pub(super) fn run(self) -> anyhow::Result<()> {
        super::block_on(async {
            let asked = match &self.level {
                // No character of a level needs encoding.
                Some(level) => (Method::POST, format!("/log?level={level}")),
                None => (Method::GET, "/log".to_owned()),
            };
            let (_, status): (_, LogStatus) = self.host.ask(asked.0, &asked.1).await?;
            let by = match status.set_by {
                SetBy::Config => "set by the configuration",
                SetBy::Environment => "set by LINEMILL_LOG",
                SetBy::Request => "set by a request; a restart does not keep it",
            };
            say!("level   {}   {by}", status.level);
            say!("format  {}", status.format);
            Ok(())
        })
    }
}
