//! Names and messages of others: they do not drive the terminal, forge lines, or show themselves in
//! another order.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use linemill_tests::{Finished, Folder, Host, guest, run};
use serde_json::json;

/// Clears the screen, sets the title, forges a line, and reverses what follows.
const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;x\u{7}\nerror: forged\r\u{9b}1m\u{202e}\u{2066}\u{2028}\u{200f}\u{61c}\u{7f}";

/// A basic string of TOML. It has the escapes of JSON, and must have one more.
fn toml(text: &str) -> String {
    let json = serde_json::to_string(text).expect("JSON");
    json.replace('\u{7f}', "\\u007F")
}

/// Asserts that nothing in `text` is other than it looks.
#[track_caller]
fn check_printable(text: &str) {
    let is_bad = |c: char| {
        c.is_control() && c != '\n'
            || "\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{feff}".contains(c)
            || ('\u{202a}'..='\u{202e}').contains(&c)
            || ('\u{2066}'..='\u{2069}').contains(&c)
    };
    assert!(!text.contains(is_bad), "{text:?}");
    let forged = text
        .lines()
        .filter(|line| line.starts_with("error: forged"));
    assert_eq!(forged.count(), 0, "{text}");
}

#[track_caller]
fn check(finished: &Finished) {
    check_printable(&finished.text());
    check_printable(&finished.stderr);
}

#[test]
fn capsules_are_shown_as_text() {
    let folder = Folder::new();
    folder.write("guest.wasm", guest::batch("shout"));
    let capsule = json!({
        "capsule": 1, "time": HOSTILE, "filter": HOSTILE, "plugin": "./guest.wasm",
        "sha256": HOSTILE, "settings": {}, "memory": 1 << 20, "deadline_ms": 50,
        "framing": "lf", "max_output": 1000, "listener": HOSTILE, "connection": HOSTILE,
        "kind": HOSTILE, "reason": HOSTILE, "backtrace": [], "line": HOSTILE, "base64": "YQ==",
        "state": { "known": "unknown", "why": HOSTILE },
    });
    folder.write("a.json", capsule.to_string());
    let replayed = run(folder.path(), ["replay", "a.json"], b"").success();
    replayed.text().lines().for_each(|line| {
        let known = [
            "filter ", "sha256 ", "at ", "failed ", "line ", "state ", "plugin ", "now ", " ",
        ];
        assert!(known.iter().any(|start| line.starts_with(start)), "{line}");
    });
    check(&replayed.stdout_has(&["\\u{1b}[2J", "\\u{202e}", "\"A\""]));
    for (key, value) in [
        ("plugin", json!(HOSTILE)),
        ("capsule", json!(HOSTILE)),
        ("framing", json!(HOSTILE)),
        ("grant", json!([HOSTILE])),
        (HOSTILE, json!(1)),
    ] {
        let mut other = capsule.clone();
        other[key] = value;
        folder.write("b.json", other.to_string());
        check(&run(folder.path(), ["replay", "b.json"], b""));
    }
}

#[test]
fn configurations_are_quoted_as_text() {
    let folder = Folder::new();
    let text = toml(HOSTILE);
    for config in [
        format!("[[listener]]\nto = {text}"),
        format!("[[listener]]\nname = {text}"),
        format!("[[listener]]\nchain = [{text}]"),
        format!("[[listener]]\n{text} = 1"),
        format!("{text} = 1"),
        format!("[filter.{text}]\nplugin = \"rot13\""),
        format!("[filter.a]\nplugin = {text}"),
        "[filter.a]\nplugin = \"./\" # \u{202e}\u{2066}".to_owned(),
        format!("[filter.a]\nplugin = \"rot13\"\nsettings = {{ {text} = {text} }}"),
        format!("[[listener]]\nbind = {text} # \u{202e}"),
        format!("[host]\nadmin = {text}"),
        format!("[host]\nadmin_token = {text}"),
    ] {
        folder.write("a.toml", &config);
        let checked = run(folder.path(), ["check", "a.toml"], b"").failure();
        assert!(
            checked.stderr.starts_with("error: "),
            "{config}\n{}",
            checked.stderr
        );
        check(&checked);
    }
}

#[test]
#[cfg(unix)]
fn names_of_files_are_shown_as_text() {
    let folder = Folder::new();
    let name = format!("{}.toml", HOSTILE.replace('/', ""));
    folder.write(&name, "[[listener]]\nchain = []\n");
    let checked = run(folder.path(), ["check", &name], b"").success();
    check(&checked.stdout_has(&["\\u{1b}[2J", "ok"]));
    folder.write(&name, "nonsense");
    check(&run(folder.path(), ["check", &name], b"").failure());
    for verb in ["inspect", "bench", "check", "replay"] {
        let missing = format!("./{HOSTILE}");
        check(&run(folder.path(), [verb, &missing], b"").failure());
    }
    folder.write("a\u{1b}[2J.wasm", guest::batch("shout"));
    check(&run(folder.path(), ["inspect", "./a\u{1b}[2J.wasm"], b"").success());
}

#[test]
fn answers_of_another_host_are_shown_as_text() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let admin = server.local_addr().expect("its address").to_string();
    let answers = [
        json!({
            "version": HOSTILE, "pid": 1, "draining": false, "generation": 1,
            "old_generations_held": 0, "trials": [], "last_refusal":
                { "at": HOSTILE, "by": HOSTILE, "error": HOSTILE },
            "listeners": { HOSTILE: { "connections": 1, "chain": [HOSTILE] } },
            "outputs": { HOSTILE: { "state": HOSTILE, "reason": HOSTILE, "since": HOSTILE,
                "queued": 0, "lines": 0, "lost": 0 } },
            "generations": [{ "number": 1, "at": HOSTILE, "by": HOSTILE, "changes": [HOSTILE],
                "filters": {}, "build_ms": 1.0, "moved_ms": null, "connections": 0 }],
        })
        .to_string(),
        HOSTILE.to_owned(),
        json!({ "result": "refused", "generation": 1, "changes": [], "error": HOSTILE, "took_ms": 1.0 })
            .to_string(),
        json!({ "result": "applied", "generation": 1, "changes": [HOSTILE], "keep": [HOSTILE], "took_ms": 1.0 })
            .to_string(),
    ];
    let folder = Folder::new();
    let verbs: [&[&str]; 7] = [
        &["status"],
        &["status", "--json"],
        &["top", "--once"],
        &["top", "--once", "--json"],
        &["status"],
        &["reload"],
        &["reload"],
    ];
    for (verb, answer) in verbs.iter().zip([0, 0, 0, 0, 1, 2, 3]) {
        let answer = &answers[answer];
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let (mut client, _) = server.accept().expect("a client");
                let mut head = [0; 4096];
                let _ = client.read(&mut head).expect("a request");
                let length = answer.len();
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
                );
                client.write_all((head + answer).as_bytes()).expect("sent");
            });
            let args = [verb, &["--admin", &admin][..]].concat();
            let finished = run(folder.path(), &args, b"");
            assert!(!finished.text().is_empty() || !finished.stderr.is_empty());
            // A report of a host may have several lines, and so the first word of one is its own.
            let text = finished.text()
                + &finished
                    .stderr
                    .replace("\nerror: forged", "\n error: forged");
            check_printable(&text);
            if verb.contains(&"--json") {
                let json: serde_json::Value = serde_json::from_str(&finished.text()).expect("JSON");
                assert_eq!(json["version"], HOSTILE);
            }
        });
    }
}

/// What the host itself logs and answers.
#[test]
#[cfg(unix)]
fn a_host_shows_names_as_text() {
    let folder = Folder::new();
    let path = format!("a\"}} 1\n{}.log", HOSTILE.replace('/', ""));
    let to = toml(&format!("file:{path}"));
    let config = Host::config(&format!("tee = [{to}]"), "");
    let host = Host::serve_in(folder, &config);
    assert_eq!(host.connect().exchange(b"Hello\n"), b"Uryyb\n");
    // The path is absolute, or relative to the folder of the configuration.
    let metrics = host.get("/metrics").body;
    let labels: Vec<_> = metrics
        .lines()
        .filter(|line| line.starts_with("linemill_output_lines_total"))
        .collect();
    assert_eq!(labels.len(), 1, "{labels:?}");
    assert!(labels[0].contains("a\\\"} 1\\n"), "{labels:?}");
    assert!(
        !metrics
            .lines()
            .any(|line| line.starts_with("error: forged")),
        "{metrics}"
    );
    check_printable(&host.get("/status").body);
    let config = config.replace(
        "[filter.rot13]",
        &format!("[filter.x]\nplugin = {to}\n[filter.rot13]"),
    );
    host.write_config(config);
    let refused = host.post("/reload");
    assert_eq!(refused.status, 422, "{}", refused.body);
    check_printable(&refused.body);
    host.expect_stderr("reload refused");
    check_printable(&host.stderr());
}
