//! Which files are read, and which are refused.

use std::fs;

use super::*;

#[test]
fn takes_regular_files_within_the_limit_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a");
    let missing = read_regular(&path, 4);
    assert!(
        matches!(missing, Err(ReadError::System(error)) if error.kind() == io::ErrorKind::NotFound)
    );
    fs::write(&path, "abcd").expect("written");
    assert_eq!(read_regular(&path, 4).expect("it fits"), b"abcd");
    assert!(matches!(
        read_regular(&path, 3),
        Err(ReadError::TooLarge(3))
    ));
    assert!(matches!(
        read_regular(folder.path(), 4),
        Err(ReadError::Folder)
    ));
}

#[cfg(target_os = "linux")]
mod unix {
    use std::os::fd::OwnedFd;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use std::thread;

    use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};

    use super::*;

    fn fifo(path: &Path) {
        mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a FIFO");
    }

    #[test]
    fn refuses_what_is_not_regular() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        let _socket = UnixListener::bind(path("socket")).expect("a socket");
        fifo(&path("fifo"));
        symlink("/dev/zero", path("zero")).expect("a link");
        for name in ["socket", "fifo", "zero"] {
            let read = read_regular(&path(name), 4);
            assert!(matches!(read, Err(ReadError::NotRegular)), "{name}");
        }
    }

    #[test]
    fn refuses_what_the_path_was_swapped_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        let flags = OFlags::RDONLY | OFlags::NONBLOCK;
        fifo(&path);
        // As it is opened once the path has been found to lead to a regular file.
        for (what, is_folder) in [(&*path, false), (folder.path(), true)] {
            let opened: OwnedFd = rustix::fs::open(what, flags, Mode::empty()).expect("opened");
            match regular(opened.into()) {
                Err(ReadError::NotRegular) => assert!(!is_folder),
                Err(ReadError::Folder) => assert!(is_folder),
                other => panic!("{other:?}"),
            }
        }
    }

    /// A path that is a regular file and a FIFO in turns never makes a reader wait.
    #[test]
    fn swaps_do_not_block() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        let (done, stop) = std::sync::mpsc::channel::<()>();
        thread::scope(|scope| {
            scope.spawn(|| {
                let stop = stop;
                while stop.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
                    fs::write(at("regular"), "abcd").expect("written");
                    fs::rename(at("regular"), at("a")).expect("renamed");
                    fifo(&at("fifo"));
                    fs::rename(at("fifo"), at("a")).expect("renamed");
                }
            });
            let a = folder.path().join("a");
            for _ in 0..20_000 {
                match read_regular(&a, 4) {
                    Ok(bytes) => assert!(bytes.is_empty() || bytes == b"abcd"),
                    Err(ReadError::NotRegular) => {}
                    Err(ReadError::System(error)) => {
                        assert_eq!(error.kind(), io::ErrorKind::NotFound);
                    }
                    Err(other) => panic!("{other}"),
                }
            }
            drop(done);
        });
    }

    #[test]
    fn a_link_in_a_folder_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("a"), "abcd").expect("written");
        symlink("a", folder.path().join("link")).expect("a link");
        let open = File::open(folder.path()).expect("opened");
        let file = open_regular_in(&open, "a").expect("a file");
        assert_eq!(read_open(file, 4).expect("it fits"), b"abcd");
        assert!(open_regular_in(&open, "link").is_err());
    }

    #[test]
    fn a_stream_is_read_to_its_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("fifo");
        fifo(&path);
        let writer = {
            let path = path.clone();
            thread::spawn(move || fs::write(path, "abcd"))
        };
        let (bytes, regular) = read_stream(&path, 4).expect("read");
        assert_eq!((&bytes[..], regular), (&b"abcd"[..], false));
        writer.join().expect("no panic").expect("written");
        let zero = read_stream(Path::new("/dev/zero"), 4);
        assert!(matches!(zero, Err(ReadError::TooLarge(4))));
        assert!(matches!(
            read_stream(folder.path(), 4),
            Err(ReadError::Folder)
        ));
    }
}
