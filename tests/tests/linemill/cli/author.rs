//! `new` and `build`: a new filter, made as a newcomer would, outside this repository.

use linemill_tests::{Folder, run};

/// One test for all steps, because each needs the one before and the build takes long.
#[test]
fn a_new_filter_builds_and_runs() {
    let folder = Folder::new();
    run(folder.path(), ["new", "swap-words", "--lang", "rust"], b"").success();
    let made = folder.path().join("swap-words");
    for file in ["Cargo.toml", "README.md", "linemill.toml", "src/lib.rs"] {
        assert!(made.join(file).is_file(), "no {file}");
    }
    run(folder.path(), ["new", "swap-words", "--lang", "rust"], b"")
        .failure()
        .stderr_has(&["swap-words", "exists"]);
    run(folder.path(), ["new", "other", "--lang", "cobol"], b"")
        .failure()
        .stderr_has(&["cobol", "rust"]);

    share_build(&made);

    // The steps of the README in the new crate.
    let built = run(&made, ["build"], b"").success();
    let component = made.join("target/plugins/swap-words.wasm");
    assert!(
        component.is_file(),
        "no {}:\n{}",
        component.display(),
        built.stderr
    );
    let output = format!("{}{}", built.text(), built.stderr);
    assert!(
        output.contains("swap-words.wasm"),
        "the path of the component is missing:\n{output}"
    );
    run(&made, ["check", "linemill.toml"], b"").success();
    let done = run(
        &made,
        ["pipe", "--config", "linemill.toml", "swap-words"],
        b"cat and cat\r\nbird",
    )
    .success();
    assert_eq!(done.text(), "dog and dog\r\nbird");
    let shown = run(&made, ["inspect", "target/plugins/swap-words.wasm"], b"")
        .success()
        .text();
    assert!(shown.contains("linemill:filter/batch@0.1.1"), "{shown}");
    assert!(
        shown.contains("swap-words 0.1.0: Replaces one text by another."),
        "{shown}"
    );
}

#[test]
fn a_folder_without_a_crate_is_reported_before_any_compiler() {
    let folder = Folder::new();
    folder.write("file", "");
    for (dir, problem) in [
        ("nowhere", "nowhere: there is no such folder"),
        ("file", "file is not a folder"),
        (".", "has no Cargo.toml"),
    ] {
        let report = run(folder.path(), ["build", dir], b"").failure();
        let report = report.stderr_has(&[problem, "linemill new NAME"]);
        assert!(!report.stderr.contains("compiler"), "{}", report.stderr);
    }
    assert!(!folder.path().join("nowhere").exists());
}

/// Lets the new crate use the folder of `cargo xtask plugins` for cargo's files, where the standard
/// library and the SDK's dependencies are already compiled. Components stay in the new crate.
#[cfg(unix)]
fn share_build(made: &std::path::Path) {
    let target = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("guest");
    std::fs::create_dir_all(&target).expect("cargo's folder is writable");
    std::fs::create_dir(made.join("target")).expect("a new crate has no target");
    std::os::unix::fs::symlink(target, made.join("target/guest")).expect("a new folder is empty");
}

#[cfg(not(unix))]
fn share_build(_: &std::path::Path) {}
