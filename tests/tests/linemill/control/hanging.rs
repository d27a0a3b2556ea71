//! A file system that never answers: a load ends nevertheless, and names the path.

use std::process::Command;
use std::time::{Duration, Instant};

use linemill_tests::{Folder, Host, Outcome, Program, eventually, skip};

/// A FUSE file system whose server never answers, at `hung` in a folder. Only root can mount it.
struct Hung {
    /// The shell that holds the file system's descriptor.
    server: Program,
    folder: std::path::PathBuf,
}

impl Hung {
    fn mount(folder: &Folder) -> Option<Self> {
        let path = folder.path().join("hung");
        std::fs::create_dir(&path).expect("the folder is new");
        let script = "exec 3<>/dev/fuse && \
            mount -i -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0 hung \"$0\" && \
            echo mounted && exec cat";
        let mut command = Command::new("sh");
        command.args(["-c", script]).arg(&path);
        let mut server = Program::start(&mut command);
        let started = Instant::now();
        while !server.output().contains("mounted") {
            if server.output().contains('\n') || started.elapsed() > Duration::from_secs(5) {
                skip("a file system that does not answer", server.output().trim());
                server.finish();
                return None;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Some(Self {
            server,
            folder: path,
        })
    }
}

impl Drop for Hung {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.folder).status();
        // Ends the server, and with it whatever still waits for an answer.
        self.server.finish();
    }
}

#[test]
fn a_file_that_does_not_answer_blocks_one_load_only() {
    let folder = Folder::new();
    let Some(hung) = Hung::mount(&folder) else {
        return;
    };
    let host = Host::serve_in(folder, Host::config("chain = [\"rot13\"]", ""));
    // Dropped before the host, which could not end otherwise.
    let hung = hung;
    let mut client = host.connect();
    client.send(b"a\n");
    client.expect(b"n\n");
    let tls = "tls = { cert = \"hung/cert.pem\", key = \"key.pem\" }";
    let plugin = "[filter.hung]\nplugin = \"./hung/hung.wasm\"";
    for (config, path) in [
        (Host::config("chain = [\"hung\"]", plugin), "hung/hung.wasm"),
        (Host::config(tls, ""), "hung/cert.pem"),
        (
            Host::config("to = \"file:hung/out.log\"", ""),
            "hung/out.log",
        ),
    ] {
        let refused = host.reloads(Outcome::Refused);
        let started = Instant::now();
        host.replace_config(&config);
        while host.reloads(Outcome::Refused) == refused {
            // Lines flow meanwhile, and the admin address answers.
            client.send(b"b\n");
            client.expect(b"o\n");
            assert!(started.elapsed() < Duration::from_secs(30), "{path}");
        }
        eventually("a report that names the path", || {
            let log = host.stderr();
            let last = &log[log.rfind("reload refused")?..];
            let parts = [path, "its file system does not answer"];
            parts.iter().all(|part| last.contains(part)).then_some(())
        });
        // The next load of the same path does not wait again.
        let started = Instant::now();
        let answer = host.post("/reload");
        assert_eq!(answer.status, 422, "{}", answer.body);
        assert!(answer.body.contains(path), "{}", answer.body);
        let waited = started.elapsed();
        assert!(waited < Duration::from_secs(5), "{path}: {waited:?}");
    }
    // Loads that do not need it are not affected.
    host.swap(Host::config("chain = []", ""));
    client.send(b"c\n");
    client.expect(b"c\n");
    // A load that failed for want of an answer is tried again by itself.
    let refused = host.reloads(Outcome::Refused);
    host.replace_config(Host::config("to = \"file:hung/out.log\"", ""));
    eventually("a refusal", || {
        (host.reloads(Outcome::Refused) > refused).then_some(())
    });
    host.expect_stderr("the host lacked resources: the reload is tried again in 1s");
    let before = host.generation();
    drop(hung);
    host.wait_swap(before);
}
