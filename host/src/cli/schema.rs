//! `linemill schema`: the JSON Schema of configurations.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use linemill::control::origin::Origin;
use linemill_config::Place;
use linemill_config::settings::{FilterSettings, HostSettings, PluginRef};
use linemill_config::{Files, Problem};
use linemill_sandbox::bundled;
use linemill_sandbox::engine::Engine;
use linemill_sandbox::plugin::loader::Loader;
use serde_json::Value;

use super::output::say_json;
use super::plugin::describe;

/// Print the JSON Schema of configurations, for editors and programs that write them
///
/// Editors that know TOML show the description of each key and mark mistakes. For Even Better TOML and
/// Taplo, begin the configuration with the line `#:schema ./linemill.schema.json`. The schema knows
/// keys and the forms of their values, and the settings of filters whose plugins describe them: without
/// arguments, those of the bundled plugins. `linemill check` also knows the rules between keys.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  linemill schema > linemill.schema.json
  linemill schema --config config/linemill.toml > linemill.schema.json
  linemill schema redact ./mine.wasm")]
pub(super) struct Schema {
    /// Plugins whose settings it knows, as configurations name them
    #[arg(value_name = "PLUGIN")]
    plugins: Vec<String>,
    /// Configuration file: know the settings of the plugins of its filters
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Schema {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let plugins = super::block_on(async {
            let mut known = match &self.config {
                Some(file) => of_config(file.clone()).await?,
                None => BTreeMap::new(),
            };
            let mut names = self.plugins.clone();
            if names.is_empty() && self.config.is_none() {
                names.extend(bundled::names().into_iter().map(str::to_owned));
            }
            for name in names {
                let (said, _) = describe(&name).await?;
                let schema = said.and_then(|said| said.about.schema.clone());
                known.extend(schema.map(|schema| (name, schema)));
            }
            Ok(known)
        })?;
        let plugins: Vec<_> = plugins.into_iter().collect();
        let text = serde_json::to_string_pretty(&linemill_config::schema(&plugins));
        say_json(&text.context("the schema cannot be written")?);
        Ok(())
    }
}

/// The schemas of the plugins that a configuration names, by their names in it.
async fn of_config(file: PathBuf) -> anyhow::Result<BTreeMap<String, Value>> {
    let origin = Origin {
        config: Some(file),
        ..Origin::default()
    };
    let settings = origin.load_once()?;
    let engine = Engine::new()?;
    let plugins = Loader::of_user(engine.into());
    let files = Files::default();
    let mut known = BTreeMap::new();
    for filter in settings.filters.values() {
        let schema = of_filter(filter, &settings.host, &plugins, &files).await?;
        known.extend(schema.map(|schema| (written(filter), schema)));
    }
    Ok(known)
}

async fn of_filter(
    filter: &FilterSettings,
    host: &HostSettings,
    plugins: &Loader,
    files: &Files,
) -> Result<Option<Value>, Problem> {
    let plugin = plugins.load(filter, host, files).await;
    let plugin = plugin.map_err(|refusal| refusal.problem.at(&filter.place))?;
    let about = plugin.description();
    Ok(about.and_then(|about| about.schema.clone()))
}

/// The plugin of a filter as its configuration names it.
fn written(filter: &FilterSettings) -> String {
    match &filter.plugin {
        PluginRef::Name(name) => name.clone(),
        // A path in the settings starts from elsewhere.
        PluginRef::Path(path) => {
            let text = Place::text(&filter.place).unwrap_or_default();
            match text.trim_matches(['"', '\'']) {
                "" => path.display().to_string(),
                text => text.to_owned(),
            }
        }
    }
}
