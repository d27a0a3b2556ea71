//! Files: `to = "file:…"`, shared by all connections, reopened at SIGHUP.

use linemill_tests::{Client, Folder, Host, eventually, rot13, run};

use super::shared::{assert_all_in_order, line, send};

#[test]
fn clients_append_to_one_file() {
    let host = Host::with("to = \"file:out.log\"\nchain = []");
    host.announced(0);
    send(&host, 5, 500);
    let size = 5 * 500 * line(0, 0).len();
    let got = eventually("all lines in the file", || {
        let got = host.folder().read("out.log");
        (got.len() >= size).then_some(got)
    });
    assert_all_in_order(&got, 5, 500);
}

#[test]
fn an_existing_file_is_appended_to() {
    let folder = Folder::new();
    folder.write("out.log", "before\n");
    let host = Host::serve_in(folder, Host::config("to = \"file:out.log\"", ""));
    assert_eq!(host.connect().exchange(b"Hello\nrest"), b"");
    eventually("the lines in the file", || {
        (host.folder().read("out.log") == b"before\nUryyb\nerfg\n").then_some(())
    });
}

#[test]
#[cfg(unix)]
fn a_rotated_file_is_reopened_at_sighup() {
    let host = Host::with("to = \"file:out.log\"\nchain = []");
    let mut client = host.connect();
    let mut lines = 0;
    let mut send = |client: &mut Client| {
        client.send(&line(0, lines));
        lines += 1;
        lines
    };
    send(&mut client);
    eventually("the first line", || {
        (!host.folder().read("out.log").is_empty()).then_some(())
    });
    host.folder().rename("out.log", "out.log.1");
    // Until SIGHUP, the host writes to the open file.
    send(&mut client);
    eventually("two lines", || {
        (host.folder().read("out.log.1").len() == 2 * line(0, 0).len()).then_some(())
    });
    assert_eq!(host.folder().read("out.log"), b"");
    host.hang_up();
    let sent = eventually("lines in a new file", || {
        let sent = send(&mut client);
        (!host.folder().read("out.log").is_empty()).then_some(sent)
    });
    client.finish();
    client.expect_end();
    let got = eventually("all lines", || {
        let got = [
            host.folder().read("out.log.1"),
            host.folder().read("out.log"),
        ]
        .concat();
        (got.len() == sent * line(0, 0).len()).then_some(got)
    });
    assert_all_in_order(&got, 1, sent);
}

#[test]
fn octets_become_lines_of_a_file() {
    let host = Host::with("to = \"file:out.log\"\nframing = \"octet\"\nto_framing = \"lf\"");
    assert_eq!(host.connect().exchange(b"5 hello3 a\nb3 abc"), b"");
    eventually("the lines", || {
        (host.folder().read("out.log") == rot13(b"hello\nabc\n")).then_some(())
    });
    host.expect_dropped("framing", 1.0);
}

#[test]
fn a_file_that_cannot_be_opened_is_reported() {
    let folder = Folder::new();
    folder.write(
        "linemill.toml",
        Host::config("to = \"file:missing/out.log\"", ""),
    );
    let host = Host::spawn(folder, &["serve", "--config", "linemill.toml"]);
    host.expect_stderr("missing/out.log");
}

#[test]
fn check_requires_the_folder_and_creates_no_file() {
    let folder = Folder::new();
    let config = |path| Host::config(&format!("tee = [\"file:{path}\"]"), "");
    folder.write("bad.toml", config("missing/out.log"));
    let report = [
        "bad.toml:",
        "key `tee` of listener",
        "missing/out.log",
        "folder",
    ];
    run(folder.path(), ["check", "bad.toml"], b"")
        .failure()
        .stderr_has(&report);
    folder.write("good.toml", config("out.log"));
    run(folder.path(), ["check", "good.toml"], b"").success();
    assert!(!folder.path().join("out.log").exists());
}

#[test]
#[cfg(unix)]
fn an_idle_file_is_reopened_at_sighup() {
    let host = Host::with("to = \"file:out.log\"\nchain = []");
    host.announced(0);
    host.folder().rename("out.log", "out.log.1");
    host.hang_up();
    eventually("a new file", || {
        host.folder().path().join("out.log").exists().then_some(())
    });
}

#[test]
#[cfg(unix)]
fn files_are_created_with_their_mode() {
    use std::os::unix::fs::PermissionsExt as _;
    let config = |mode: &str| {
        Host::config(
            &format!("to = \"file:out.log\"\nfile_mode = \"{mode}\""),
            "",
        )
    };
    let host = Host::serve(config("0662"));
    host.announced(0);
    let path = host.folder().path().join("out.log");
    let mode = || Some(path.metadata().ok()?.permissions().mode() & 0o777);
    assert_eq!(mode(), Some(0o662));
    // A change applies to the file that a log rotation makes the host create.
    host.swap(config("0600"));
    assert_eq!(mode(), Some(0o662));
    host.folder().rename("out.log", "out.log.1");
    host.hang_up();
    eventually("the new file", || (mode()? == 0o600).then_some(()));
}

/// The files that linemill writes lines and faults to are private, whatever the umask.
#[test]
#[cfg(unix)]
fn files_are_private_by_default() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    folder.write("guest.wasm", linemill_tests::guest::line("line"));
    let config = |more: &str| {
        let filter = "[filter.guest]\nplugin = \"./guest.wasm\"\non_error = \"quarantine\"\nquarantine = \"file:failed.jsonl\"";
        let listener = "to = \"file:out.log\"\ntee = [\"file:tee.log\"]\nchain = [\"guest\"]";
        Host::config(listener, &format!("{filter}\n{more}"))
    };
    folder.write("linemill.toml", config(""));
    let line = "umask 000; exec \"$0\" serve --config linemill.toml";
    let host = Host::spawn_by_shell(folder, line, std::process::Stdio::null());
    assert_eq!(host.connect().exchange(b"one\n?two\n"), b"");
    let mode = |file: &str| {
        let path = host.folder().path().join(file);
        Some(path.metadata().ok()?.permissions().mode() & 0o777)
    };
    for file in ["out.log", "tee.log", "failed.jsonl"] {
        eventually(file, || {
            (!host.folder().read(file).is_empty()).then_some(())
        });
        assert_eq!(mode(file), Some(0o600), "{file}");
    }
    // The mode of a quarantine applies to the file that a log rotation makes the host create.
    host.swap(config("file_mode = \"0640\""));
    host.folder().rename("failed.jsonl", "failed.jsonl.1");
    host.hang_up();
    eventually("the new file", || {
        (mode("failed.jsonl")? == 0o640).then_some(())
    });
    assert_eq!(mode("failed.jsonl.1"), Some(0o600));
}

/// A file that reaches the limit on the size of files (`RLIMIT_FSIZE`) is as a full disk: nothing ends,
/// and nothing is lost.
#[test]
#[cfg(unix)]
fn the_limit_on_the_size_of_files_is_survived() {
    const LINES: usize = 200;
    let folder = Folder::new();
    // Without filters: the limit applies to their memory, too.
    let config = "[host]\nadmin = \"127.0.0.1:0\"\n[[listener]]\nname = \"test\"\n\
                  bind = \"127.0.0.1:0\"\nto = \"file:out.log\"\nchain = []\n";
    folder.write("linemill.toml", config);
    let limited = "ulimit -f 4; exec \"$0\" serve --config linemill.toml";
    let host = Host::spawn_by_shell(folder, limited, std::process::Stdio::null());
    send(&host, 1, LINES);
    // Whole lines of a file; one that was cut follows in the next file.
    let whole = |name: &str| {
        let text = host.folder().read(name);
        let end = text.iter().rposition(|&byte| byte == b'\n');
        text[..end.map_or(0, |at| at + 1)].to_vec()
    };
    let mut rotated = Vec::new();
    let got = eventually("all lines", || {
        let files = rotated.iter().map(String::as_str).chain(["out.log"]);
        let got: Vec<u8> = files.flat_map(whole).collect();
        if got.len() == LINES * line(0, 0).len() {
            return Some(got);
        }
        let path = host.folder().path().join("out.log");
        if path.exists() && host.metric("linemill_output_up", &[]) == 0.0 {
            let name = format!("out.log.{}", rotated.len());
            host.folder().rename("out.log", &name);
            rotated.push(name);
            host.hang_up();
        }
        None
    });
    assert!(rotated.len() > 1, "{rotated:?}");
    host.expect_stderr("File too large");
    assert_all_in_order(&got, 1, LINES);
}
