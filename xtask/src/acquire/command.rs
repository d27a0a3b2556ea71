//! A command with a time limit, whose failure is one line.
//!
//! In: a command and how long it may take. Out: nothing, or the line of its error output that says
//! what went wrong.

use std::{
    io::{self, Read},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Runs a command to its end. Its standard output goes to this process's standard error, and its
/// standard error is kept for the case that it fails.
///
/// # Errors
/// `NAME: REASON`, one line, when it cannot be started, fails, or does not end within `limit`.
pub(super) fn run(name: &str, command: &mut Command, limit: Duration) -> Result<(), String> {
    let failed = |reason: &dyn std::fmt::Display| format!("{name}: {reason}");
    let mut child = command
        .stdin(Stdio::null())
        // apt-get reports its progress there.
        .stdout(io::stderr())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(&error))?;
    // Read on another thread while this one waits, so that the child never blocks on a full pipe.
    let stderr = child.stderr.take();
    let output = thread::spawn(move || {
        let mut text = Vec::new();
        if let Some(mut stderr) = stderr {
            // Text that was read before an error is still worth showing.
            let _ = stderr.read_to_end(&mut text);
        }
        text
    });
    if !ends_within(&mut child, limit).map_err(|error| failed(&error))? {
        return Err(failed(&format_args!(
            "still running after {} s, ended",
            limit.as_secs()
        )));
    }
    let status = child.wait().map_err(|error| failed(&error))?;
    if status.success() {
        return Ok(());
    }
    let text = output.join().unwrap_or_default();
    Err(failed(
        &reason(&String::from_utf8_lossy(&text)).unwrap_or(&status.to_string()),
    ))
}

/// Whether the child ends by itself within the limit. After the limit it is killed.
fn ends_within(child: &mut Child, limit: Duration) -> io::Result<bool> {
    let deadline = Instant::now() + limit;
    while Instant::now() < deadline {
        if child.try_wait()?.is_some() {
            return Ok(true);
        }
        thread::sleep(Duration::from_millis(50));
    }
    child.kill()?;
    child.wait()?;
    Ok(false)
}

/// The line of an error output that says what went wrong: the first one marked as an error, else
/// the last.
fn reason(stderr: &str) -> Option<&str> {
    let lines = || {
        stderr
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
    };
    lines()
        .find_map(|line| {
            line.strip_prefix("error: ")
                .or_else(|| line.strip_prefix("E: "))
        })
        .or_else(|| lines().next_back())
}

#[cfg(test)]
mod tests {
    use std::{process::Command, time::Duration};

    use super::{reason, run};

    #[test]
    fn the_reason_is_the_line_that_says_error() {
        let rustup = "info: syncing\nerror: could not download file\n\nCaused by:\n  refused\n";
        assert_eq!(reason(rustup), Some("could not download file"));
        let apt = "Reading lists\nE: Unable to locate package rustc-web\n";
        assert_eq!(reason(apt), Some("Unable to locate package rustc-web"));
        assert_eq!(reason("killed\n\n"), Some("killed"));
        assert_eq!(reason(""), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_failure_is_reported_with_its_reason() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo info: a >&2; echo error: no route >&2; exit 1"]);
        assert_eq!(
            run("fetch", &mut command, Duration::from_secs(30)),
            Err("fetch: no route".to_owned()),
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_command_beyond_its_limit_is_killed() {
        let mut command = Command::new("sleep");
        command.arg("600");
        assert_eq!(
            run("fetch", &mut command, Duration::ZERO),
            Err("fetch: still running after 0 s, ended".to_owned()),
        );
    }

    #[test]
    fn a_missing_program_is_a_failure_like_any_other() {
        let mut command = Command::new("linemill-no-such-program");
        let failure = run("fetch", &mut command, Duration::from_secs(30));
        assert!(failure.is_err_and(|text| text.starts_with("fetch: ")));
    }
}
