//! Every test there is: the README's test command.

use std::ffi::OsString;
use std::num::NonZero;

use anyhow::Result;

use crate::{step, workspace::Workspace};

/// Crates that need neither wasmtime nor plugins. Their tests include the golden reports of
/// configurations and the fuzz targets on their corpora.
const QUICK: [&str; 4] = [
    "--package",
    "linemill-framing",
    "--package",
    "linemill-config",
];

/// The targets that tests and instruction counts need. Building exactly these, in one command,
/// makes cargo resolve features once, so that nothing is compiled twice.
pub(crate) const TARGETS: [&str; 6] = [
    "--workspace",
    "--lib",
    "--bins",
    "--tests",
    "--bench",
    "cost",
];

/// Builds everything, then runs the plugins' tests natively and those of the host's workspace.
pub(crate) fn all(workspace: &Workspace, arguments: &[OsString]) -> Result<()> {
    crate::plugins::build(workspace)?;
    plugins(workspace)?;
    build(workspace)?;
    host(workspace, arguments)
}

/// Runs the tests of the crates that need no wasmtime: within minutes of a clean checkout.
pub(crate) fn quick(workspace: &Workspace) -> Result<()> {
    step::run(
        "testing framing and config",
        workspace.cargo().args(["test", "--locked"]).args(QUICK),
    )
}

/// Runs the plugins' tests natively.
pub(crate) fn plugins(workspace: &Workspace) -> Result<()> {
    step::run(
        "testing the plugins, natively",
        workspace.cargo_for_plugins().args(["test", "--workspace"]),
    )
}

/// Builds the host and all test programs. The plugins must be built.
pub(crate) fn build(workspace: &Workspace) -> Result<()> {
    step::run(
        "building the host and its tests",
        workspace.cargo().arg("build").args(TARGETS),
    )
}

/// Runs the tests of the host's workspace. Black-box tests start the host's binary, which must be
/// built.
pub(crate) fn host(workspace: &Workspace, arguments: &[OsString]) -> Result<()> {
    let mut test = workspace.cargo();
    test.args(["test", "--workspace"]);
    if std::env::var_os("RUST_TEST_THREADS").is_none() {
        // Many black-box tests wait for a timeout, so two per core finish in little more than half the time.
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        test.env("RUST_TEST_THREADS", (2 * cores).to_string());
    }
    if !arguments.is_empty() {
        test.arg("--").args(arguments);
    }
    step::run("testing the host", &mut test)
}
