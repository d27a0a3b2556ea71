//! One step of a task: said, done, and its failure told.

use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};

/// Says what is done now.
pub(crate) fn say(what: &str) {
    eprintln!("==> {what}");
}

/// Says what a command is for and runs it; its failure ends the task.
pub(crate) fn run(what: &str, command: &mut Command) -> Result<()> {
    say(what);
    let program = command.get_program().to_owned();
    let status = command
        .status()
        .with_context(|| format!("{what}: starting {}", program.display()))?;
    if !status.success() {
        bail!("{what}: failed ({status})");
    }
    Ok(())
}

/// Runs a program in the place of this one: its exit status becomes the task's.
pub(crate) fn hand_over(what: &str, command: &mut Command) -> Result<ExitCode> {
    say(what);
    let starting = || format!("starting {}", command.get_program().display());
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        let context = starting();
        // Signals then reach the program itself, and nobody else.
        Err(command.exec()).context(context)
    }
    #[cfg(not(unix))]
    {
        let context = starting();
        let status = command.status().context(context)?;
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
    }
}
