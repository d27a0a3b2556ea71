//! `linemill help`: what a verb or a filter does, and what it takes.
//!
//! In: the name of a verb, or a plugin. Out: the help of the verb, or what the plugin says about itself.
//! Not here: what a plugin imports and exports (`inspect`).

use clap::{Args, CommandFactory as _, Parser as _};
use linemill::settings_table::{self, toml};
use linemill_config::Keyword as _;
use linemill_config::quote;
use linemill_sandbox::imports::Grants;

use super::Cli;
use super::output::say;
use super::plugin::{Said, describe};

/// Show what a verb or a filter does
///
/// For a filter, this shows its settings with their defaults and limits, examples to paste into a
/// configuration, the grants it needs, and what happens by default to lines that fail, as the plugin
/// describes them.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  linemill help serve
  linemill help redact
  linemill help ./target/longer.wasm")]
pub(super) struct Help {
    /// A verb, the name of a bundled plugin, or a path to a .wasm file
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

impl Help {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let is_verb = |name: &String| Cli::command().find_subcommand(name).is_some();
        let verb = self.name.as_deref();
        let Some(name) = self.name.as_ref().filter(|name| !is_verb(name)) else {
            let words = ["linemill"].into_iter().chain(verb).chain(["--help"]);
            if let Err(help) = Cli::try_parse_from(words) {
                // A reader that has left, as `head` does, is no error.
                let _ = help.print();
            }
            return Ok(());
        };
        let described = super::block_on(async { Ok(describe(name).await) })?;
        let described = described.map_err(|problem| {
            problem.and_hint("`linemill --help` lists the verbs, about which `help` knows, too")
        })?;
        let (said, grants) = described;
        match said {
            Some(said) => show(name, &said, grants),
            None => say!(
                "{name} does not describe itself. `linemill inspect {name}` shows what it requires."
            ),
        }
        Ok(())
    }
}

fn show(plugin: &str, said: &Said, grants: Grants) {
    let about = &said.about;
    say!("{} {}", about.name, about.version);
    say!("{}", about.summary);
    say!("");
    for line in requirements(said) {
        say!("{line}");
    }
    if !about.license.is_empty() {
        say!("licence  {}", about.license);
    }
    if let Some(schema) = &about.schema {
        say!("");
        say!("Settings:");
        let rows = settings_table::rows(schema);
        if rows.is_empty() {
            say!("  none");
        }
        let width = rows.iter().map(|row| row.key.chars().count()).max();
        let width = width.unwrap_or_default();
        for row in rows {
            say!("  {:width$}  {}", row.key, row.kind);
            for note in row.notes {
                say!("  {:width$}  {note}", "");
            }
        }
    }
    for example in &about.examples {
        say!("");
        say!("# {}", example.summary);
        say!("[filter.{}]", about.name);
        say!("plugin = {}", toml::text(plugin));
        let grants = grants.names();
        if !grants.is_empty() {
            let grants: Vec<_> = grants.into_iter().map(toml::text).collect();
            say!("grant = [{}]", grants.join(", "));
        }
        if !example.settings.is_empty() {
            say!("[filter.{}.settings]", about.name);
        }
        for (key, value) in &example.settings {
            say!("{} = {}", toml::key(key), toml::value(value));
        }
    }
}

/// What a plugin requires, and what happens by default to lines that fail, a line for each.
pub(super) fn requirements(Said { about, memory }: &Said) -> Vec<String> {
    let mut lines = Vec::new();
    let needs = about.needs.iter();
    lines.extend(needs.map(|need| format!("needs    {}: {}", quote(&need.grant), need.why)));
    if let Some(memory) = memory {
        let kib = memory.div_ceil(1 << 10);
        lines.push(format!("memory   {kib} KiB with the default of `max_line`"));
    }
    lines.push(match about.on_error {
        Some(on_error) => format!("on_error {:?} by default", on_error.keyword()),
        None => "on_error not declared: \"pass\" by default".to_owned(),
    });
    lines
}
