//! What must hold before a change is merged, quickest first.

use std::process::Command;

use anyhow::Result;

use crate::{
    count, floor, pages, plugins,
    step::{self, Clock},
    test,
    workspace::Workspace,
};

/// What is documented in both workspaces. There are no examples, but asking for them makes cargo
/// resolve features as for tests. Docs then need the dependencies that clippy has checked. Otherwise
/// cargo would check wasmtime and everything that depends on it once more.
const LIBRARIES: [&str; 2] = ["--lib", "--examples"];
/// Programs of the host's workspace that are documented. `linemill` has no docs but its library's.
const PROGRAMS: [&str; 6] = [
    "--bin",
    "xtask",
    "--bin",
    "linemill-bench",
    "--bin",
    "ladder-*",
];

/// Checks dependencies, links, formatting, clippy and docs of both workspaces, instruction counts,
/// then runs every test. Prints how long each step took, even when one fails.
pub(crate) fn all(workspace: &Workspace) -> Result<()> {
    let mut clock = Clock::default();
    let outcome = steps(workspace, &mut clock);
    eprint!("{clock}");
    outcome
}

fn steps(workspace: &Workspace, clock: &mut Clock) -> Result<()> {
    clock.time("dependencies", || floor::check(workspace))?;
    clock.time("links of the documentation", || pages::check(workspace))?;
    clock.time("formatting", || {
        both(workspace, "formatting", &["fmt", "--all", "--check"])
    })?;
    clock.time("tests of framing and config", || test::quick(workspace))?;
    // The host embeds the plugins, so even checking it needs them.
    clock.time("plugins", || plugins::build(workspace).map(drop))?;
    clock.time("clippy", || {
        let clippy = "clippy --locked --workspace --all-targets -- --deny=warnings";
        both(workspace, "clippy", &clippy.split(' ').collect::<Vec<_>>())
    })?;
    clock.time("docs", || docs(workspace))?;
    clock.time("tests of the plugins", || test::plugins(workspace))?;
    clock.time("building the host and all tests", || test::build(workspace))?;
    clock.time("instruction counts", || count::run(workspace, false))?;
    clock.time("tests of the host", || test::host(workspace, &[]))
}

/// One check, on the guests' workspace and on the host's.
fn both(workspace: &Workspace, what: &str, arguments: &[&str]) -> Result<()> {
    let workspaces = [
        ("plugins", workspace.cargo_for_plugins()),
        ("host", workspace.cargo()),
    ];
    for (name, mut cargo) in workspaces {
        step::run(&format!("{what}: {name}"), cargo.args(arguments))?;
    }
    Ok(())
}

/// The docs of both workspaces, with warnings denied.
fn docs(workspace: &Workspace) -> Result<()> {
    let doc = |mut cargo: Command, what: &str, targets: &[&str]| {
        cargo
            .args(["doc", "--locked", "--workspace", "--no-deps"])
            .args(LIBRARIES)
            .args(targets)
            .env("RUSTDOCFLAGS", "--deny=warnings");
        step::run(what, &mut cargo)
    };
    doc(workspace.cargo_for_plugins(), "docs: plugins", &[])?;
    doc(workspace.cargo(), "docs: host", &PROGRAMS)
}
