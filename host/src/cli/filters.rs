//! `linemill filters`: the filters that are bundled.
//!
//! In: the bundled plugins. Out: what each says about itself, in a line or as JSON.
//! Not here: the settings of one filter (`help`), and other plugins (`inspect`).

use clap::Args;
use linemill_sandbox::bundled;
use linemill_sandbox::imports::Grants;
use serde_json::{Value, json};

use super::inspect::in_parts;
use super::output::{in_json, say, say_value};
use super::plugin::{Said, describe};

/// List the bundled filters
///
/// Shows what each filter does and what it must be granted. `linemill help FILTER` shows its settings, with
/// examples.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  linemill filters
  linemill help redact")]
pub(super) struct Filters {
    /// Print the same as JSON, with what each filter says about itself
    #[arg(long)]
    json: bool,
}

impl Filters {
    pub(super) fn run(self) -> anyhow::Result<()> {
        if self.json {
            in_json(self.list())
        } else {
            self.list()
        }
    }

    fn list(&self) -> anyhow::Result<()> {
        let names = bundled::names();
        let described = super::block_on(describe_all(&names))?;
        let described = names.iter().zip(&described);
        if self.json {
            let documents: Vec<Value> = described
                .map(|(name, (said, grants))| {
                    let description = said.as_ref().map(in_parts);
                    json!({ "name": name, "grants": grants.names(), "description": description })
                })
                .collect();
            return say_value(&json!({ "filters": documents }));
        }
        let width = names.iter().map(|name| name.len()).max();
        let width = width.unwrap_or_default();
        for (name, (said, grants)) in described {
            let summary = said.as_ref().map_or("", |said| &said.about.summary);
            if *grants == Grants::NONE {
                say!("{name:width$}  {summary}");
            } else {
                say!("{name:width$}  {summary} Requires {grants}.");
            }
        }
        Ok(())
    }
}

/// What the plugins say about themselves, in their order.
async fn describe_all(names: &[&'static str]) -> anyhow::Result<Vec<(Option<Said>, Grants)>> {
    // The first call of a plugin compiles it, so they share the processors.
    let asked: Vec<_> = names
        .iter()
        .map(|&name| tokio::spawn(describe(name)))
        .collect();
    let mut described = Vec::with_capacity(names.len());
    for one in asked {
        described.push(one.await??);
    }
    Ok(described)
}
