//! `linemill schema`: the JSON Schema of configurations.

use anyhow::Context;
use clap::Args;

use super::output::say_json;

/// Print the JSON Schema of configurations, for editors and programs that write them
///
/// Editors that know TOML show the description of each key and mark mistakes. For Even Better TOML and
/// Taplo, begin the configuration with the line `#:schema ./linemill.schema.json`. The schema knows
/// keys and the forms of their values; `linemill check` also knows the rules between them.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  linemill schema > linemill.schema.json")]
pub(super) struct Schema {}

impl Schema {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let Self {} = self;
        let text = serde_json::to_string_pretty(&linemill_config::schema());
        say_json(&text.context("the schema cannot be written")?);
        Ok(())
    }
}
