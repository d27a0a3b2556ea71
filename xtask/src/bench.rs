//! The measurements, which are not tests: they need a quiet machine and judge nothing.

use std::{
    ffi::OsString,
    process::{Command, ExitCode},
};

use anyhow::Result;

use crate::{host, plugins, step, task::Profile, workspace::Workspace};

/// Builds the host and its bench program, optimised, and runs the latter.
pub(crate) fn run(workspace: &Workspace, arguments: &[OsString]) -> Result<ExitCode> {
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
    let bench = host::program(workspace, Profile::Release, "linemill-bench");
    step::hand_over("linemill-bench", Command::new(bench).args(arguments))
}
