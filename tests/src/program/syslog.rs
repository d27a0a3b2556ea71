//! Syslog daemons that others wrote, each with a configuration of its own.
//!
//! In: a configuration. Out: a running daemon, whose files are in the folder of that configuration; or a
//! sentence that says why there is none.

use std::path::Path;
use std::process::Command;

use super::Program;
use super::install::{available, find, found, unpacked};
use crate::Folder;

/// rsyslogd with `config`. It reads and writes in `folder`, also what `config` does not name.
///
/// # Errors
/// When it is missing and cannot be installed.
pub fn rsyslogd(folder: &Folder, config: &str) -> Result<Program, String> {
    let path = available("rsyslogd", "rsyslog")?;
    let config = folder.write("rsyslog.conf", config);
    let mut command = Command::new(path);
    command.arg("-n").arg("-f").arg(config);
    command.arg("-i").arg(folder.path().join("rsyslog.pid"));
    Ok(Program::start(&mut command))
}

/// As [`rsyslogd`], with TLS by GnuTLS.
///
/// # Errors
/// When it is missing and cannot be installed.
pub fn rsyslogd_with_tls(folder: &Folder, config: &str) -> Result<Program, String> {
    let module = || {
        let libraries = std::fs::read_dir("/usr/lib").ok()?;
        let mut folders = libraries.filter_map(|entry| Some(entry.ok()?.path()));
        folders.find_map(|folder| {
            let path = folder.join("rsyslog/lmnsd_gtls.so");
            path.is_file().then_some(path)
        })
    };
    found("TLS for rsyslogd", "rsyslog-gnutls", module)?;
    rsyslogd(folder, config)
}

/// syslog-ng with `config`, which needs no line with its version. It reads and writes in `folder`.
///
/// # Errors
/// When it is missing and cannot be unpacked. It is not installed: Debian's package conflicts with
/// rsyslog.
pub fn syslog_ng(folder: &Folder, config: &str) -> Result<Program, String> {
    let mut command = match find("syslog-ng") {
        Some(path) => Command::new(path),
        None => of_package(&unpacked("syslog-ng-core")?)?,
    };
    let config = folder.write("syslog-ng.conf", format!("@version: current\n{config}"));
    let here = |name: &str| folder.path().join(name);
    command
        .args(["--foreground", "--stderr", "--no-caps"])
        .arg("--cfgfile")
        .arg(config)
        .arg("--persist-file")
        .arg(here("syslog-ng.persist"))
        .arg("--pidfile")
        .arg(here("syslog-ng.pid"))
        .arg("--control")
        .arg(here("syslog-ng.ctl"));
    Ok(Program::start(&mut command))
}

/// A command that runs it from the files of its package.
fn of_package(files: &Path) -> Result<Command, String> {
    let libraries = files.join("usr/lib/syslog-ng");
    let entries = std::fs::read_dir(&libraries).map_err(|error| error.to_string())?;
    let mut folders = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let modules = folders
        .find(|path| path.is_dir())
        .ok_or("its modules are missing")?;
    let mut command = Command::new(files.join("usr/sbin/syslog-ng"));
    command
        .env("LD_LIBRARY_PATH", &libraries)
        .arg("--module-path")
        .arg(modules);
    Ok(command)
}
