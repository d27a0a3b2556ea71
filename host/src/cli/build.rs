//! `linemill build`: builds a filter crate into a component.

use std::path::PathBuf;

use clap::Args;
use linemill_guest_build::{Toolchain, build, look};

use super::output::{Report, say};

/// Build a filter crate (or a workspace of them) into components
///
/// Uses an installed compiler for wasm32-unknown-unknown: rustup's, or that of Debian's package
/// rustc-web. Without one, prints the commands that install one; linemill itself installs nothing.
/// Components are written to target/plugins in the crate's folder.
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
        look(&self.dir).map_err(Report::of)?;
        let toolchain = Toolchain::find(&self.dir).map_err(Report::of)?;
        let target = self.dir.join("target");
        let all = build(&self.dir, &target, &toolchain).map_err(Report::of)?;
        for built in all {
            say!("{}", built.component.display());
        }
        Ok(())
    }
}
