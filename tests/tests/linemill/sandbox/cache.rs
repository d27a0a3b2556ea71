//! Compiled plugins on disk: who else could have written them.

use std::fs::{self, Permissions, set_permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use linemill_tests::{Finished, Folder, command, guest};

/// Checks a configuration with one plugin, by a shell with this umask and the cache `way/cache`.
fn check(folder: &Folder, umask: &str) -> Finished {
    let binary = command(folder.path()).get_program().to_owned();
    let output = Command::new("sh")
        .args([
            "-c",
            &format!("umask {umask}; exec \"$0\" inspect guest.wasm"),
        ])
        .arg(binary)
        .current_dir(folder.path())
        .env("LINEMILL_CACHE", "way/cache")
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .expect("a shell");
    Finished {
        status: output.status,
        stdout: output.stdout,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn new() -> (Folder, PathBuf) {
    let folder = Folder::new();
    folder.write("guest.wasm", guest::batch("shout"));
    let cache = folder.path().join("way/cache");
    (folder, cache)
}

/// The only file in the cache.
fn file(cache: &Path) -> PathBuf {
    let mut entries = fs::read_dir(cache).expect("the cache is there");
    let first = entries.next().expect("a file").expect("an entry").path();
    assert!(entries.next().is_none(), "one file");
    first
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").mode() & 0o7777
}

/// Says something of the cache on standard error.
fn warns(finished: &Finished) -> bool {
    finished.stderr.contains("WARN")
}

#[test]
fn the_cache_is_private_whatever_the_umask() {
    for umask in ["000", "022", "077", "0177"] {
        let (folder, cache) = new();
        assert!(!warns(&check(&folder, umask).success()));
        let file = file(&cache);
        assert_eq!((mode(&cache), mode(&file)), (0o700, 0o600), "{umask}");
    }
}

#[test]
fn what_others_may_write_to_is_not_used_and_the_remedy_is_named() {
    let (folder, cache) = new();
    check(&folder, "022").success();
    let file = file(&cache);
    for (path, closed, loose) in [
        (cache.clone(), 0o700, [0o777, 0o770, 0o1777]),
        (folder.path().join("way"), 0o755, [0o777, 0o703, 0o757]),
    ] {
        for loose in loose {
            set_permissions(&path, Permissions::from_mode(loose)).expect("ours");
            let warned = check(&folder, "022").success();
            let shown = path.file_name().expect("a name").to_string_lossy();
            let part = format!("{shown}; close it with `chmod go-w ");
            assert!(
                warned.stderr.contains(&part),
                "{loose:o}: {}",
                warned.stderr
            );
            set_permissions(&path, Permissions::from_mode(closed)).expect("ours");
            assert!(!warns(&check(&folder, "022").success()));
        }
    }
    // A file is compiled and written again.
    for loose in [0o606, 0o660] {
        set_permissions(&file, Permissions::from_mode(loose)).expect("ours");
        let before = fs::metadata(&file).expect("it is there").ino();
        check(&folder, "022").success().stderr_has(&["chmod go-w"]);
        let after = fs::metadata(&file).expect("it is there");
        assert_eq!(after.mode() & 0o777, 0o600);
        assert_ne!(after.ino(), before);
        assert!(!warns(&check(&folder, "022").success()));
    }
}

#[test]
fn what_belongs_to_another_user_is_not_used() {
    if !rustix::process::geteuid().is_root() {
        linemill_tests::skip("files of other users", "only root can give files away");
        return;
    }
    let (folder, cache) = new();
    check(&folder, "022").success();
    let way = folder.path().join("way");
    let paths = [file(&cache), cache.clone(), way];
    for path in paths {
        std::os::unix::fs::chown(&path, Some(12_345), None).expect("we are root");
        check(&folder, "022")
            .success()
            .stderr_has(&["belongs to another user (uid 12345)"]);
        if path.exists() {
            std::os::unix::fs::chown(&path, Some(0), None).expect("we are root");
        }
        assert!(!warns(&check(&folder, "022").success()));
    }
}

#[test]
fn the_cache_may_be_behind_a_link_of_a_trusted_user() {
    let (folder, cache) = new();
    fs::create_dir(folder.path().join("elsewhere")).expect("new");
    fs::create_dir(folder.path().join("way")).expect("new");
    std::os::unix::fs::symlink("../elsewhere", &cache).expect("new");
    assert!(!warns(&check(&folder, "022").success()));
    file(&folder.path().join("elsewhere"));
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::lchown(&cache, Some(12_345), None).expect("we are root");
        check(&folder, "022")
            .success()
            .stderr_has(&["way/cache belongs to another user"]);
    }
}
