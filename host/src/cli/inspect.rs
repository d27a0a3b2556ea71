//! `linemill inspect`: what a component is, without running it.

use clap::Args;
use linemill_sandbox::engine::Engine;
use linemill_sandbox::imports::RequiredImports;
use linemill_sandbox::plugin::compiler::Compiler;
use linemill_sandbox::plugin::complexity::Complexity;
use linemill_sandbox::plugin::{self, Digest};

use super::plugin::{hinted, read};

/// Show what a plugin imports and exports, its world, digest and size; runs nothing
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
        let bytes = read(&self.plugin)?;
        let engine = Engine::new()?;
        let digest = Digest::of(&bytes);
        let component = Compiler::of_user()
            .component(&engine, &bytes, digest)
            .map_err(|error| hinted(&format!("{}: {error}", self.plugin), &error.hint))?;
        let facts = plugin::facts(&engine, &component);
        let list = |names: &[String]| {
            if names.is_empty() {
                "nothing".to_owned()
            } else {
                names.join(", ")
            }
        };
        println!("plugin   {}", self.plugin);
        println!("size     {} bytes", bytes.len());
        println!("sha256   {digest}");
        let Complexity {
            functions, largest, ..
        } = Complexity::of(&bytes);
        println!("code     {functions} functions, the largest of {largest} bytes");
        match facts.world_name() {
            Some(world) => println!("world    linemill:filter/{world} 0.1"),
            None => println!("world    none of linemill's: {}", facts.other_world()),
        }
        println!("imports  {}", list(&facts.imports));
        println!("exports  {}", list(&facts.exports));
        if facts.state {
            println!("state    handed over to the version that follows it, when a chain changes");
        }
        let wants = RequiredImports::of(&facts.imports);
        if facts.imports.is_empty() {
            println!("grants   none needed: it can reach nothing but its lines and settings");
        } else if wants.strange.is_empty() {
            println!("grants   needed in its filter's table: {}", wants.grants);
        } else {
            let strange = list(&wants.strange);
            println!("grants   it cannot be run: nothing grants {strange}");
        }
        Ok(())
    }
}
