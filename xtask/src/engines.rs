//! Measurements of other WebAssembly engines. They are a workspace of their own, since nothing else
//! needs their dependencies.

use std::{
    ffi::OsString,
    process::{Command, ExitCode},
};

use anyhow::Result;

use crate::{plugins, step, workspace::Workspace};

/// Builds `tests/engines`, optimised, and runs it.
pub(crate) fn run(workspace: &Workspace, arguments: &[OsString]) -> Result<ExitCode> {
    plugins::build(workspace)?;
    // Within the target folder, so that the host's build script finds the plugins.
    let target = workspace.target().join("engines");
    step::run(
        "building the engines, optimised",
        workspace
            .cargo()
            .args(["build", "--release", "--locked", "--manifest-path"])
            .arg(workspace.root().join("tests/engines/Cargo.toml"))
            .arg("--target-dir")
            .arg(&target),
    )?;
    let program = format!("release/linemill-engines{}", std::env::consts::EXE_SUFFIX);
    let mut engines = Command::new(target.join(program));
    step::hand_over("linemill-engines", engines.args(arguments))
}
