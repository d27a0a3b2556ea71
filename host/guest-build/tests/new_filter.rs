//! Creates, tests and builds a filter as the README describes, with real compilers.
//!
//! Dependencies have the versions of the plugins' dependencies, so that nothing is downloaded that
//! `cargo xtask plugins` did not download before.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that panics has failed"
)]

use std::collections::BTreeSet;
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use linemill_guest_build::{BuildError, Toolchain, build, new};

/// A folder that persists between runs, for crates and components. Crates in it are created anew.
fn workshop() -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guest-build");
    fs::create_dir_all(&dir).unwrap();
    dir
}

/// The folder in which cargo built the plugins. Building here too reuses their dependencies and the
/// standard library, which otherwise takes a minute to compile from source.
fn shared() -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../guest");
    fs::create_dir_all(&dir).unwrap();
    dir.canonicalize().unwrap()
}

/// A target folder whose components are the workshop's, and whose other files are shared.
fn target() -> PathBuf {
    let dir = workshop().join("target");
    fs::create_dir_all(&dir).unwrap();
    #[cfg(unix)]
    if fs::symlink_metadata(dir.join("guest")).is_err() {
        // Another test of this program may have created it just now.
        let _ = std::os::unix::fs::symlink(shared(), dir.join("guest"));
    }
    dir
}

/// An empty folder in the workshop.
fn emptied(name: &str) -> PathBuf {
    let dir = workshop().join(name);
    if dir.exists() {
        fs::remove_dir_all(&dir).unwrap();
    }
    dir
}

fn toolchain(dir: &Path) -> Toolchain {
    Toolchain::find(dir).expect("`cargo xtask test` installs a compiler for guests")
}

/// A crate as `linemill new` creates it, with the versions of the plugins' dependencies.
fn new_crate(name: &str) -> PathBuf {
    let root = emptied(name);
    assert_eq!(new::create(&workshop(), name).unwrap(), root);
    let versions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/Cargo.lock");
    fs::copy(versions, root.join("Cargo.lock")).unwrap();
    root
}

#[test]
fn a_new_filter_passes_its_test_and_becomes_a_component() {
    let root = new_crate("swap-words");

    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let test = Command::new(cargo)
        .args(["test", "--target-dir"])
        .arg(shared())
        .current_dir(&root)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&test.stdout);
    let errors = String::from_utf8_lossy(&test.stderr);
    assert!(test.status.success(), "{said}{errors}");
    assert!(said.contains("4 passed"), "{said}");

    let target = target();
    let built = build(&root, &target, &toolchain(&root)).unwrap();
    let [filter] = &built[..] else {
        panic!("one component, not {built:?}");
    };
    assert_eq!(filter.name, "swap-words");
    assert_eq!(filter.component, target.join("plugins/swap-words.wasm"));
    let component = fs::read(&filter.component).unwrap();
    assert_eq!(component.len(), filter.size);

    let decoded = wit_component::decode(&component).unwrap();
    let resolve = decoded.resolve();
    let (_, world) = resolve.worlds.iter().next().unwrap();
    let names = |keys: Vec<&_>| -> BTreeSet<_> {
        let names = keys.into_iter().map(|key| resolve.name_world_key(key));
        names.collect()
    };
    let exports = names(world.exports.keys().collect());
    let expected = ["linemill:filter/about@0.1.1", "linemill:filter/batch@0.1.1"];
    assert_eq!(exports, expected.map(str::to_owned).into());
    // Only to say why it traps, for which it needs no grant.
    let imports = names(world.imports.keys().collect());
    let expected = ["linemill:filter/last-words@0.1.1"];
    assert_eq!(imports, expected.map(str::to_owned).into());

    let again = build(&root, &target, &toolchain(&root)).unwrap();
    assert!(!again[0].changed);
}

#[test]
fn errors_name_what_a_crate_lacks() {
    let (root, target) = (emptied("plain"), target());
    fs::create_dir_all(root.join("src")).unwrap();
    let write = |path: &str, text: &str| fs::write(root.join(path), text).unwrap();
    let refusal = || build(&root, &target, &toolchain(&root)).unwrap_err();
    assert!(matches!(refusal(), BuildError::NoCrate(_)));

    let manifest = "[package]\nname = \"plain\"\nedition = \"2024\"\n[workspace]\n\
                    [profile.release]\nopt-level = 3\nlto = true\ncodegen-units = 1\n\
                    panic = \"abort\"\nstrip = true\n";
    write("Cargo.toml", manifest);
    write("src/lib.rs", "");
    let error = refusal();
    assert!(matches!(error, BuildError::NoModule(_)));
    assert!(error.to_string().contains("cdylib"), "{error}");

    write(
        "Cargo.toml",
        &format!("{manifest}[lib]\ncrate-type = [\"cdylib\"]\n"),
    );
    let error = refusal();
    assert!(matches!(error, BuildError::Component { .. }));
    assert!(error.to_string().contains("export!"), "{error}");

    write("src/lib.rs", "not rust");
    assert!(matches!(refusal(), BuildError::Cargo(_)));
}
