//! What a cargo started for guests inherits.
//!
//! In: the names of this process's environment variables. Out: those that stay. A process started
//! by `cargo run` carries variables meant for the host's build (target directory, flags, compiler,
//! profile); they would make the guest's build a different one each time, or break it.

use std::{env, ffi::OsStr, process::Command};

/// Set by the user for cargo as a whole, so good for any of its runs.
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
    // Set by `cargo run`, to directories of the host's build and toolchain.
    "DYLD_FALLBACK_LIBRARY_PATH",
    "LD_LIBRARY_PATH",
];

/// Whether a variable may reach a guest's build.
///
/// `RUSTUP_TOOLCHAIN` may: where a command was started with one toolchain, its guests use it too.
fn is_kept(name: &str) -> bool {
    if REMOVED.contains(&name) {
        return false;
    }
    !name.starts_with("CARGO_")
        || KEPT.contains(&name)
        || KEPT_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// A command without the variables that belong to another build.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(|name| !is_kept(name)) {
            command.env_remove(name);
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use super::is_kept;

    #[test]
    fn what_belongs_to_another_build_goes() {
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
    fn what_the_user_set_for_every_build_stays() {
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
