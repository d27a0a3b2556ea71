//! Which capsules are kept, and who can read them.

use std::fs;

use super::*;

fn capsule(nth: usize) -> Capsule {
    Capsule {
        capsule: 1,
        time: format!("2027-03-01T09:00:00.{nth:06}Z"),
        filter: "it".into(),
        plugin: "it".into(),
        sha256: String::new(),
        grant: Vec::new(),
        settings: serde_json::json!({}),
        memory: 1,
        deadline_ms: 1,
        limits: Limits {
            tables: 7,
            ..Limits::default()
        },
        stack: 1,
        framing: "lf".into(),
        max_output: 1,
        listener: None,
        connection: None,
        kind: "trap".into(),
        reason: String::new(),
        backtrace: Vec::new(),
        line: "x".repeat(if nth == MAX_FILES + 2 {
            MAX_BYTES as usize - 4096
        } else {
            1
        }),
        base64: "eA==".into(),
        state: State::Fresh,
    }
}

#[test]
fn the_newest_capsules_are_kept_and_only_the_owner_can_read_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("a/b");
    let capsules = Capsules::open(&place).expect("it can be made");
    fs::write(place.join("other"), "stays").expect("written");
    let paths: Vec<_> = (0..MAX_FILES + 2)
        .map(|nth| capsules.put(&capsule(nth)).expect("written"))
        .collect();
    let there: Vec<_> = paths.iter().map(|path| path.exists()).collect();
    assert_eq!(there[..3], [false, false, true]);
    assert!(there[2..].iter().all(|there| *there));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&place), mode(&paths[2])), (0o700, 0o600));
    }
    let text = fs::read(&paths[MAX_FILES]).expect("it is there");
    let read: Capsule = serde_json::from_slice(&text).expect("it is a capsule");
    assert_eq!(read, capsule(MAX_FILES));
    assert_eq!(read.content(), Ok(b"x".to_vec()));
    // A capsule that takes most of the space displaces most of the others.
    capsules.put(&capsule(MAX_FILES + 2)).expect("written");
    let left = fs::read_dir(&place).expect("there").count();
    assert!(left < 20, "{left} files");
    assert!(place.join("other").exists());
}

#[test]
#[cfg(unix)]
fn a_folder_that_others_may_write_to_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let set = |mode| {
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).expect("set");
    };
    let open = || Capsules::open(folder.path());
    for loose in [0o777, 0o1777, 0o770] {
        set(loose);
        let error = open().expect_err("refused").to_string();
        assert!(error.contains("chmod go-w"), "{error}");
    }
    set(0o755);
    let capsules = open().expect("others may only list it");
    let path = capsules.put(&capsule(1)).expect("written");
    let mode = fs::metadata(path).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    set(0o777);
    assert!(capsules.put(&capsule(2)).is_err(), "it is open by now");
}
