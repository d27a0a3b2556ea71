//! Finds a program; as root on Debian, installs the package that contains it.
//!
//! In: the names of program and package. Out: a path, or a sentence that says why there is none.
//! Tests run in parallel, in several processes, so packages are installed under a lock. Services of
//! these packages are not started.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::PoisonError;

/// Folders of programs for administrators, which may be missing from `PATH`.
const MORE_FOLDERS: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];
/// Debian runs this program to ask whether a package may start its service (invoke-rc.d(8)).
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// The packages of all programs that the tests use. The first that is missing installs all of them, since
/// one run of apt-get takes hardly longer for all than for one.
const PACKAGES: [&str; 7] = [
    "bsdutils",
    "haproxy",
    "ncat",
    "netcat-openbsd",
    "redis-server",
    "rsyslog",
    "socat",
];

/// The path of `program`, which is in Debian's `package`.
///
/// # Errors
/// A sentence that says why it is missing and was not installed.
pub fn available(program: &str, package: &str) -> Result<PathBuf, String> {
    if let Some(path) = find(program) {
        return Ok(path);
    }
    install(program, package)
        .map_err(|why| format!("no {program} (Debian's package {package}): {why}"))
}

fn find(program: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths)
        .chain(MORE_FOLDERS.map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

#[cfg(not(unix))]
fn install(_: &str, _: &str) -> Result<PathBuf, String> {
    Err("this is not Debian".to_owned())
}

#[cfg(unix)]
fn install(program: &str, package: &str) -> Result<PathBuf, String> {
    /// The error of an earlier attempt to update the package lists.
    static FAILED: Mutex<Option<String>> = Mutex::new(None);

    if !Path::new("/etc/debian_version").exists() || find("apt-get").is_none() {
        return Err("this is not Debian".to_owned());
    }
    if !rustix::process::geteuid().is_root() {
        return Err("only root may install it".to_owned());
    }
    let mut failed = FAILED.lock().unwrap_or_else(PoisonError::into_inner);
    let _lock = lock_file().map_err(|error| format!("the lock file: {error}"))?;
    if let Some(path) = find(program) {
        return Ok(path);
    }
    let _policy = Policy::forbid();
    let get = |packages: &[&str]| {
        let options = [
            "install",
            "--yes",
            "--no-install-recommends",
            "--no-upgrade",
        ];
        apt_get(&[&options, packages].concat())
    };
    let install = || get(&PACKAGES).or_else(|_| get(&[package]));
    let mut done = install();
    if done.is_err() {
        // The package lists may be missing or old. Update them once.
        if let Some(why) = &*failed {
            return Err(why.clone());
        }
        done = apt_get(&["update"])
            .inspect_err(|why| *failed = Some(why.clone()))
            .and_then(|()| install());
    }
    done?;
    find(program).ok_or_else(|| "the package does not contain it".to_owned())
}

/// Locks the installation of packages, also against other test processes, until the file is dropped.
#[cfg(unix)]
fn lock_file() -> io::Result<File> {
    let file = File::create(std::env::temp_dir().join("linemill-tests-install.lock"))?;
    file.lock()?;
    Ok(file)
}

#[cfg(unix)]
fn apt_get(args: &[&str]) -> Result<(), String> {
    let done = Command::new("apt-get")
        .args(["-q", "-o", "Acquire::Retries=0"])
        .args([
            "-o",
            "Acquire::http::Timeout=10",
            "-o",
            "Acquire::https::Timeout=10",
        ])
        .args(["-o", "DPkg::Lock::Timeout=60"])
        .args(args)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .output()
        .map_err(|error| format!("apt-get: {error}"))?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    let last = said.lines().next_back().unwrap_or_default().trim();
    Err(format!("apt-get {}: {}: {last}", args[0], done.status))
}

/// Prevents packages from starting services, until it is dropped.
#[cfg(unix)]
struct Policy {
    ours: bool,
}

#[cfg(unix)]
impl Policy {
    fn forbid() -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        // Keep an existing policy.
        let ours = !Path::new(POLICY).exists()
            && fs::write(POLICY, "#!/bin/sh\nexit 101\n").is_ok()
            && fs::set_permissions(POLICY, fs::Permissions::from_mode(0o755)).is_ok();
        Self { ours }
    }
}

#[cfg(unix)]
impl Drop for Policy {
    fn drop(&mut self) {
        if self.ours {
            let _ = fs::remove_file(POLICY);
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    #[test]
    fn a_program_is_found_by_its_name() {
        let path = super::find("cat").expect("every system has it");
        assert!(path.is_absolute() && path.ends_with("cat"), "{path:?}");
        assert_eq!(super::find("no-such-program"), None);
    }
}
