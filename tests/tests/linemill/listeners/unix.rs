//! Listeners on Unix sockets (case 22).

use std::os::unix::fs::{FileTypeExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use linemill_tests::{Client, Folder, Host, eventually, run};

/// A configuration with a listener at `path`.
fn config(path: &Path) -> String {
    let bind = format!("bind = \"unix:{}\"", path.display());
    Host::config("", "").replacen("bind = \"127.0.0.1:0\"", &bind, 1)
}

fn socket(folder: &Folder) -> PathBuf {
    folder.path().join("socket")
}

/// Leaves the file of a closed socket.
fn stale(path: &Path) {
    drop(UnixListener::bind(path).expect("a path of its own"));
    assert!(path.exists());
}

/// Asserts that a host with a listener at `path` does not start, and reports the path.
#[track_caller]
fn refused(folder: &Folder, path: &Path) {
    folder.write("linemill.toml", config(path));
    run(folder.path(), ["serve", "--config", "linemill.toml"], b"")
        .failure()
        .stderr_has(&[&path.display().to_string()]);
}

#[test]
fn lines_come_back() {
    let folder = Folder::new();
    let path = socket(&folder);
    let host = Host::serve(config(&path));
    assert!(host.announced(0).contains(&path.display().to_string()));
    let mut client = host.connect_unix(&path);
    client.send(b"Hello\n");
    client.expect(b"Uryyb\n");
    client.send(b"rest");
    client.finish();
    client.expect(b"erfg");
    client.expect_end();
    host.expect_no_connections();
}

#[test]
fn case_22_a_stale_socket_is_replaced() {
    let folder = Folder::new();
    let path = socket(&folder);
    stale(&path);
    let host = Host::serve(config(&path));
    assert_eq!(host.connect_unix(&path).exchange(b"Hello\n"), b"Uryyb\n");
    // A killed host leaves its socket behind.
    drop(host);
    assert!(path.exists());
    let host = Host::serve(config(&path));
    assert_eq!(host.connect_unix(&path).exchange(b"Hello\n"), b"Uryyb\n");
}

#[test]
fn case_22_a_live_socket_is_refused() {
    let folder = Folder::new();
    let path = socket(&folder);
    let host = Host::serve(config(&path));
    let mut client = host.connect_unix(&path);
    refused(&folder, &path);
    client.send(b"Hello\n");
    client.expect(b"Uryyb\n");
    assert_eq!(Client::connect_unix(&path).exchange(b"next\n"), b"arkg\n");
}

#[test]
fn case_22_a_file_is_refused() {
    let folder = Folder::new();
    let path = folder.write("socket", "other content\n");
    refused(&folder, &path);
    assert_eq!(folder.read("socket"), b"other content\n");
}

#[test]
fn case_22_a_symlink_is_refused() {
    let folder = Folder::new();
    let path = socket(&folder);
    let target = folder.path().join("target");
    symlink(&target, &path).expect("a path of its own");
    refused(&folder, &path);
    assert!(!target.exists(), "the target of the link was created");
    stale(&target);
    refused(&folder, &path);
    let kind = |path: &Path| path.symlink_metadata().expect("it is there").file_type();
    assert!(kind(&path).is_symlink() && kind(&target).is_socket());
}

#[test]
fn a_drain_removes_only_its_own_socket() {
    let folder = Folder::new();
    let path = socket(&folder);
    let mut host = Host::serve(config(&path));
    let mut client = host.connect_unix(&path);
    client.send(b"Hello\n");
    client.expect(b"Uryyb\n");
    host.terminate();
    client.expect_end();
    assert_eq!(host.wait().code(), Some(0));
    Client::try_connect_unix(&path).expect_err("nothing listens");

    // A socket that replaced it does not belong to the host.
    let mut host = Host::serve(config(&path));
    host.announced(0);
    let elsewhere = folder.path().join("elsewhere");
    let other = UnixListener::bind(&elsewhere).expect("the path is free");
    // At once: the host makes a file again that is missing.
    std::fs::rename(&elsewhere, &path).expect("both are there");
    host.terminate();
    assert_eq!(host.wait().code(), Some(0));
    drop(Client::connect_unix(&path));
    drop(other);
}

#[test]
fn a_file_that_was_removed_is_made_again() {
    let folder = Folder::new();
    let path = socket(&folder);
    let mut host = Host::serve(config(&path));
    let mut living = host.connect_unix(&path);
    std::fs::remove_file(&path).expect("it is there");
    let mut client = eventually("the file", || Client::try_connect_unix(&path).ok());
    assert_eq!(client.exchange(b"Hello\n"), b"Uryyb\n");
    living.send(b"still\n");
    living.expect(b"fgvyy\n");
    host.expect_stderr("the file of the socket had been removed");
    host.terminate();
    assert_eq!(host.wait().code(), Some(0));
    assert!(!path.exists());
}

#[test]
fn the_mode_says_who_may_connect() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    let path = socket(&folder);
    let with_mode = |bind: &str| {
        let keys = "bind_mode = \"0662\"\nto = \"stdout\"";
        let bind = format!("bind = \"{bind}:{}\"", path.display());
        Host::config(keys, "").replacen("bind = \"127.0.0.1:0\"", &bind, 1)
    };
    for bind in ["unix", "unixgram"] {
        let mut host = Host::serve(with_mode(bind));
        host.announced(0);
        let mode = path.metadata().expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o662, "{bind}");
        host.terminate();
        assert_eq!(host.wait().code(), Some(0));
    }
}
