//! The soak: minutes of swaps under many connections, then half an hour of connections that come and
//! go, every line judged. It fails when one is not as it has to be.

use std::{
    ffi::OsString,
    process::{Command, ExitCode},
};

use anyhow::Result;

use crate::{bench, step, workspace::Workspace};

/// Builds the host and its bench program, optimised, and runs the soak in the latter.
pub(crate) fn run(workspace: &Workspace, arguments: &[OsString]) -> Result<ExitCode> {
    let program = bench::build(workspace)?;
    let mut command = Command::new(program);
    step::hand_over("linemill-bench soak", command.arg("soak").args(arguments))
}
