//! `linemill new`: a filter crate to start from.

use std::path::Path;

use clap::{Args, ValueEnum};
use linemill_guest_build::new::create;

/// Start a filter: a crate with a working filter, a test, and everything it needs
///
/// Makes the folder NAME. Then: `cd NAME`, `cargo test`, `linemill build`,
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
        let made = create(Path::new("."), &self.name)?;
        let (folder, name) = (made.display(), &self.name);
        println!(
            "made {folder}\n\nnext:\n  cd {folder}\n  cargo test\n  linemill build\n  printf 'Hello\\n' | linemill pipe target/plugins/{name}.wasm"
        );
        Ok(())
    }
}
