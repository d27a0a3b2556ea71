//! One step of a task: announced, run, timed, and its failure reported.

use std::{
    fmt,
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

/// How long each step of a task took. Displays as a table.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    steps: Vec<(&'static str, Duration)>,
}

impl Clock {
    /// Runs a step and notes how long it took, whether it succeeds or fails.
    pub(crate) fn time<T>(&mut self, name: &'static str, step: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let outcome = step();
        self.steps.push((name, started.elapsed()));
        outcome
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "==> seconds by step")?;
        for (name, duration) in &self.steps {
            writeln!(f, "{:>9.1}  {name}", duration.as_secs_f32())?;
        }
        let total: Duration = self.steps.iter().map(|(_, duration)| duration).sum();
        writeln!(f, "{:>9.1}  in total", total.as_secs_f32())
    }
}

/// Announces what is done now.
pub(crate) fn say(what: &str) {
    eprintln!("==> {what}");
}

/// Announces what a command is for and runs it. Its failure ends the task.
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

/// Replaces this process by a program, whose exit status becomes the task's.
pub(crate) fn hand_over(what: &str, command: &mut Command) -> Result<ExitCode> {
    say(what);
    let starting = || format!("starting {}", command.get_program().display());
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        let context = starting();
        // Signals then reach the program alone.
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

#[cfg(test)]
mod tests {
    use super::{Clock, Duration};

    #[test]
    fn steps_are_listed_in_order_with_their_total() {
        let mut clock = Clock::default();
        assert_eq!(clock.time("first", || 7), 7);
        clock.steps[0].1 = Duration::from_millis(1500);
        clock.steps.push(("second", Duration::from_secs(600)));
        assert_eq!(
            clock.to_string(),
            "==> seconds by step\n      1.5  first\n    600.0  second\n    601.5  in total\n",
        );
    }
}
