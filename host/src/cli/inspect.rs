//! `linemill inspect`: describes a component, without running its filter.

use clap::Args;
use linemill_config::Keyword as _;
use linemill_sandbox::engine::Engine;
use linemill_sandbox::imports::{Grants, RequiredImports};
use linemill_sandbox::plugin::admission::Admitted;
use linemill_sandbox::plugin::compiler::Compiler;
use linemill_sandbox::plugin::complexity::Complexity;
use linemill_sandbox::plugin::{Component, ComponentInfo, Plugin, component_info};
use linemill_sandbox::{Refusal, RefusalKind};
use serde::Serialize;
use serde_json::{Value, json};

use super::help;
use super::output::{in_json, say, say_value};
use super::plugin::{Said, admit, ask};

/// Show what a plugin imports and exports, its world, digest and size, and what it says about itself
///
/// The plugin is asked to describe itself if it can. Its filter is not started.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  linemill inspect rot13")]
pub(super) struct Inspect {
    /// A path to a .wasm file, or the name of a bundled plugin
    #[arg(value_name = "PLUGIN")]
    plugin: String,
    /// Print the same as JSON
    #[arg(long)]
    json: bool,
}

/// What is known of a component, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Description {
    plugin: String,
    /// In bytes.
    size: usize,
    sha256: String,
    functions: usize,
    /// In bytes.
    largest_function: usize,
    modules: usize,
    /// `null` if it is not one of linemill.
    world: Option<String>,
    imports: Vec<String>,
    exports: Vec<String>,
    /// Whether its state can be handed over to the next version.
    state: bool,
    /// What its filter must be granted.
    grants: Vec<&'static str>,
    /// Imports that no grant covers: it cannot run.
    without_grant: Vec<String>,
    /// What it says about itself; `null` if it says nothing.
    description: Option<Value>,
    /// Why a filter with this plugin is refused: its description is invalid.
    description_error: Option<String>,
}

impl Inspect {
    pub(super) fn run(self) -> anyhow::Result<()> {
        if self.json {
            in_json(self.inspect())
        } else {
            self.inspect()
        }
    }

    fn inspect(&self) -> anyhow::Result<()> {
        let admitted = admit(&self.plugin, Grants::NONE)?;
        let (bytes, digest) = (admitted.bytes(), admitted.digest());
        let engine = Engine::new()?;
        let component = Compiler::of_user()
            .component(&engine, &admitted)
            .map_err(|refusal| refusal.problem.of(&self.plugin))?;
        let info = component_info(&engine, &component);
        let list = |names: &[String]| {
            if names.is_empty() {
                "nothing".to_owned()
            } else {
                names.join(", ")
            }
        };
        let Complexity {
            modules,
            functions,
            largest,
            ..
        } = Complexity::of(bytes);
        let required = RequiredImports::of(&info.imports);
        let described = self.described(&engine, &component, &admitted, (&info, &required));
        if self.json {
            let error = described.as_ref().err();
            let description_error = error.map(|refusal| refusal.problem.what().to_owned());
            let described = described.ok().flatten();
            let world = info.world_name();
            return say_value(&Description {
                plugin: self.plugin.clone(),
                size: bytes.len(),
                sha256: digest.to_string(),
                functions,
                largest_function: largest,
                modules,
                world: world.map(|world| format!("linemill:filter/{world}@0.1.0")),
                grants: required.grants.names(),
                imports: info.imports,
                exports: info.exports,
                state: info.state,
                without_grant: required.strange,
                description: described.as_ref().map(in_parts),
                description_error,
            });
        }
        say!("plugin   {}", self.plugin);
        say!("size     {} bytes", bytes.len());
        say!("sha256   {digest}");
        say!(
            "code     {functions} functions, the largest of {largest} bytes; {modules} core modules"
        );
        match info.world_name() {
            Some(world) => say!("world    linemill:filter/{world} 0.1"),
            None => say!("world    not one of linemill: {}", info.other_world()),
        }
        say!("imports  {}", list(&info.imports));
        say!("exports  {}", list(&info.exports));
        if info.state {
            say!("state    handed over to the next version when the chain changes");
        }
        let needs_none = required.grants == Grants::NONE && required.strange.is_empty();
        if needs_none {
            say!("grants   none needed: it can access only its lines and settings");
        } else if required.strange.is_empty() {
            say!(
                "grants   required in its filter's table: {}",
                required.grants
            );
        } else {
            let strange = list(&required.strange);
            say!("grants   it cannot run: there is no grant for {strange}");
        }
        match described {
            Err(refusal) => say!("about    refused: {}", refusal.problem.what()),
            Ok(None) => say!("about    it does not describe itself"),
            Ok(Some(said)) => say_about(&said, &self.plugin),
        }
        Ok(())
    }

    /// What the plugin says about itself, and the memory that it says it needs.
    fn described(
        &self,
        engine: &Engine,
        component: &Component,
        admitted: &Admitted,
        (info, required): (&ComponentInfo, &RequiredImports),
    ) -> Result<Option<Said>, Refusal> {
        if !info.about || info.world.is_none() || !required.strange.is_empty() {
            return Ok(None);
        }
        let plugin = Plugin::of_component(engine, component, admitted, required.grants)?;
        let asked = super::block_on(async { Ok(ask(engine, &plugin, &self.plugin).await) });
        asked.map_err(|error| Refusal::new(RefusalKind::Plugin, format!("{error:#}"), ""))?
    }
}

/// What a plugin says about itself, as `--json` prints it.
pub(super) fn in_parts(Said { about, memory }: &Said) -> Value {
    let needs = about.needs.iter();
    let examples = about.examples.iter();
    json!({
        "name": about.name,
        "version": about.version,
        "summary": about.summary,
        "license": about.license,
        "settings": about.schema,
        "on_error": about.on_error.map(|on_error| on_error.keyword()),
        "memory": memory,
        "needs": needs.map(|need| json!({ "grant": need.grant, "why": need.why })).collect::<Vec<_>>(),
        "examples": examples
            .map(|example| json!({ "summary": example.summary, "settings": example.settings }))
            .collect::<Vec<_>>(),
    })
}

fn say_about(said: &Said, plugin: &str) {
    let about = &said.about;
    say!(
        "about    {} {}: {}",
        about.name,
        about.version,
        about.summary
    );
    let license = match about.license.as_str() {
        "" => "not stated",
        license => license,
    };
    say!("licence  {license}");
    for line in help::requirements(said) {
        say!("{line}");
    }
    say!("settings shown by `linemill help {plugin}`");
}
