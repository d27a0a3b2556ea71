//! `linemill promote`: replaces a filter by its version on trial.

use clap::Args;
use hyper::Method;

use super::reload::print;
use super::running::Running;

/// Replace a filter by its version on trial, in a running host
///
/// Prints what to change in the configuration so that the promotion survives a restart. Reloads keep
/// it until the filter's table in the configuration changes.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  linemill promote redact --admin 127.0.0.1:9713")]
pub(super) struct Promote {
    /// Name of the filter
    #[arg(value_name = "FILTER")]
    filter: String,
    #[command(flatten)]
    host: Running,
}

impl Promote {
    pub(super) fn run(self) -> anyhow::Result<()> {
        super::block_on(async {
            let path = format!("/promote?filter={}", name(&self.filter)?);
            let (_, outcome) = self.host.ask(Method::POST, &path).await?;
            print(outcome)
        })
    }
}

/// Checks that `text` is a filter's name, which needs no encoding in a URL.
pub(super) fn name(text: &str) -> anyhow::Result<&str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        return Ok(text);
    }
    let problem = format!("{text:?} is not the name of a filter");
    let hint = "write it as in [filter.NAME]: letters, digits, `-` and `_`";
    Err(super::plugin::hinted(&problem, hint))
}
