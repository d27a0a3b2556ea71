//! The soak: minutes of swaps under many connections, then half an hour of connections that open and
//! close. It checks every line and fails when one is wrong.

use std::{
    ffi::OsString,
    process::{Command, ExitCode},
};

use anyhow::Result;

use crate::{bench, step, workspace::Workspace};

/// Builds the host and its bench program, optimised, and runs the soak.
pub(crate) fn run(workspace: &Workspace, arguments: &[OsString]) -> Result<ExitCode> {
    let program = bench::build(workspace)?;
    let mut command = Command::new(program);
    step::hand_over("linemill-bench soak", command.arg("soak").args(arguments))
}
