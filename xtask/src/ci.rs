//! What must hold before a change is merged, quickest first.

use anyhow::Result;

use crate::{
    count, floor, pages, plugins,
    step::{self, Clock},
    test,
    workspace::Workspace,
};

/// Targets of the host's workspace whose docs are built. Examples, which there are none of, make
/// cargo resolve features as for tests. Docs then need the dependencies that clippy has checked;
/// otherwise cargo would check wasmtime and what depends on it once more.
const DOCUMENTED: &[&str] = &["--lib", "--bins", "--examples"];

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
    // The host embeds the plugins, so even checking it needs them.
    clock.time("plugins", || plugins::build(workspace).map(drop))?;
    clock.time("clippy", || {
        let clippy = ["clippy", "--locked", "--workspace", "--all-targets", "--"];
        both(
            workspace,
            "clippy",
            &[&clippy[..], &["--deny=warnings"]].concat(),
        )
    })?;
    clock.time("docs", || {
        let docs = ["doc", "--locked", "--workspace", "--no-deps"];
        both(workspace, "docs", &[&docs[..], DOCUMENTED].concat())
    })?;
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
        cargo.args(arguments).env("RUSTDOCFLAGS", "--deny=warnings");
        step::run(&format!("{what}: {name}"), &mut cargo)?;
    }
    Ok(())
}
