//! `linemill promote`: ends a trial in favour of the version on trial.

use clap::Args;
use hyper::Method;

use super::reload::tell;
use super::running::Running;

/// Let the version on trial of a filter be the filter, in a running host
///
/// Says which lines of the configuration must change for it to outlive a restart. Until the filter's
/// table there is another one, reloads keep the decision.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  linemill promote redact --admin 127.0.0.1:9713")]
pub(super) struct Promote {
    /// The filter
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
            tell(outcome)
        })
    }
}

/// A filter's name, which needs no encoding.
pub(super) fn name(text: &str) -> anyhow::Result<&str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        return Ok(text);
    }
    let problem = format!("{text:?} is not the name of a filter");
    let hint = "write it as in [filter.NAME]: letters, digits, `-` and `_`";
    Err(super::plugin::hinted(&problem, hint))
}
