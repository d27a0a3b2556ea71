//! `linemill inspect`: describes a component without running it.

use clap::Args;
use linemill_sandbox::engine::Engine;
use linemill_sandbox::imports::{Grants, RequiredImports};
use linemill_sandbox::plugin::compiler::Compiler;
use linemill_sandbox::plugin::complexity::Complexity;
use linemill_sandbox::plugin::component_info;

use super::output::say;
use super::plugin::admit;

/// Show what a plugin imports and exports, its world, digest and size, without running it
#[derive(Debug, Args)]
#[command(after_help = "Example:
  linemill inspect rot13")]
pub(super) struct Inspect {
    /// A path to a .wasm file, or the name of a bundled plugin
    #[arg(value_name = "PLUGIN")]
    plugin: String,
}

impl Inspect {
    pub(super) fn run(self) -> anyhow::Result<()> {
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
        say!("plugin   {}", self.plugin);
        say!("size     {} bytes", bytes.len());
        say!("sha256   {digest}");
        let Complexity {
            modules,
            functions,
            largest,
            ..
        } = Complexity::of(bytes);
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
        let required = RequiredImports::of(&info.imports);
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
