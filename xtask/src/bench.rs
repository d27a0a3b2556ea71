//! The measurements, which are not tests: they need a quiet machine and judge nothing.

use std::{
    ffi::OsString,
    path::PathBuf,
    process::{Command, ExitCode},
};

use anyhow::Result;

use crate::{host, plugins, step, task::Profile, workspace::Workspace};

/// Builds the host and its bench program, optimised, and runs the latter.
pub(crate) fn run(workspace: &Workspace, arguments: &[OsString]) -> Result<ExitCode> {
    let program = build(workspace)?;
    step::hand_over("linemill-bench", Command::new(program).args(arguments))
}

/// Builds the host and its bench program, optimised, and gives back where the latter is.
pub(crate) fn build(workspace: &Workspace) -> Result<PathBuf> {
    plugins::build(workspace)?;
    host::compile(
        workspace,
        Profile::Release,
        &[
            "--package",
            "linemill",
            "--package",
            "linemill-tests",
            "--bins",
        ],
    )?;
    Ok(host::program(workspace, Profile::Release, "linemill-bench"))
}
