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
