//! `--json`: documents on standard output, also for errors, with the same exit status as without.

use linemill_tests::{Finished, Folder, Host, free_port, run};
use serde_json::{Value, json};

use crate::control::reload::verb;

/// A configuration with `line` in its listener.
fn config(line: &str) -> String {
    format!(
        "[[listener]]\nname = \"a\"\nbind = \"127.0.0.1:0\"\n{line}\nchain = [\"rot13\"]\n[filter.rot13]\nplugin = \"rot13\"\n"
    )
}

fn check(line: &str, options: &[&str]) -> Finished {
    let folder = Folder::new();
    folder.write("a.toml", config(line));
    run(folder.path(), [&["check", "a.toml"], options].concat(), b"")
}

fn document(finished: &Finished) -> Value {
    let text = finished.text();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn check_describes_what_it_found() {
    let good = check("", &["--json"]).success();
    assert_eq!(
        document(&good),
        json!({
            "ok": true, "file": "a.toml", "problems": [],
            "listeners": [{"name": "a", "bind": "127.0.0.1:0", "chain": ["rot13"], "tests": 0}],
            "filters": [{"name": "rot13", "tests": 0, "routes": []}],
        })
    );
    let bad = check("bnid = 7", &["--json"]).failure();
    let found = document(&bad);
    assert_eq!(
        (&found["ok"], &found["file"]),
        (&json!(false), &json!("a.toml"))
    );
    let problem = &found["problems"][0];
    for (field, value) in [
        ("severity", json!("error")),
        ("file", json!("a.toml")),
        ("line", json!(4)),
        ("column", json!(1)),
        ("key", json!("bnid")),
    ] {
        assert_eq!(problem[field], value, "{problem}");
    }
    assert!(
        problem["message"]
            .as_str()
            .expect("a text")
            .contains("unknown key")
    );
    assert!(problem["hint"].is_string());
}

#[test]
fn warnings_are_errors_on_request() {
    let odd = "max_connections = 1000000";
    let quiet = check(odd, &[]).success();
    quiet.stderr_has(&["warning:"]);
    for option in ["--warnings-as-errors", "--strict"] {
        check(odd, &[option])
            .failure()
            .stderr_has(&["warning:", "a.toml"]);
        check("", &[option]).success();
    }
    let found = document(&check(odd, &["--json"]).success());
    assert_eq!(found["problems"][0]["severity"], "warning");
    assert_eq!(found["problems"][0]["key"], "max_connections");
    let found = document(&check(odd, &["--json", "--strict"]).failure());
    assert_eq!(found["ok"], false);
}

/// A filter with state needs memory for each connection. `check` knows it as `serve` does.
#[test]
fn check_warns_as_serve_does() {
    let config = "[host]\nadmin = \"127.0.0.1:0\"\nmemory = \"64MiB\"\n[[listener]]\nname = \"a\"\nbind = \"127.0.0.1:0\"\n\
                  chain = [\"dedup\"]\n[filter.dedup]\nplugin = \"dedup\"\n";
    let host = Host::serve(config);
    host.expect_stderr("there is memory for the instances of");
    let folder = Folder::new();
    folder.write("a.toml", config);
    let checked = run(folder.path(), ["check", "a.toml"], b"").success();
    checked.stderr_has(&["warning:", "there is memory for the instances of"]);
    // As many warnings here as there, and the same ones.
    let logged = host.stderr();
    let logged = logged
        .lines()
        .filter(|line| line.contains(" WARN "))
        .count();
    let found = run(folder.path(), ["check", "a.toml", "--json"], b"").success();
    let problems = document(&found)["problems"].clone();
    assert_eq!(
        problems.as_array().map(Vec::len),
        Some(logged),
        "{problems}\n{}",
        host.stderr()
    );
}

#[test]
fn reload_prints_the_outcome() {
    let host = Host::with("");
    host.admin();
    let found = document(&verb(&host, &["reload", "--json"]).success());
    assert_eq!(found["result"], "unchanged");
    host.write_config("nonsense");
    let found = document(&verb(&host, &["reload", "--json"]).failure());
    assert_eq!(
        (&found["result"], &found["generation"]),
        (&json!("refused"), &json!(1))
    );
    assert_eq!(found["problems"][0]["severity"], "error");
    assert!(found["problems"][0]["message"].is_string(), "{found}");
    assert!(found["error"].as_str().expect("a text").contains("TOML"));
}

#[test]
fn inspect_describes_a_plugin() {
    let folder = Folder::new();
    let found = document(&run(folder.path(), ["inspect", "rot13", "--json"], b"").success());
    assert_eq!(found["plugin"], "rot13");
    assert_eq!(found["sha256"].as_str().map(str::len), Some(64));
    assert!(found["size"].as_u64() > Some(1000));
    assert!(
        found["world"]
            .as_str()
            .expect("a world")
            .starts_with("linemill:filter/")
    );
    assert_eq!(
        (&found["grants"], &found["without_grant"]),
        (&json!([]), &json!([]))
    );
    let missing = run(folder.path(), ["inspect", "./nowhere.wasm", "--json"], b"").failure();
    assert_eq!(document(&missing)["problems"][0]["severity"], "error");
}

#[test]
fn a_host_that_does_not_answer_is_a_problem() {
    let address = format!("127.0.0.1:{}", free_port());
    let folder = Folder::new();
    for name in ["status", "top", "reload"] {
        let found = run(folder.path(), [name, "--json", "--admin", &address], b"").failure();
        let problem = document(&found)["problems"][0].clone();
        assert!(
            problem["message"]
                .as_str()
                .expect("a text")
                .contains(&address),
            "{problem}"
        );
        assert!(problem["hint"].is_string(), "{problem}");
    }
}
