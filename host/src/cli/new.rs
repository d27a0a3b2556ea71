//! `linemill new`: creates a filter crate.

use std::path::Path;

use clap::{Args, ValueEnum};
use linemill_guest_build::new::create;

use super::output::{Report, say};

/// Create a filter crate: a working filter, a test, and everything needed to build it
///
/// Creates the folder NAME. Then run `cd NAME`, `cargo test`, `linemill build` and
/// `linemill pipe target/plugins/NAME.wasm`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  linemill new shout --lang rust")]
pub(super) struct New {
    /// Name of the filter: lower-case letters, digits and hyphens
    #[arg(value_name = "NAME")]
    name: String,
    /// Language of the filter
    #[arg(long, value_name = "LANG", default_value = "rust")]
    lang: Language,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Language {
    Rust,
}

impl New {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let Language::Rust = self.lang;
        let made = create(Path::new("."), &self.name).map_err(Report::of)?;
        let (folder, name) = (made.display(), &self.name);
        say!("created {folder}");
        say!("");
        say!("next:");
        say!("  cd {folder}");
        say!("  cargo test");
        say!("  linemill build");
        say!("  printf 'Hello\\n' | linemill pipe target/plugins/{name}.wasm");
        Ok(())
    }
}
