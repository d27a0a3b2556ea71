//! What is logged, in which form, and how that changes while the host runs.

use std::process::Stdio;

use linemill_tests::{Client, Folder, Host, Outcome, eventually, request_with, run};
use serde_json::Value;

use crate::control::reload::verb;

/// A configuration with these keys in `[host]`.
fn config(host: &str) -> String {
    Host::config("", "").replacen("[host]\n", &format!("[host]\n{host}\n"), 1)
}

/// A connection, which is logged at level debug.
fn connect(host: &Host) {
    let mut client = host.connect();
    client.send(b"Hello\n");
    client.expect(b"Uryyb\n");
}

/// What the host has logged that has this message.
fn logged(host: &Host, message: &str) -> usize {
    host.stderr().matches(message).count()
}

#[test]
fn the_first_line_says_what_runs() {
    let host = Host::serve(config("admin_token = \"not_to_be_shown_at_all\""));
    host.address();
    let log = host.stderr();
    let first = log.lines().next().expect("a line");
    let path = host.folder().path().join("linemill.toml");
    let path = std::fs::canonicalize(path).expect("it is there");
    for part in [
        " INFO linemill starts version=\"0.1.0\" revision=",
        &format!("config={}", path.display()),
        " settings=host.admin=127.0.0.1:0 host.admin_token=…",
        "listener.test.bind=127.0.0.1:0",
    ] {
        assert!(first.contains(part), "{part:?} is not in {first}");
    }
    assert!(!log.contains("not_to_be_shown"), "{log}");
}

#[test]
fn the_level_changes_at_once() {
    let host = Host::with("");
    connect(&host);
    verb(&host, &["log"])
        .success()
        .stdout_has(&["level   info   set by the configuration", "format  text"]);
    verb(&host, &["log", "debug"])
        .success()
        .stdout_has(&["level   debug   set by a request"]);
    host.expect_stderr("INFO the log has another level level=debug by=\"POST /log by linemill");
    connect(&host);
    host.expect_stderr("DEBUG connection{listener=\"test\" peer=127.0.0.1:");
    host.expect_no_connections();
    verb(&host, &["log", "error"]).success();
    let before = logged(&host, "DEBUG");
    connect(&host);
    host.expect_no_connections();
    assert_eq!(logged(&host, "DEBUG"), before);
    // A reload that does not change the level leaves it alone, another one sets it.
    host.replace_config(config("drain = \"9s\""));
    assert_eq!(host.reload().outcome, Outcome::Applied);
    assert_eq!(host.get("/log").json()["level"], "error");
    host.replace_config(config(
        "log = { level = \"warn,linemill::listeners=debug\" }",
    ));
    assert_eq!(host.reload().outcome, Outcome::Applied);
    let status = host.get("/log").json();
    assert_eq!(status["level"], "warn,linemill::listeners=debug");
    assert_eq!(status["set_by"], "config");
    connect(&host);
    eventually("connections are logged again", || {
        (logged(&host, "DEBUG") > before).then_some(())
    });
}

#[test]
fn what_is_not_a_level_is_refused() {
    let host = Host::with("");
    for wrong in ["warning", "verbose", "", "linemill=loud", "%5Ba%5D=debug"] {
        let answer = host.post(&format!("/log?level={wrong}"));
        assert_eq!(answer.status, 422, "{wrong}: {}", answer.body);
        assert!(
            answer.body.contains("write off, error, warn"),
            "{}",
            answer.body
        );
    }
    for wrong in ["/log", "/log?", "/log?debug", "/log?level=%ff"] {
        assert_eq!(host.post(wrong).status, 400, "{wrong}");
    }
    assert_eq!(host.post("/log?level=warn%2Clinemill%3Ddebug").status, 200);
    assert_eq!(host.get("/log").json()["level"], "warn,linemill=debug");
    verb(&host, &["log", "verbose"])
        .exits_with(2)
        .stderr_has(&["verbose", "is not a log level"]);
}

#[test]
fn who_may_reload_may_change_the_level() {
    let token = "0123456789abcdef";
    let host = Host::serve(config(&format!("admin_token = \"{token}\"")));
    let admin = host.admin();
    let ask = |method, headers: &[(&str, &str)]| {
        request_with(admin, method, "/log?level=debug", headers).status
    };
    let authorization = ("Authorization", "Bearer 0123456789abcdef");
    assert_eq!(ask("POST", &[]), 401);
    assert_eq!(ask("GET", &[]), 401);
    assert_eq!(
        ask("POST", &[authorization, ("Origin", "http://a.example")]),
        403
    );
    assert_eq!(ask("POST", &[authorization]), 200);
}

#[test]
fn the_variable_counts_until_the_level_is_changed() {
    let folder = Folder::new();
    folder.write("linemill.toml", config("log = { level = \"debug\" }"));
    let line = "LINEMILL_LOG=warn exec \"$0\" serve --config linemill.toml";
    let host = Host::spawn_by_shell(folder, line, Stdio::null());
    connect(&host);
    let status = host.get("/log").json();
    assert_eq!(
        (&status["level"], &status["set_by"]),
        (&"warn".into(), &"environment".into())
    );
    assert_eq!(
        logged(&host, "INFO") + logged(&host, "DEBUG"),
        0,
        "{}",
        host.stderr()
    );
    host.replace_config(config("log = { level = \"info\" }"));
    assert_eq!(host.reload().outcome, Outcome::Applied);
    host.expect_stderr("INFO");
    assert_eq!(host.get("/log").json()["set_by"], "config");
}

#[test]
fn a_variable_that_is_not_a_level_is_refused() {
    let folder = Folder::new();
    folder.write("linemill.toml", config(""));
    let line = "LINEMILL_LOG=verbose exec \"$0\" serve --config linemill.toml";
    let mut host = Host::spawn_by_shell(folder, line, Stdio::null());
    assert_eq!(host.wait().code(), Some(1));
    let expected = "error: the environment variable LINEMILL_LOG: `verbose` is not a log level\n  = hint: write off, error, ";
    assert!(host.stderr().starts_with(expected), "{}", host.stderr());
}

/// All lines of `log`, which are objects.
#[track_caller]
fn objects(log: &str) -> Vec<Value> {
    let object = |line: &str| {
        let value: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        for key in ["timestamp", "level", "message"] {
            assert!(value[key].is_string(), "no {key}: {line}");
        }
        assert!(value["fields"].is_object(), "no fields: {line}");
        value
    };
    log.lines().map(object).collect()
}

#[test]
fn every_line_is_an_object() {
    let config = "[host]\nlog = { format = \"json\", level = \"debug\" }\n\
                  [[listener]]\nname = \"in\"\nbind = \"unix:in.sock\"\nchain = [\"json\"]\n";
    let mut host = Host::serve(config);
    let path = host.folder().path().join("in.sock");
    let mut client = eventually("the host accepts", || Client::try_connect_unix(&path).ok());
    client.send(b"not an object\n");
    client.expect(b"not an object\n");
    drop(client);
    host.replace_config(format!("{config}\nno = \"such\\u001b[2Jkey\"\n"));
    host.hang_up();
    host.expect_stderr("reload refused");
    host.terminate();
    assert_eq!(host.wait().code(), Some(0));
    let objects = objects(&host.stderr());
    let of = |message: &str| {
        let mut found = objects.iter();
        found
            .find(|object| {
                object["message"]
                    .as_str()
                    .is_some_and(|text| text.starts_with(message))
            })
            .unwrap_or_else(|| panic!("no {message:?}:\n{}", host.stderr()))
    };
    assert_eq!(of("linemill starts")["fields"]["version"], "0.1.0");
    of("listening on ");
    let failed = of("line failed");
    assert_eq!(
        (&failed["level"], &failed["listener"]),
        (&"WARN".into(), &"in".into())
    );
    assert_eq!(failed["fields"]["filter"], "json");
    assert_eq!(of("connected")["listener"], "in");
    assert_eq!(of("connected")["generation"], 1);
    assert!(
        of("reload refused")["message"]
            .as_str()
            .expect("text")
            .contains("\nerror: ")
    );
    of("drained");
}

#[test]
fn the_format_changes_at_a_reload() {
    let host = Host::with("");
    connect(&host);
    host.expect_stderr("admin listening on");
    let before = host.stderr().len();
    host.replace_config(config("log = { format = \"json\" }"));
    assert_eq!(host.reload().outcome, Outcome::Applied);
    host.expect_stderr("\"message\":\"reload: a new generation is in force\"");
    assert!(!objects(&host.stderr()[before..]).is_empty());
    assert_eq!(host.get("/log").json()["format"], "json");
}

#[test]
fn an_error_at_the_start_is_an_object_once_the_format_is_known() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = taken.local_addr().expect("it is bound");
    let folder = Folder::new();
    folder.write(
        "a.toml",
        format!("[host]\nlog = {{ format = \"json\" }}\n[[listener]]\nbind = \"{address}\"\n"),
    );
    let done = run(folder.path(), ["serve", "--config", "a.toml"], b"").exits_with(1);
    let last = objects(&done.stderr).pop().expect("an object");
    assert_eq!(last["level"], "ERROR");
    let message = last["message"].as_str().expect("text");
    assert!(
        message.starts_with("error: a.toml:4:8: ") && message.contains("in use"),
        "{message}"
    );
}

#[test]
fn a_failed_line_names_whose_it_was() {
    let host = Host::with("chain = [\"json\"]");
    let mut client = host.connect();
    client.send(b"not an object\n");
    client.expect(b"not an object\n");
    host.expect_stderr("line failed");
    let log = host.stderr();
    let line = log
        .lines()
        .find(|line| line.contains("line failed"))
        .expect("a line");
    let peer = format!("peer={}", client.local());
    for part in ["filter=\"json\"", "listener=\"test\"", &peer] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
}
