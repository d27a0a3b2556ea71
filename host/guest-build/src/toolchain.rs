//! Which compiler builds guests on this machine.
//!
//! In: what the machine has. Out: a [`Toolchain`], or [`Missing`] with the commands that install
//! one. Not here: running those commands. Nothing in this crate downloads or installs a compiler;
//! only `cargo xtask` does, and this crate does not depend on it.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    TARGET,
    environment::command,
    machine::{Machine, SYSTEM_CARGO, SYSTEM_RUSTC, Version},
};

/// The SDK's `rust-version`: older compilers reject it.
const OLDEST: Version = Version {
    major: 1,
    minor: 95,
};

/// Debian's compiler, its cargo, and the source of its standard library.
const PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];
/// Debian's `wasm-ld`, for machines without rustup's `rust-lld`.
const LINKER_PACKAGE: &str = "lld";

/// A compiler for guests, and how to start it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toolchain {
    version: Version,
    source: StdSource,
}

/// Where the standard library for guests comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum StdSource {
    /// The folder's usual compiler has it precompiled.
    Precompiled,
    /// Debian's compiler builds it from source.
    BuiltFromSource { linker: PathBuf },
}

/// No compiler on this machine can build a guest. Displays the commands that install one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Missing {
    /// The rustup toolchain that is active in the folder. It lacks [`TARGET`], or is too old.
    pub rustup_toolchain: Option<String>,
    /// The Debian packages that are enough to build guests.
    pub packages: Vec<&'static str>,
}

impl Toolchain {
    /// Finds a compiler for the crate in `dir`, which matters because rustup selects a toolchain
    /// by folder. Leaves the machine as it is.
    ///
    /// # Errors
    /// No installed compiler can build for [`TARGET`].
    pub fn find(dir: &Path) -> Result<Self, Missing> {
        choose(&Machine::look(dir))
    }

    /// A cargo that builds guests when `build --target wasm32-unknown-unknown` and this
    /// toolchain's [arguments](Self::arguments) follow.
    pub(crate) fn cargo(&self) -> Command {
        let mut cargo = match &self.source {
            StdSource::Precompiled => command("cargo"),
            StdSource::BuiltFromSource { linker } => {
                let mut cargo = command(SYSTEM_CARGO);
                cargo
                    .env_remove("RUSTUP_TOOLCHAIN")
                    .env("RUSTC", SYSTEM_RUSTC)
                    // `-Zbuild-std` is unstable, and this is how a stable compiler accepts it.
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

    /// Further arguments for `cargo build`.
    pub(crate) fn arguments(&self) -> &'static [&'static str] {
        match self.source {
            StdSource::Precompiled => &[],
            StdSource::BuiltFromSource { .. } => &["-Zbuild-std=std,panic_abort"],
        }
    }
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.source {
            StdSource::Precompiled => write!(f, "rustc {}", self.version),
            StdSource::BuiltFromSource { .. } => write!(f, "Debian's rustc {}", self.version),
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no compiler on this machine can build for {TARGET}")?;
        write!(f, "\nhint: with rustup:\n    rustup target add {TARGET}")?;
        if let Some(toolchain) = &self.rustup_toolchain {
            write!(f, " --toolchain {toolchain}")?;
        }
        write!(
            f,
            "\n  or, on Debian, as root:\n    apt-get update && apt-get install \
             --no-install-recommends {}",
            self.packages.join(" "),
        )
    }
}

/// Chooses by facts alone. The usual compiler comes first, because it needs no source build.
fn choose(machine: &Machine) -> Result<Toolchain, Missing> {
    if let Some(usual) = &machine.usual
        && usual.has_target
        && usual.version >= OLDEST
    {
        return Ok(Toolchain {
            version: usual.version,
            source: StdSource::Precompiled,
        });
    }
    let system = machine
        .system
        .as_ref()
        .filter(|system| system.has_source && system.version >= OLDEST);
    if let (Some(system), Some(linker)) = (system, &machine.linker) {
        return Ok(Toolchain {
            version: system.version,
            source: StdSource::BuiltFromSource {
                linker: linker.clone(),
            },
        });
    }
    let mut packages = PACKAGES.to_vec();
    if machine.linker.is_none() {
        packages.push(LINKER_PACKAGE);
    }
    Err(Missing {
        rustup_toolchain: machine.rustup_toolchain.clone(),
        packages,
    })
}

#[cfg(test)]
#[path = "toolchain_tests.rs"]
mod tests;
