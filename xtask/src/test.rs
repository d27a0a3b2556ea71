//! Every test there is: the README's test command.

use std::ffi::OsString;

use anyhow::Result;

use crate::{host, plugins, step, task::Profile, workspace::Workspace};

/// Builds all, then runs the guests' tests natively and those of the host's workspace.
pub(crate) fn all(workspace: &Workspace, arguments: &[OsString]) -> Result<()> {
    plugins::build(workspace)?;
    step::run(
        "testing the plugins, natively",
        workspace.cargo_for_plugins().args(["test", "--workspace"]),
    )?;
    // Black-box tests run the real binary. It is built with all else that `cargo test` builds, so
    // that both use the same dependencies.
    host::compile(workspace, Profile::Dev, &["--workspace", "--all-targets"])?;
    let mut test = workspace.cargo();
    test.args(["test", "--workspace"]);
    if !arguments.is_empty() {
        test.arg("--").args(arguments);
    }
    step::run("testing the host", &mut test)
}
