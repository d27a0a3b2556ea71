//! The workspace's folders.
//!
//! In: `cargo metadata`. Out: paths, and cargo commands that start in the right folder with the
//! right target folder.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

/// The checkout and its target folder.
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
    /// The cargo that started this program.
    cargo: OsString,
}

#[derive(Deserialize)]
struct Metadata {
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

impl Workspace {
    /// Asks cargo, which knows `CARGO_TARGET_DIR` and every other way to set the target folder.
    pub(crate) fn find() -> Result<Self> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(&cargo)
            .args([
                "metadata",
                "--no-deps",
                "--format-version",
                "1",
                "--manifest-path",
            ])
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("starting {}", cargo.display()))?;
        ensure!(output.status.success(), "cargo metadata: {}", output.status);
        let Metadata {
            workspace_root: root,
            target_directory: target,
        } = serde_json::from_slice(&output.stdout).context("reading cargo metadata")?;
        Ok(Self {
            root,
            target,
            cargo,
        })
    }

    /// The top folder of the checkout.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// cargo's target folder of the host's workspace.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// The folder of the guests' workspace.
    pub(crate) fn plugins(&self) -> PathBuf {
        self.root.join("plugins")
    }

    /// A cargo command for the host's workspace.
    pub(crate) fn cargo(&self) -> Command {
        let mut cargo = Command::new(&self.cargo);
        cargo.current_dir(&self.root);
        cargo
    }

    /// A cargo command for the guests' workspace, built natively.
    pub(crate) fn cargo_for_plugins(&self) -> Command {
        let mut cargo = Command::new(&self.cargo);
        cargo
            .current_dir(self.plugins())
            .env("CARGO_TARGET_DIR", self.target.join("guest"));
        cargo
    }
}
