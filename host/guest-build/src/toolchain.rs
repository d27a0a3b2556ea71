//! Which compiler builds guests here.
//!
//! In: what the machine has. Out: a [`Toolchain`], or [`Missing`] with the commands that help.
//! What is already there comes before anything that has to be fetched, so a machine without a
//! network asks for it at most once. Building is not done here.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    TARGET, acquire,
    environment::command,
    machine::{Machine, SYSTEM_CARGO, SYSTEM_RUSTC, Version},
};

/// The SDK's `rust-version`: an older compiler does not take it.
const OLDEST: Version = Version {
    major: 1,
    minor: 95,
};

/// Debian's compiler, its cargo, and the source of its standard library.
pub(crate) const PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];
/// Debian's `wasm-ld`, where rustup's `rust-lld` is not there.
pub(crate) const LINKER_PACKAGE: &str = "lld";

/// Whether a compiler may be fetched that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetch {
    /// By `rustup target add`, or by `apt-get` when root on Debian; each is announced.
    Allowed,
    /// The machine stays as it is.
    Never,
}

/// A compiler for guests, and how to start it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toolchain {
    version: Version,
    way: Way,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Way {
    /// The folder's usual compiler has the target.
    Usual,
    /// Debian's compiler makes the target's standard library from source.
    FromSource { linker: PathBuf },
}

/// No compiler here can build a guest. Its text says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Missing {
    toolchain: Option<String>,
    /// What was tried, and how it ended.
    tried: Vec<String>,
}

/// What to do next, on a machine in a given state.
#[derive(Debug, PartialEq, Eq)]
enum Step<'a> {
    Use(Toolchain),
    AddTarget(&'a str),
    InstallPackages(Vec<&'static str>),
    GiveUp,
}

/// What was done already and need not be done again.
#[derive(Clone, Copy, Debug, Default)]
struct Done {
    add_target: bool,
    install_packages: bool,
}

impl Toolchain {
    /// Finds a compiler for the crate in `dir`. What takes long or changes the machine is told to
    /// `say` before it is done, a line each.
    pub fn find(dir: &Path, fetch: Fetch, say: &mut dyn FnMut(&str)) -> Result<Self, Missing> {
        let mut done = Done::default();
        let mut tried = Vec::new();
        loop {
            let machine = Machine::look(dir);
            let outcome = match next(&machine, fetch, done) {
                Step::Use(toolchain) => return Ok(toolchain),
                Step::AddTarget(toolchain) => {
                    done.add_target = true;
                    say(&format!("adding {TARGET} to {toolchain} by rustup"));
                    acquire::add_target(toolchain)
                }
                Step::InstallPackages(packages) => {
                    done.install_packages = true;
                    say(&format!("installing {} by apt-get", packages.join(", ")));
                    acquire::install_packages(&packages)
                }
                Step::GiveUp => {
                    return Err(Missing {
                        toolchain: machine.rustup_toolchain,
                        tried,
                    });
                }
            };
            if let Err(failure) = outcome {
                say(&failure);
                tried.push(failure);
            }
        }
    }

    /// A cargo that builds guests when `build --target wasm32-unknown-unknown` and this
    /// toolchain's [arguments](Self::arguments) follow.
    pub(crate) fn cargo(&self) -> Command {
        let mut cargo = match &self.way {
            Way::Usual => command("cargo"),
            Way::FromSource { linker } => {
                let mut cargo = command(SYSTEM_CARGO);
                cargo
                    .env_remove("RUSTUP_TOOLCHAIN")
                    .env("RUSTC", SYSTEM_RUSTC)
                    // Building the standard library is a nightly feature of a stable compiler.
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
                cargo
            }
        };
        cargo.env(
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
            "-Ctarget-feature=+simd128",
        );
        cargo
    }

    /// What this toolchain's cargo needs beside the usual.
    pub(crate) fn arguments(&self) -> &'static [&'static str] {
        match self.way {
            Way::Usual => &[],
            Way::FromSource { .. } => &["-Zbuild-std=std,panic_abort"],
        }
    }
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.way {
            Way::Usual => write!(f, "rustc {}", self.version),
            Way::FromSource { .. } => write!(f, "Debian's rustc {}", self.version),
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no compiler here can build for {TARGET}")?;
        for failure in &self.tried {
            write!(f, "\n  tried: {failure}")?;
        }
        write!(f, "\nhint: with rustup:\n    rustup target add {TARGET}")?;
        if let Some(toolchain) = &self.toolchain {
            write!(f, " --toolchain {toolchain}")?;
        }
        write!(
            f,
            "\n  or, on Debian, as root:\n    apt-get update && apt-get install \
             --no-install-recommends {} {LINKER_PACKAGE}",
            PACKAGES.join(" "),
        )
    }
}

/// The choice itself, on facts alone.
fn next(machine: &Machine, fetch: Fetch, done: Done) -> Step<'_> {
    if let Some(usual) = &machine.usual
        && usual.has_target
        && usual.version >= OLDEST
    {
        return Step::Use(Toolchain {
            version: usual.version,
            way: Way::Usual,
        });
    }
    let system = machine
        .system
        .as_ref()
        .filter(|system| system.has_source && system.version >= OLDEST);
    if let (Some(system), Some(linker)) = (system, &machine.linker) {
        return Step::Use(Toolchain {
            version: system.version,
            way: Way::FromSource {
                linker: linker.clone(),
            },
        });
    }
    if fetch == Fetch::Never {
        return Step::GiveUp;
    }
    if let Some(toolchain) = &machine.rustup_toolchain
        && machine.may_download
        && !done.add_target
    {
        return Step::AddTarget(toolchain);
    }
    if machine.has_apt && machine.is_root && !done.install_packages {
        let mut packages = PACKAGES.to_vec();
        if machine.linker.is_none() {
            packages.push(LINKER_PACKAGE);
        }
        return Step::InstallPackages(packages);
    }
    Step::GiveUp
}

#[cfg(test)]
#[path = "toolchain_tests.rs"]
mod tests;
