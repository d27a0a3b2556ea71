//! Builds a crate or a workspace of crates into components on disk.
//!
//! In: a folder with a `Cargo.toml`, and a toolchain. Out: one component per `cdylib`. Cargo decides
//! what to compile again. A component is written only if its bytes change, so that the file's time
//! is the time of the last change.

use std::{
    fs,
    io::{self, BufReader},
    path::{Path, PathBuf},
    process::Stdio,
};

use crate::{
    TARGET, Toolchain,
    artifacts::{self, Artifact},
    component::{self, ComponentError},
};

/// A component on disk that is up to date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The package's name.
    pub name: String,
    /// The component's path: `plugins/NAME.wasm` in the target folder.
    pub component: PathBuf,
    /// Its size in bytes.
    pub size: usize,
    /// Whether the file was written. Otherwise it had the right bytes already.
    pub changed: bool,
}

/// Why a crate did not become a component.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// There is no such folder.
    #[error(
        "{}: there is no such folder\nhint: name the folder of a filter crate; `linemill new NAME --lang rust` creates one",
        .0.display()
    )]
    NoFolder(PathBuf),
    /// The path does not lead to a folder.
    #[error(
        "{} is not a folder\nhint: name the folder of a filter crate; `linemill new NAME --lang rust` creates one",
        .0.display()
    )]
    NotFolder(PathBuf),
    /// The folder has no crate.
    #[error(
        "{} has no Cargo.toml\nhint: name the folder of a filter crate; `linemill new NAME --lang rust` creates one",
        .0.display()
    )]
    NoCrate(PathBuf),
    /// The crate compiles to a library, not to a WebAssembly module.
    #[error(
        "{} builds no WebAssembly module\nhint: its Cargo.toml needs\n    [lib]\n    crate-type = [\"cdylib\", \"rlib\"]",
        .0.display()
    )]
    NoModule(PathBuf),
    /// cargo failed, and printed why.
    #[error("cargo could not build {}: see its messages above", .0.display())]
    Cargo(PathBuf),
    /// A module could not be made a component.
    #[error("{package}: {error}")]
    Component {
        /// The package's name.
        package: String,
        /// The reason.
        error: ComponentError,
    },
    /// A program could not be started, or a file could not be read or written.
    #[error("{what}: {error}")]
    Io {
        /// The operation that failed.
        what: String,
        /// The system's error.
        error: io::Error,
    },
}

/// Builds the crate or workspace in `dir`. cargo's files go to `TARGET/guest`, components to
/// `TARGET/plugins`, where `TARGET` is the folder `target`. cargo prints its progress on standard
/// error.
///
/// # Errors
/// See [`BuildError`]. Components that were finished before the error stay.
pub fn build(dir: &Path, target: &Path, toolchain: &Toolchain) -> Result<Vec<Built>, BuildError> {
    look(dir)?;
    let target = std::path::absolute(target).map_err(failed("finding the target folder"))?;
    let modules = compile(dir, &target.join("guest"), toolchain)?;
    if modules.is_empty() {
        return Err(BuildError::NoModule(dir.to_owned()));
    }
    let out = target.join("plugins");
    fs::create_dir_all(&out).map_err(failed(format!("creating {}", out.display())))?;
    modules.iter().map(|module| wrap(module, &out)).collect()
}

/// Looks for a crate in `dir`. Which compiler builds it is a question only if there is one.
///
/// # Errors
/// There is no crate.
pub fn look(dir: &Path) -> Result<(), BuildError> {
    let dir = dir.to_owned();
    if !dir.exists() {
        Err(BuildError::NoFolder(dir))
    } else if !dir.is_dir() {
        Err(BuildError::NotFolder(dir))
    } else if !dir.join("Cargo.toml").is_file() {
        Err(BuildError::NoCrate(dir))
    } else {
        Ok(())
    }
}

/// Runs cargo. Returns the core modules that it built.
fn compile(dir: &Path, target: &Path, toolchain: &Toolchain) -> Result<Vec<Artifact>, BuildError> {
    let starting = || failed(format!("starting cargo with {toolchain}"));
    let mut cargo = toolchain
        .cargo()
        .args(["build", "--release", "--target", TARGET])
        .args([
            "--message-format",
            "json-render-diagnostics",
            "--target-dir",
        ])
        .arg(target)
        .args(toolchain.arguments())
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(starting())?;
    let modules = match cargo.stdout.take() {
        Some(output) => artifacts::read(BufReader::new(output)),
        None => Ok(Vec::new()),
    };
    let status = cargo.wait().map_err(starting())?;
    if !status.success() {
        return Err(BuildError::Cargo(dir.to_owned()));
    }
    modules.map_err(failed("reading the output of cargo"))
}

/// Turns a module into a component in `out`.
fn wrap(module: &Artifact, out: &Path) -> Result<Built, BuildError> {
    let Artifact { package, path } = module;
    let core = fs::read(path).map_err(failed(format!("reading {}", path.display())))?;
    let bytes = component::encode(&core).map_err(|error| BuildError::Component {
        package: package.clone(),
        error,
    })?;
    let component = out.join(format!("{package}.wasm"));
    let changed = write_if_changed(&component, &bytes)
        .map_err(failed(format!("writing {}", component.display())))?;
    Ok(Built {
        name: package.clone(),
        component,
        size: bytes.len(),
        changed,
    })
}

/// Writes `bytes` to a file unless it has them already, and says whether it wrote. The file is
/// replaced atomically, since a running host may read it.
fn write_if_changed(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    if fs::read(path).is_ok_and(|present| present == bytes) {
        return Ok(false);
    }
    let unfinished = path.with_extension("wasm.unfinished");
    let written = fs::write(&unfinished, bytes).and_then(|()| fs::rename(&unfinished, path));
    if written.is_err() {
        drop(fs::remove_file(&unfinished));
    }
    written.map(|()| true)
}

fn failed(what: impl Into<String>) -> impl FnOnce(io::Error) -> BuildError {
    let what = what.into();
    |error| BuildError::Io { what, error }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        time::{Duration, SystemTime},
    };

    use super::write_if_changed;

    #[test]
    fn an_equal_file_keeps_its_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.wasm");
        assert!(write_if_changed(&path, b"one").unwrap());
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        fs::File::options()
            .write(true)
            .open(&path)
            .and_then(|file| file.set_modified(long_ago))
            .unwrap();

        assert!(!write_if_changed(&path, b"one").unwrap());
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), long_ago);

        assert!(write_if_changed(&path, b"two").unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
