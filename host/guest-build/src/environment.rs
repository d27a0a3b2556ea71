//! The environment of commands that build guests.
//!
//! In: this process's environment variables. Out: a command that inherits only those that are
//! meant for it. A process started by `cargo run` carries variables of the host's build (target
//! folder, flags, compiler, profile), which would change or break a guest's build.

use std::{env, ffi::OsStr, process::Command};

/// Settings of cargo that the user makes for all builds.
const KEPT: [&str; 4] = [
    "CARGO_HOME",
    "CARGO_BUILD_JOBS",
    "CARGO_INCREMENTAL",
    "CARGO_LOG",
];
const KEPT_PREFIXES: [&str; 6] = [
    "CARGO_HTTP_",
    "CARGO_NET_",
    "CARGO_REGISTRIES_",
    "CARGO_REGISTRY_",
    "CARGO_SOURCE_",
    "CARGO_TERM_",
];
const REMOVED: [&str; 9] = [
    "CARGO",
    "RUSTC",
    "RUSTC_BOOTSTRAP",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTDOC",
    "RUSTDOCFLAGS",
    "RUSTFLAGS",
    // `cargo run` sets these to folders of the host's build and toolchain.
    "DYLD_FALLBACK_LIBRARY_PATH",
    "LD_LIBRARY_PATH",
];

/// Whether a guest's build inherits a variable.
///
/// It inherits `RUSTUP_TOOLCHAIN`: guests use the toolchain that the command was started with.
fn is_kept(name: &str) -> bool {
    if REMOVED.contains(&name) {
        return false;
    }
    !name.starts_with("CARGO_")
        || KEPT.contains(&name)
        || KEPT_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// A command that inherits no variable of the cargo build that started this process, and whose
/// rustup (1.28 and later) does not download a toolchain that a `rust-toolchain.toml` names.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(|name| !is_kept(name)) {
            command.env_remove(name);
        }
    }
    command.env("RUSTUP_AUTO_INSTALL", "0");
    command
}

#[cfg(test)]
mod tests {
    use super::is_kept;

    #[test]
    fn variables_of_another_build_are_removed() {
        for name in [
            "CARGO",
            "CARGO_TARGET_DIR",
            "CARGO_BUILD_TARGET_DIR",
            "CARGO_BUILD_TARGET",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_MANIFEST_DIR",
            "CARGO_PKG_NAME",
            "CARGO_PROFILE_RELEASE_LTO",
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER",
            "LD_LIBRARY_PATH",
            "RUSTC",
            "RUSTFLAGS",
        ] {
            assert!(!is_kept(name), "{name}");
        }
    }

    #[test]
    fn settings_for_every_build_are_kept() {
        for name in [
            "CARGO_BUILD_JOBS",
            "CARGO_HOME",
            "CARGO_HTTP_PROXY",
            "CARGO_NET_OFFLINE",
            "CARGO_REGISTRIES_MIRROR_INDEX",
            "CARGO_SOURCE_CRATES_IO_REPLACE_WITH",
            "CARGO_TERM_COLOR",
            "HTTPS_PROXY",
            "PATH",
            "RUSTC_WRAPPER",
            "RUSTUP_TOOLCHAIN",
        ] {
            assert!(is_kept(name), "{name}");
        }
    }
}
