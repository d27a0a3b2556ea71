//! Measurements. They are not tests: they need a quiet machine, and most of them only report.

use std::{
    ffi::OsString,
    path::PathBuf,
    process::{Command, ExitCode},
};

use anyhow::Result;

use crate::{host, plugins, step, task::Profile, workspace::Workspace};

/// Builds the host, the ladder and the bench program, optimised, and runs the bench program.
pub(crate) fn run(workspace: &Workspace, arguments: &[OsString]) -> Result<ExitCode> {
    let program = build(workspace)?;
    step::hand_over("linemill-bench", Command::new(program).args(arguments))
}

/// Builds the host, the ladder and the bench program, optimised. Returns the bench program's path.
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
            "--package",
            "linemill-ladder",
            "--bins",
        ],
    )?;
    Ok(host::program(workspace, Profile::Release, "linemill-bench"))
}
