//! Finds a program; as root on Debian, installs the package that contains it.
//!
//! In: the names of program and package. Out: a path, or a sentence that says why there is none.
//! Tests run in parallel, in several processes, so packages are installed under a lock. Services of
//! these packages are not started.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Folders of programs for administrators, which may be missing from `PATH`.
const MORE_FOLDERS: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];
/// Debian runs this program to ask whether a package may start its service (invoke-rc.d(8)).
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// The packages of all programs that the tests use. The first that is missing installs all of them, since
/// one run of apt-get takes hardly longer for all than for one.
const PACKAGES: [&str; 12] = [
    "bsdutils",
    "haproxy",
    "iproute2",
    "ncat",
    "netcat-openbsd",
    "nftables",
    "prometheus",
    "python3-jsonschema",
    "redis-server",
    "rsyslog",
    "rsyslog-gnutls",
    "socat",
];

/// The path of `program`, which is in Debian's `package`.
///
/// # Errors
/// A sentence that says why it is missing and was not installed.
pub fn available(program: &str, package: &str) -> Result<PathBuf, String> {
    found(program, package, || find(program))
}

/// Python 3 with this module.
///
/// # Errors
/// A sentence that says why one of them is missing and was not installed.
pub fn python_with(module: &str, package: &str) -> Result<PathBuf, String> {
    // Debian's packages are for Debian's Python.
    let debian = || Some(PathBuf::from("/usr/bin/python3")).filter(|path| path.exists());
    let has_module = |python: &PathBuf| {
        let mut import = Command::new(python);
        import.args(["-c", &format!("import tomllib, {module}")]);
        import.output().is_ok_and(|done| done.status.success())
    };
    let find = || debian().into_iter().chain(find("python3")).find(has_module);
    found(&format!("Python module {module}"), package, find)
}

/// What `find` finds, called `what`; if that is nothing, after `package` has been installed.
///
/// # Errors
/// A sentence that says why it is missing and was not installed.
pub(super) fn found(
    what: &str,
    package: &str,
    find: impl Fn() -> Option<PathBuf>,
) -> Result<PathBuf, String> {
    if let Some(path) = find() {
        return Ok(path);
    }
    install(package, find).map_err(|why| format!("no {what} (Debian's package {package}): {why}"))
}

/// The path of a program, if it is there.
pub(super) fn find(program: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths)
        .chain(MORE_FOLDERS.map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

#[cfg(not(unix))]
fn install(_: &str, _: impl Fn() -> Option<PathBuf>) -> Result<PathBuf, String> {
    Err("this is not Debian".to_owned())
}

#[cfg(unix)]
fn install(package: &str, find: impl Fn() -> Option<PathBuf>) -> Result<PathBuf, String> {
    let mut debian = Debian::lock()?;
    if let Some(path) = find() {
        return Ok(path);
    }
    debian.with_lists(|| get(&PACKAGES).or_else(|_| get(&[package])))?;
    find().ok_or_else(|| "the package does not contain it".to_owned())
}

/// A folder with the files of `package`, which conflicts with one of [`PACKAGES`] and is therefore only
/// unpacked. What it depends on is installed.
///
/// # Errors
/// A sentence that says why there is none.
#[cfg(unix)]
pub(super) fn unpacked(package: &str) -> Result<PathBuf, String> {
    let folder = crate::binary::built("linemill").with_file_name("test-programs");
    let (files, partial) = (folder.join(package), folder.join(format!(".{package}")));
    if files.is_dir() {
        return Ok(files);
    }
    let mut debian = Debian::lock()?;
    if files.is_dir() {
        return Ok(files);
    }
    let failed = |error: io::Error| format!("{}: {error}", folder.display());
    // What an interrupted attempt has left.
    drop(fs::remove_dir_all(&partial));
    fs::create_dir_all(&partial).map_err(failed)?;
    debian.with_lists(|| {
        let needs = run(Command::new("apt-cache").args(["depends", package]))?;
        let needs = needs
            .lines()
            .filter_map(|line| line.strip_prefix("  Depends: "));
        get(&needs
            .filter(|name| !name.starts_with('<'))
            .collect::<Vec<_>>())?;
        run(apt(&["download", package]).current_dir(&partial)).map(drop)
    })?;
    let archives = fs::read_dir(&partial).map_err(failed)?;
    for archive in archives.map_while(Result::ok) {
        run(Command::new("dpkg")
            .arg("--extract")
            .args([archive.path(), partial.clone()]))?;
    }
    fs::rename(&partial, &files).map_err(failed)?;
    Ok(files)
}

/// A system on which packages can be installed. Others wait until it is dropped.
#[cfg(unix)]
struct Debian {
    /// The error of an earlier attempt to update the package lists.
    failed: MutexGuard<'static, Option<String>>,
    _lock: File,
    _policy: Policy,
}

#[cfg(unix)]
impl Debian {
    fn lock() -> Result<Self, String> {
        static FAILED: Mutex<Option<String>> = Mutex::new(None);

        if !Path::new("/etc/debian_version").exists() || find("apt-get").is_none() {
            return Err("this is not Debian".to_owned());
        }
        if !rustix::process::geteuid().is_root() {
            return Err("only root may install it".to_owned());
        }
        let failed = FAILED.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Self {
            failed,
            _lock: lock_file().map_err(|error| format!("the lock file: {error}"))?,
            _policy: Policy::forbid(),
        })
    }

    /// Installs something by `install`, which is called again with new package lists if it fails.
    fn with_lists(&mut self, install: impl Fn() -> Result<(), String>) -> Result<(), String> {
        if install().is_ok() {
            return Ok(());
        }
        // The package lists may be missing or old. Update them once.
        if let Some(why) = &*self.failed {
            return Err(why.clone());
        }
        run(&mut apt(&["update"])).inspect_err(|why| *self.failed = Some(why.clone()))?;
        install()
    }
}

/// Installs packages.
#[cfg(unix)]
fn get(packages: &[&str]) -> Result<(), String> {
    let options = [
        "install",
        "--yes",
        "--no-install-recommends",
        "--no-upgrade",
    ];
    run(&mut apt(&[&options, packages].concat())).map(drop)
}

/// Locks the installation of packages, also against other test processes, until the file is dropped.
#[cfg(unix)]
fn lock_file() -> io::Result<File> {
    let file = File::create(std::env::temp_dir().join("linemill-tests-install.lock"))?;
    file.lock()?;
    Ok(file)
}

#[cfg(unix)]
fn apt(args: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command
        .args(["-q", "-o", "Acquire::Retries=0"])
        .args([
            "-o",
            "Acquire::http::Timeout=10",
            "-o",
            "Acquire::https::Timeout=10",
        ])
        .args(["-o", "DPkg::Lock::Timeout=60"])
        .args(args)
        .env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Runs a command to its end. Returns its standard output.
#[cfg(unix)]
fn run(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().display().to_string();
    let done = command
        .output()
        .map_err(|error| format!("{name}: {error}"))?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    let last = said.lines().next_back().unwrap_or_default().trim();
    Err(format!("{name}: {}: {last}", done.status))
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
