//! Installs what a task needs and the machine lacks.
//!
//! In: a folder of guests, or names of packages. Out: a toolchain, or the commands to run by hand.
//! Each change to the machine is announced before it is made. Not here: choosing among the
//! compilers that are installed, which `linemill-guest-build` does.
//!
//! All code that downloads or installs is in this folder. No other crate can depend on `xtask`, a
//! program, so `linemill build` cannot reach it.

mod command;

use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Result, bail};
use linemill_guest_build::{Missing, TARGET, Toolchain, command as detached};

use crate::{
    step::{self, say},
    workspace::Workspace,
};

/// The target is a download of 20 MB.
const RUSTUP_TIMEOUT: Duration = Duration::from_secs(180);
/// The packages are a download of 150 MB, and unpacking them takes minutes.
const APT_TIMEOUT: Duration = Duration::from_secs(900);

/// The version of mdBook that is installed.
const MDBOOK: &str = "0.5.4";

/// What may be done to the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Allowed {
    /// No variable forbids rustup and cargo to use the network.
    download: bool,
    /// This is root, on Debian or a descendant.
    packages: bool,
}

/// Attempts that were made. Each is made once.
#[derive(Clone, Copy, Debug, Default)]
struct Attempted {
    target: bool,
    packages: bool,
}

/// The next attempt at installing a compiler.
#[derive(Debug, PartialEq, Eq)]
enum Attempt<'a> {
    AddTarget(&'a str),
    InstallPackages(&'a [&'static str]),
}

/// Finds a compiler for the guests in `dir`. If none is installed, tries to install one.
///
/// # Errors
/// Nothing worked. The text names the commands to run by hand.
pub(crate) fn toolchain(dir: &Path) -> Result<Toolchain> {
    let mut attempted = Attempted::default();
    loop {
        let missing = match Toolchain::find(dir) {
            Ok(toolchain) => return Ok(toolchain),
            Err(missing) => missing,
        };
        let allowed = Allowed {
            download: may_download(),
            packages: has_apt() && is_root(),
        };
        let outcome = match next(&missing, allowed, attempted) {
            Some(Attempt::AddTarget(toolchain)) => {
                attempted.target = true;
                say(&format!("adding {TARGET} to {toolchain} by rustup"));
                add_target(toolchain)
            }
            Some(Attempt::InstallPackages(packages)) => {
                attempted.packages = true;
                install_packages(packages)
            }
            None => bail!(missing),
        };
        if let Err(failure) = outcome {
            say(&failure);
        }
    }
}

/// The download is smaller than the packages, so it is tried first.
fn next(missing: &Missing, allowed: Allowed, attempted: Attempted) -> Option<Attempt<'_>> {
    if let Some(toolchain) = &missing.rustup_toolchain
        && allowed.download
        && !attempted.target
    {
        return Some(Attempt::AddTarget(toolchain));
    }
    (allowed.packages && !attempted.packages).then(|| Attempt::InstallPackages(&missing.packages))
}

/// Adds the guests' target to a rustup toolchain, and changes nothing else in it.
fn add_target(toolchain: &str) -> Result<(), String> {
    let mut rustup = detached("rustup");
    rustup
        .args(["target", "add", TARGET, "--toolchain", toolchain])
        .env("RUSTUP_MAX_RETRIES", "0");
    command::run("rustup target add", &mut rustup, RUSTUP_TIMEOUT)
}

/// Installs Debian packages, after announcing it. Fails rather than removing other packages.
///
/// # Errors
/// One line that says why: this process is not root, the machine has no `apt-get`, or `apt-get`
/// failed.
pub(crate) fn install_packages(packages: &[&str]) -> Result<(), String> {
    if !has_apt() || !is_root() {
        return Err("only root can install packages, and only where there is apt-get".to_owned());
    }
    say(&format!("installing {} by apt-get", packages.join(", ")));
    let apt = |arguments: &[&str]| {
        let mut apt = detached("apt-get");
        apt.args(["--quiet", "--yes", "--no-remove"])
            // On a machine that is just starting, another apt-get may hold the lock.
            .args(["-o", "DPkg::Lock::Timeout=120"])
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive");
        apt
    };
    // Debian ships the compiler as a security update, which old package lists do not contain. If
    // the lists cannot be updated, installing may still work.
    let update = command::run("apt-get update", &mut apt(&["update"]), APT_TIMEOUT);
    let mut install = apt(&["install", "--no-install-recommends"]);
    command::run("apt-get install", install.args(packages), APT_TIMEOUT).map_err(|failure| {
        match update {
            Ok(()) => failure,
            Err(update) => format!("{update}; {failure}"),
        }
    })
}

/// mdBook: the one on `PATH`, else the one in `target/tools`, else installed there by cargo.
///
/// # Errors
/// cargo cannot install it.
pub(crate) fn mdbook(workspace: &Workspace) -> Result<Command> {
    let tools = workspace.target().join("tools");
    let installed = tools.join(format!("bin/mdbook{}", env::consts::EXE_SUFFIX));
    for program in [Path::new("mdbook"), &installed] {
        let version = Command::new(program)
            .arg("--version")
            .stdout(Stdio::null())
            .status();
        if version.is_ok_and(|status| status.success()) {
            return Ok(Command::new(program));
        }
    }
    step::run(
        &format!(
            "installing mdBook {MDBOOK} into {} by cargo",
            tools.display()
        ),
        detached("cargo")
            .args(["install", "mdbook", "--locked", "--version", MDBOOK])
            .args(["--no-default-features", "--features", "search", "--root"])
            .arg(&tools),
    )?;
    Ok(Command::new(installed))
}

/// Whether the user lets rustup and cargo download.
fn may_download() -> bool {
    let is = |name, value: &str| env::var_os(name).is_some_and(|found| found == value);
    !is("RUSTUP_AUTO_INSTALL", "0") && !is("CARGO_NET_OFFLINE", "true")
}

/// Whether this is Debian or a descendant.
fn has_apt() -> bool {
    Path::new("/usr/bin/apt-get").exists()
}

/// Whether this process may install packages, as Linux's `/proc` says.
fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("Uid:"))
        .and_then(|ids| ids.split_whitespace().nth(1));
    effective == Some("0")
}

#[cfg(test)]
mod tests {
    use super::{Allowed, Attempt, Attempted, Missing, next};

    const ALL: Allowed = Allowed {
        download: true,
        packages: true,
    };

    fn missing() -> Missing {
        Missing {
            rustup_toolchain: Some("1.95.0-x86_64-unknown-linux-gnu".to_owned()),
            packages: vec!["rustc-web", "lld"],
        }
    }

    #[test]
    fn the_target_is_tried_before_packages_and_each_once() {
        let missing = missing();
        let mut attempted = Attempted::default();
        assert_eq!(
            next(&missing, ALL, attempted),
            Some(Attempt::AddTarget("1.95.0-x86_64-unknown-linux-gnu")),
        );
        attempted.target = true;
        assert_eq!(
            next(&missing, ALL, attempted),
            Some(Attempt::InstallPackages(&["rustc-web", "lld"])),
        );
        attempted.packages = true;
        assert_eq!(next(&missing, ALL, attempted), None);
    }

    #[test]
    fn rustup_is_skipped_where_it_is_absent_or_offline() {
        let packages = Some(Attempt::InstallPackages(&["rustc-web", "lld"]));
        let offline = Allowed {
            download: false,
            ..ALL
        };
        assert_eq!(next(&missing(), offline, Attempted::default()), packages);
        let without_rustup = Missing {
            rustup_toolchain: None,
            ..missing()
        };
        assert_eq!(next(&without_rustup, ALL, Attempted::default()), packages);
    }

    #[test]
    fn packages_are_installed_only_where_they_may_be() {
        let neither = Allowed {
            download: false,
            packages: false,
        };
        assert_eq!(next(&missing(), neither, Attempted::default()), None);
    }
}
