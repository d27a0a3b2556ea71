//! `linemill check --against`: what a reload would change in a running host.
//!
//! In: validated settings, the generation built of them, and the admin address of a host. Out: each
//! change, and whether it needs a restart. Requests to the host only read.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hyper::Method;
use linemill::control::admin::status::Status;
use linemill::control::origin::Origin;
use linemill::generation::Generation;
use linemill_config::diff::{Effect, diff};
use linemill_config::settings::{Address, Settings};
use linemill_config::{Files, Source};
use linemill_sandbox::bundled;
use serde::{Deserialize, Serialize};

use crate::cli::output::say;
use crate::cli::plugin::{self, hinted};
use crate::cli::running::fetch;

/// The answer of `/config`: what is in force in the host.
#[derive(Debug, Deserialize)]
struct Running {
    /// The main file, then those that it includes.
    files: Vec<ConfigFile>,
    listen: Option<String>,
    chain: Option<Vec<String>>,
    #[serde(default)]
    grant: Vec<String>,
}

/// A file of a configuration.
#[derive(Debug, Deserialize)]
struct ConfigFile {
    path: PathBuf,
    text: String,
}

/// What a reload would change in a host.
#[derive(Debug, Serialize)]
pub(super) struct Differences {
    /// The generation in force there.
    generation: u64,
    changes: Vec<Difference>,
}

#[derive(Debug, Serialize)]
struct Difference {
    /// `live` or `restart`.
    effect: &'static str,
    change: String,
}

impl Differences {
    /// Prints them.
    pub(super) fn say(&self, admin: &Address) {
        let generation = self.generation;
        if self.changes.is_empty() {
            say!("against generation {generation} at {admin}: nothing would change");
            return;
        }
        say!("against generation {generation} at {admin}:");
        for Difference { effect, change } in &self.changes {
            say!("  {effect:7}  {change}");
        }
    }

    /// # Errors
    /// When a reload would be refused.
    pub(super) fn refused(&self) -> anyhow::Result<()> {
        let needs_restart = |change: &Difference| change.effect == "restart";
        if self.changes.iter().any(needs_restart) {
            return Err(hinted(
                "a reload would be refused: some of this needs a restart",
                "leave out those changes, or restart the host",
            ));
        }
        Ok(())
    }
}

/// How `settings` differ from what is in force at `admin`.
pub(super) async fn compare(
    admin: &Address,
    settings: Settings,
    built: &Generation,
) -> anyhow::Result<Differences> {
    let (_, running): (_, Running) = fetch(admin, Method::GET, "/config").await?;
    let (_, status): (_, Status) = fetch(admin, Method::GET, "/status").await?;
    let grant = running.grant.iter().map(|word| plugin::grant(word));
    let grant = grant
        .collect::<Result<_, _>>()
        .map_err(anyhow::Error::msg)?;
    let origin = Origin {
        config: None,
        listen: running.listen.as_deref().map(str::parse).transpose()?,
        chain: running.chain,
        grant,
    };
    // Relative paths start from the folders of the two files, not from the current one.
    let there = running.files.into_iter();
    let there = there.map(|ConfigFile { path, text }| Arc::new(Source { path, text }));
    let there = linemill_config::parse_all(&there.collect::<Vec<_>>(), &bundled::names())?;
    let here = settings.sources.0.iter().map(|file| {
        let (path, text) = (absolute(&file.path)?, file.text.clone());
        io::Result::Ok(Arc::new(Source { path, text }))
    });
    let here = here.collect::<io::Result<Vec<_>>>()?;
    let here = linemill_config::parse_all(&here, &bundled::names())?;
    // The options of its command line override any configuration.
    let files = Files::default();
    let (old, new) = (
        origin.override_in(there, &files)?,
        origin.override_in(here, &files)?,
    );
    let diff = diff(&old, &new);
    let in_force = status
        .generations
        .iter()
        .find(|generation| generation.number == status.generation);
    let mut plugins: Vec<_> = built
        .filters
        .iter()
        .filter_map(|(name, filter)| {
            let old = in_force?.filters.get(name)?;
            let new = filter.digest();
            let short = old.get(..12).unwrap_or(old);
            (*old != new.to_string())
                .then(|| format!("filter {name}: plugin {short} -> {}", new.short()))
        })
        .collect();
    plugins.sort();
    let changes = diff.iter().map(|change| Difference {
        effect: match change.effect {
            Effect::Live => "live",
            Effect::Restart => "restart",
        },
        change: change.to_string(),
    });
    let plugins = plugins.into_iter().map(|change| Difference {
        effect: "live",
        change,
    });
    Ok(Differences {
        generation: status.generation,
        changes: changes.chain(plugins).collect(),
    })
}

/// The absolute path of a configuration. Relative paths in it start from the folder of the file; if it
/// came from a pipe, from the working directory.
fn absolute(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().filter(|_| !path.is_file());
    std::path::absolute(name.map_or(path, Path::new))
}
