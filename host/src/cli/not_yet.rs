//! `linemill top`: a verb of a later version.

use clap::Args;

/// Report that the verb does not exist yet, regardless of its arguments.
#[derive(Debug, Args)]
pub(super) struct NotYet {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    rest: Vec<String>,
}

impl NotYet {
    pub(super) fn run(self) -> anyhow::Result<()> {
        Err(super::plugin::hinted(
            "not yet available: `linemill top`",
            "use `linemill status`, and /metrics at the admin address",
        ))
    }
}
