//! What this machine has for building guests.
//!
//! In: a folder, because rustup selects a toolchain by folder. Out: facts, in a [`Machine`]. A fact
//! that cannot be determined counts as "no". Not here: choosing a toolchain, or changing anything.

use std::{
    env, fmt, fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use crate::{TARGET, environment::command};

/// Debian's compiler and cargo, when they are installed.
pub(crate) const SYSTEM_RUSTC: &str = "/usr/bin/rustc";
pub(crate) const SYSTEM_CARGO: &str = "/usr/bin/cargo";

/// A compiler's version without its patch release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    pub(crate) major: u32,
    pub(crate) minor: u32,
}

impl Version {
    /// Reads the first line of `rustc --version`.
    fn parse(line: &str) -> Option<Self> {
        let mut numbers = line.strip_prefix("rustc ")?.split(['.', ' ']);
        Some(Self {
            major: numbers.next()?.parse().ok()?,
            minor: numbers.next()?.parse().ok()?,
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A compiler, and the standard libraries that it has for guests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Compiler {
    pub(crate) version: Version,
    /// It has a precompiled standard library for guests.
    pub(crate) has_target: bool,
    /// It has the source of the standard library and of that library's dependencies.
    pub(crate) has_source: bool,
}

/// What the choice of a toolchain depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Machine {
    /// The compiler that `rustc` starts in the folder.
    pub(crate) usual: Option<Compiler>,
    /// The rustup toolchain that is active in the folder.
    pub(crate) rustup_toolchain: Option<String>,
    /// Debian's compiler, if its cargo is installed too.
    pub(crate) system: Option<Compiler>,
    /// A linker for WebAssembly: rustup's `rust-lld`, or LLVM's `wasm-ld`.
    pub(crate) linker: Option<PathBuf>,
}

impl Machine {
    /// Inspects the machine as seen from `dir`.
    pub(crate) fn look(dir: &Path) -> Self {
        let usual_sysroot = sysroot("rustc", dir);
        // Paths and packages are Debian's, so compilers of other systems are not considered.
        let has_system = Path::new("/usr/bin/apt-get").exists()
            && Path::new(SYSTEM_RUSTC).exists()
            && Path::new(SYSTEM_CARGO).exists();
        Self {
            usual: compiler("rustc", dir, usual_sysroot.as_deref()),
            rustup_toolchain: rustup_toolchain(dir),
            system: has_system
                .then(|| sysroot(SYSTEM_RUSTC, dir))
                .and_then(|root| compiler(SYSTEM_RUSTC, dir, root.as_deref())),
            linker: usual_sysroot
                .and_then(|root| rust_lld(&root))
                .or_else(wasm_ld),
        }
    }
}

/// A program's standard output, trimmed. `None` if the program fails or cannot be started.
fn ask(program: &str, arguments: &[&str], dir: &Path) -> Option<String> {
    let output = command(program)
        .args(arguments)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

fn sysroot(rustc: &str, dir: &Path) -> Option<PathBuf> {
    ask(rustc, &["--print", "sysroot"], dir).map(PathBuf::from)
}

fn compiler(rustc: &str, dir: &Path, sysroot: Option<&Path>) -> Option<Compiler> {
    let rustlib = sysroot?.join("lib/rustlib");
    Some(Compiler {
        version: Version::parse(&ask(rustc, &["--version"], dir)?)?,
        has_target: rustlib.join(TARGET).join("lib").is_dir(),
        has_source: rustlib.join("src/rust/library/std/Cargo.toml").is_file(),
    })
}

fn rustup_toolchain(dir: &Path) -> Option<String> {
    let line = ask("rustup", &["show", "active-toolchain"], dir)?;
    line.split_whitespace().next().map(str::to_owned)
}

fn rust_lld(sysroot: &Path) -> Option<PathBuf> {
    let hosts = fs::read_dir(sysroot.join("lib/rustlib")).ok()?;
    let name = format!("bin/rust-lld{}", env::consts::EXE_SUFFIX);
    hosts
        .filter_map(Result::ok)
        .map(|host| host.path().join(&name))
        .find(|path| path.is_file())
}

/// LLVM's linker. Debian puts the release into its name; the newest comes first.
fn wasm_ld() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let names = std::iter::once("wasm-ld".to_owned())
        .chain((19..40).rev().map(|release| format!("wasm-ld-{release}")));
    names
        .flat_map(|name| env::split_paths(&path).map(move |dir| dir.join(&name)))
        .find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn versions_are_read_from_what_compilers_say() {
        let read = |line| Version::parse(line).map(|version| version.to_string());
        assert_eq!(
            read("rustc 1.95.0 (59807616e 2026-04-14)").as_deref(),
            Some("1.95")
        );
        assert_eq!(
            read("rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)").as_deref(),
            Some("1.96"),
        );
        assert_eq!(
            read("rustc 1.97.0-nightly (0 2026-05-25)").as_deref(),
            Some("1.97")
        );
        assert_eq!(read("clang version 14.0.6"), None);
        assert_eq!(read("rustc"), None);
    }

    #[test]
    fn versions_compare_by_number_not_by_text() {
        let version = |minor| Version { major: 1, minor };
        assert!(version(100) > version(95));
        assert!(Version { major: 2, minor: 0 } > version(100));
    }
}
