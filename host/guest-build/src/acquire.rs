//! Fetching a compiler for guests.
//!
//! In: what is missing. Out: nothing, or one line on why it did not work. Whether it may be
//! fetched was decided before; whether it is there now is looked at afterwards.

use std::{
    io::{self, Read},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{TARGET, environment::command, machine};

/// The target is a download of 20 MB; a network that is slower than this is as good as none.
const PATIENCE_RUSTUP: Duration = Duration::from_secs(180);
/// The packages are 150 MB, and unpacking them takes its time.
const PATIENCE_APT: Duration = Duration::from_secs(900);

/// Adds the guests' target to a rustup toolchain, and touches nothing else of it.
pub(crate) fn add_target(toolchain: &str) -> Result<(), String> {
    let mut rustup = command("rustup");
    rustup
        .args(["target", "add", TARGET, "--toolchain", toolchain])
        .env("RUSTUP_MAX_RETRIES", "0");
    run("rustup target add", &mut rustup, PATIENCE_RUSTUP)
}

/// Installs Debian packages. Refuses to when others would have to go.
///
/// # Errors
/// One line on why they are not there: this is not root, there is no `apt-get`, or it failed.
pub fn install_packages(packages: &[&str]) -> Result<(), String> {
    if !machine::has_apt() || !machine::is_root() {
        return Err("only root can install packages, and only where there is apt-get".to_owned());
    }
    let apt = |arguments: &[&str]| {
        let mut apt = command("apt-get");
        apt.args(["--quiet", "--yes", "--no-remove"])
            // Another apt-get, of a machine that is just starting, may be at work.
            .args(["-o", "DPkg::Lock::Timeout=120"])
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive");
        apt
    };
    // The compiler that is new enough comes by Debian's security updates, so old lists may not
    // know it. Where only the lists cannot be read anew, the ones there may do.
    let update = run("apt-get update", &mut apt(&["update"]), PATIENCE_APT);
    let mut install = apt(&["install", "--no-install-recommends"]);
    run("apt-get install", install.args(packages), PATIENCE_APT).map_err(|failure| match update {
        Ok(()) => failure,
        Err(update) => format!("{update}; {failure}"),
    })
}

/// Runs a command to its end, its errors kept for the case that it fails.
fn run(name: &str, command: &mut Command, patience: Duration) -> Result<(), String> {
    let failed = |reason: &dyn std::fmt::Display| format!("{name}: {reason}");
    let mut child = command
        .stdin(Stdio::null())
        // What apt-get says there is its progress.
        .stdout(io::stderr())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(&error))?;
    // Read beside the waiting, so that a full pipe cannot hold the child up.
    let stderr = child.stderr.take();
    let output = thread::spawn(move || {
        let mut text = Vec::new();
        if let Some(mut stderr) = stderr {
            // What was read before an error is still worth showing.
            let _ = stderr.read_to_end(&mut text);
        }
        text
    });
    if !ends_within(&mut child, patience).map_err(|error| failed(&error))? {
        return Err(failed(&format_args!(
            "no end after {} s",
            patience.as_secs()
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

/// Whether the child ended in time; one that did not is ended.
fn ends_within(child: &mut Child, patience: Duration) -> io::Result<bool> {
    let deadline = Instant::now() + patience;
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

/// The line of an error output that says what is wrong.
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
    fn a_failure_is_told_with_its_reason() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo info: a >&2; echo error: no route >&2; exit 1"]);
        assert_eq!(
            run("fetch", &mut command, Duration::from_secs(30)),
            Err("fetch: no route".to_owned()),
        );
    }

    #[cfg(unix)]
    #[test]
    fn what_does_not_end_is_ended() {
        let mut command = Command::new("sleep");
        command.arg("600");
        assert_eq!(
            run("fetch", &mut command, Duration::ZERO),
            Err("fetch: no end after 0 s".to_owned()),
        );
    }

    #[test]
    fn a_program_that_is_not_there_is_a_failure_like_any_other() {
        let mut command = Command::new("linemill-no-such-program");
        let failure = run("fetch", &mut command, Duration::from_secs(30));
        assert!(failure.is_err_and(|text| text.starts_with("fetch: ")));
    }
}
