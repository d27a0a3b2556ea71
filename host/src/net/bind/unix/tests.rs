//! What may be at a socket's path.

use std::os::unix::fs::symlink;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};

use super::*;

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.sock");
    (folder, path)
}

#[track_caller]
fn refused(path: &Path, part: &str) {
    let refusal = bind(path, Access::Umask).expect_err("refused");
    assert!(refusal.what().contains(part), "{}", refusal.what());
    assert!(!refusal.hint().is_empty());
}

#[tokio::test]
async fn a_socket_is_made_and_removed() {
    let (_folder, path) = folder();
    let socket = bind(&path, Access::Umask).expect("bound");
    assert_eq!(
        socket.name().to_string(),
        format!("unix:{}", path.display())
    );
    let _client = UnixStream::connect(&path).expect("connected");
    let (_, peer) = socket.accept().await.expect("accepted");
    assert_eq!(peer.ip(), None);
    drop(socket);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_stale_socket_is_replaced() {
    let (_folder, path) = folder();
    drop(UnixListener::bind(&path).expect("bound"));
    assert!(path.exists());
    let _socket = bind(&path, Access::Umask).expect("replaced");
    UnixStream::connect(&path).expect("connected");
}

#[tokio::test]
async fn whatever_else_is_there_is_left_alone() {
    let (folder, path) = folder();
    let other = folder.path().join("other");
    drop(UnixListener::bind(&other).expect("a stale socket"));
    symlink(&other, &path).expect("a link");
    refused(&path, "is a symbolic link");
    assert!(path.is_symlink() && other.exists());
    fs::remove_file(&path).expect("removed");

    fs::write(&path, "precious").expect("written");
    refused(&path, "is a regular file");
    assert_eq!(fs::read(&path).expect("still there"), b"precious");
    fs::remove_file(&path).expect("removed");

    fs::create_dir(&path).expect("made");
    refused(&path, "is a folder");
    fs::remove_dir(&path).expect("removed");

    let live = UnixListener::bind(&path).expect("bound");
    refused(&path, "is in use");
    UnixStream::connect(&path).expect("still live");
    drop(live);
    fs::remove_file(&path).expect("removed");

    let datagrams = UnixDatagram::bind(&path).expect("bound");
    refused(&path, "is in use");
    assert!(path.exists());
    drop(datagrams);
    let _socket = bind_datagrams(&path, Access::Umask).expect("the stale one is replaced");
    refused(&path, "is in use");
}

#[tokio::test]
async fn a_socket_whose_queue_is_full_is_live() {
    let (_folder, path) = folder();
    let socket = socket2::Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
    socket
        .bind(&SockAddr::unix(&path).expect("an address"))
        .expect("bound");
    socket.listen(0).expect("listens");
    // Nobody takes those that wait.
    let waiting = (0..1000)
        .take_while(|_| try_connect(&path, Type::STREAM).is_ok())
        .count();
    assert!(waiting < 1000, "the queue has an end");
    refused(&path, "is in use");
}

#[tokio::test]
async fn a_missing_folder_is_named() {
    let (folder, _) = folder();
    let missing = folder.path().join("missing");
    let refusal = bind(&missing.join("a.sock"), Access::Umask).expect_err("refused");
    assert_eq!(
        refusal.hint(),
        format!("make the folder {} first", missing.display())
    );
}

#[tokio::test]
async fn the_file_of_another_is_not_removed() {
    let (_folder, path) = folder();
    let first = bind(&path, Access::Umask).expect("bound");
    fs::remove_file(&path).expect("removed by somebody");
    let second = bind(&path, Access::Umask).expect("bound");
    drop(first);
    UnixStream::connect(&path).expect("the second is still there");
    drop(second);
    assert!(!path.exists());
}

#[test]
fn of_many_that_start_at_once_over_a_stale_socket_one_listens() {
    let (_folder, path) = folder();
    drop(UnixListener::bind(&path).expect("bound"));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let start = std::sync::Barrier::new(8);
    let results: Vec<_> = std::thread::scope(|scope| {
        let (start, path, runtime) = (&start, &path, &runtime);
        let one = move || {
            let _in_runtime = runtime.enter();
            start.wait();
            bind(path, Access::Umask).ok()
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(one)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"))
            .collect()
    });
    assert_eq!(results.iter().flatten().count(), 1);
    UnixStream::connect(&path).expect("the one can be reached");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_was_removed_is_made_again() {
    let (_folder, path) = folder();
    let socket = bind(&path, Access::Owner).expect("bound");
    // Waits in the queue of the socket whose file goes.
    let mut early = UnixStream::connect(&path).expect("connected");
    fs::remove_file(&path).expect("removed by somebody");
    UnixStream::connect(&path).expect_err("there is no file");
    for _ in 0..2 {
        // Time passes as long as nothing else happens.
        let accepting = tokio::time::timeout(Duration::from_secs(10), socket.accept());
        if accepting.await.is_err() {
            break;
        }
    }
    let mode = fs::metadata(&path)
        .expect("made again")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut late = UnixStream::connect(&path).expect("connected");
    let (accepted, _) = socket.accept().await.expect("accepted");
    drop(accepted);
    use std::io::Read as _;
    assert_eq!(late.read(&mut [0]).expect("the end"), 0);
    assert_eq!(early.read(&mut [0]).expect("was accepted, too"), 0);
    drop(socket);
    assert!(!path.exists());
}

#[tokio::test(start_paused = true)]
async fn another_file_at_the_path_stays() {
    let (_folder, path) = folder();
    let socket = bind(&path, Access::Umask).expect("bound");
    fs::remove_file(&path).expect("removed by somebody");
    fs::write(&path, "precious").expect("written");
    let accepting = tokio::time::timeout(Duration::from_secs(10), socket.accept());
    accepting.await.expect_err("nobody can connect");
    drop(socket);
    assert_eq!(fs::read(&path).expect("still there"), b"precious");
}
