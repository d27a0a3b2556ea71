//! `/readyz` while outputs are down: of listeners that need them.

use std::fs::File;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use linemill_tests::{Client, Folder, Host, Upstream, eventually};

use crate::control::reload::reload;

/// How long an output may be down.
const GRACE: Duration = Duration::from_secs(10);

/// A configuration with a listener for each of these keys.
fn config(listeners: &[(&str, &str)]) -> String {
    let listeners = listeners.iter().map(|(name, keys)| {
        format!(
            "[[listener]]\nname = \"{name}\"\nbind = \"127.0.0.1:0\"\nchain = [\"some\"]\n{keys}\n"
        )
    });
    let filter =
        "[filter.some]\nplugin = \"grep\"\nsettings = { keep = [\"some\"], route = \"r\" }\n";
    let listeners: String = listeners.collect();
    format!("[host]\nadmin = \"127.0.0.1:0\"\n{listeners}{filter}")
}

/// Standard output has lost its reader, a disk is full, and an upstream is down.
#[test]
fn outputs_that_are_down_are_named() {
    let (folder, mut upstream) = (Folder::new(), Upstream::tcp_down());
    let to = upstream.url();
    let shared = format!("to = \"{to}\"\nshared = true\n");
    // Which file takes them does not matter.
    let routes = "routes = { r = \"file:some\" }\n";
    let all = |readiness: &str| {
        config(&[
            ("reader", &format!("to = \"stdout\"\n{routes}{readiness}")),
            (
                "disk",
                &format!("to = \"file:/dev/full\"\n{routes}{readiness}"),
            ),
            ("upstream", &format!("{shared}{readiness}")),
            (
                "routes",
                &format!("routes = {{ r = \"{to}\" }}\n{readiness}"),
            ),
        ])
    };
    let needy = all("readiness = \"outputs\"");
    folder.write("linemill.toml", &needy);
    let pipe = folder.path().join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("every system has it").success());
    let reading = thread::spawn(move || File::open(pipe).expect("a pipe"));
    let line = "exec \"$0\" serve --config linemill.toml >pipe";
    let start = Instant::now();
    let host = Host::spawn_by_shell(folder, line, Stdio::null());
    drop(reading.join().expect("opened by both ends"));
    for listener in 0..2 {
        Client::connect(host.listener(listener)).send(b"line\n");
    }
    assert_eq!(host.get("/readyz").status, 200);
    let parts = [
        "`to` of listener `reader`: output stdout has been down since 20".to_owned(),
        "`to` of listener `disk`: output file:/dev/full has been down since 20".to_owned(),
        format!("`to` of listener `upstream`: output {to} has been down since 20"),
        format!("`routes.r` of listener `routes`: output {to} has been down since 20"),
    ];
    let body = eventually("all outputs named", || {
        let answer = host.get("/readyz");
        let named = parts.iter().all(|part| answer.body.contains(part.as_str()));
        assert!(
            answer.status == 200 || start.elapsed() >= GRACE,
            "{}",
            answer.body
        );
        (answer.status == 503 && named).then_some(answer.body)
    });
    for reason in ["No space left", "Broken pipe", "refused"] {
        assert!(body.contains(reason), "{reason:?}: {body}");
    }
    // The reasons are in `/status`, too.
    let status = host.status();
    assert_eq!(status["ready"], false);
    let reasons = status["not_ready"].as_array().expect("a list");
    assert_eq!(reasons.len(), body.lines().count(), "{status}");
    // Only those count that a listener needs; tees and other outputs may be down.
    let tee = format!("to = \"file:copies\"\n{routes}tee = [\"{to}\"]\nreadiness = \"outputs\"");
    let answered = |config: String, status: u16| {
        host.write_config(config);
        reload(&host, 200);
        assert_eq!(host.get("/readyz").status, status);
    };
    answered(all(""), 200);
    let down = format!("{shared}{routes}");
    let tees = format!("to = \"file:copies\"\n{routes}tee = [\"{to}\"]\n");
    for (name, keys, status) in [
        ("upstream", format!("{down}readiness = \"routes\""), 200),
        ("upstream", format!("{down}readiness = \"to\""), 503),
        ("tee", format!("{tees}readiness = \"all\""), 503),
        ("tee", format!("{tees}readiness = \"to\""), 200),
    ] {
        answered(config(&[(name, &keys)]), status);
    }
    let shared = format!("{shared}{routes}");
    answered(config(&[("tee", &tee), ("upstream", &shared)]), 200);
    let needs = format!("{shared}readiness = \"outputs\"");
    answered(config(&[("upstream", &needs)]), 503);
    upstream.up();
    let _server = upstream.accept();
    eventually("a host that is ready", || {
        (host.get("/readyz").status == 200).then_some(())
    });
}
