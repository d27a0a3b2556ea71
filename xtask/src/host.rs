//! The host: built with the plugins inside, and run.

use std::{
    ffi::OsString,
    path::PathBuf,
    process::{Command, ExitCode},
};

use anyhow::Result;

use crate::{plugins, step, task::Profile, workspace::Workspace};

/// Builds the plugins and the host. Returns the host's path.
pub(crate) fn build(workspace: &Workspace, profile: Profile) -> Result<PathBuf> {
    plugins::build(workspace)?;
    compile(workspace, profile, &["--package", "linemill"])?;
    Ok(program(workspace, profile, "linemill"))
}

/// Builds and runs `linemill serve`.
pub(crate) fn serve(
    workspace: &Workspace,
    profile: Profile,
    arguments: &[OsString],
) -> Result<ExitCode> {
    let linemill = build(workspace, profile)?;
    step::hand_over(
        "linemill serve",
        Command::new(linemill).arg("serve").args(arguments),
    )
}

/// Compiles a part of the host's workspace. The plugins must be built.
pub(crate) fn compile(workspace: &Workspace, profile: Profile, what: &[&str]) -> Result<()> {
    let name = match profile {
        Profile::Dev => "building the host",
        Profile::Release => "building the host, optimised",
    };
    let mut cargo = workspace.cargo();
    cargo.arg("build").args(profile.arguments()).args(what);
    if profile == Profile::Release
        && let Some(revision) = revision(workspace)
    {
        cargo.env("LINEMILL_REVISION", revision);
    }
    step::run(name, &mut cargo)
}

/// The commit of the checkout, with a mark if it has changes; `None` outside a checkout.
fn revision(workspace: &Workspace) -> Option<String> {
    let git = Command::new("git")
        .args([
            "describe",
            "--always",
            "--dirty",
            "--abbrev=12",
            "--exclude=*",
        ])
        .current_dir(workspace.root())
        .output()
        .ok()?;
    let revision = String::from_utf8(git.stdout).ok()?;
    let revision = revision.trim();
    (git.status.success() && !revision.is_empty()).then(|| revision.to_owned())
}

/// The path at which cargo puts a program.
pub(crate) fn program(workspace: &Workspace, profile: Profile, name: &str) -> PathBuf {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    workspace.target().join(profile.folder()).join(file)
}
