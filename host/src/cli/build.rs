//! `linemill build`: a filter crate becomes a component.

use std::path::PathBuf;

use clap::Args;
use linemill_guest_build::{Fetch, Toolchain, build};

/// Build a filter crate (or a workspace of them) into components
///
/// Uses the compiler with the target wasm32-unknown-unknown that it finds: rustup's, or that of
/// Debian's package rustc-web. Components go to target/plugins in the crate's folder.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  linemill build shout")]
pub(super) struct Build {
    /// Folder of the crate
    #[arg(value_name = "DIR", default_value = ".")]
    dir: PathBuf,
}

impl Build {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let mut say = |line: &str| eprintln!("==> {line}");
        let toolchain = Toolchain::find(&self.dir, Fetch::Allowed, &mut say)?;
        let target = self.dir.join("target");
        for built in build(&self.dir, &target, &toolchain)? {
            println!("{}", built.component.display());
        }
        Ok(())
    }
}
