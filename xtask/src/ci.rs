//! What must hold before a change goes in, quickest first.

use anyhow::Result;

use crate::{count, floor, plugins, step, test, workspace::Workspace};

/// Versions, formatting, clippy and docs of both workspaces, instruction counts, then every test.
pub(crate) fn all(workspace: &Workspace) -> Result<()> {
    floor::check(workspace)?;
    both(workspace, "formatting", "fmt --all --check")?;
    // The host embeds them, so even checking it needs them.
    plugins::build(workspace)?;
    let clippy = "clippy --locked --workspace --all-targets -- --deny=warnings";
    both(workspace, "clippy", clippy)?;
    both(workspace, "docs", "doc --locked --workspace --no-deps")?;
    count::run(workspace, false)?;
    test::all(workspace, &[])
}

/// One check, on the guests' workspace and on the host's.
fn both(workspace: &Workspace, what: &str, arguments: &str) -> Result<()> {
    let workspaces = [
        ("plugins", workspace.cargo_for_plugins()),
        ("host", workspace.cargo()),
    ];
    for (name, mut cargo) in workspaces {
        cargo
            .args(arguments.split(' '))
            .env("RUSTDOCFLAGS", "--deny=warnings");
        step::run(&format!("{what}: {name}"), &mut cargo)?;
    }
    Ok(())
}
