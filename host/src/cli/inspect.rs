//! `linemill inspect`: describes a component without running it.

use clap::Args;
use linemill_sandbox::engine::Engine;
use linemill_sandbox::imports::{Grants, RequiredImports};
use linemill_sandbox::plugin::compiler::Compiler;
use linemill_sandbox::plugin::complexity::Complexity;
use linemill_sandbox::plugin::component_info;
use serde::Serialize;

use super::output::{in_json, say, say_value};
use super::plugin::admit;

/// Show what a plugin imports and exports, its world, digest and size, without running it
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
        if self.json {
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
        if info.imports.is_empty() {
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
        Ok(())
    }
}
