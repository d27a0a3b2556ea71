//! Reloads that somebody asks for, what they answer, and what the host says of its generations.

use std::io::Write;
use std::time::Duration;

use linemill_tests::{Finished, Folder, Host, eventually, request, run};
use serde_json::Value;

const TURN: &str = "chain = [\"rot13\"]";
const PLAIN: &str = "chain = []";

/// `POST /reload`, with what it must answer.
#[track_caller]
fn reload(host: &Host, status: u16) -> Value {
    let answer = request(host.admin(), "POST", "/reload");
    assert_eq!(answer.status, status, "{}", answer.body);
    serde_json::from_str(&answer.body).expect("JSON")
}

#[track_caller]
fn status(host: &Host) -> Value {
    serde_json::from_str(&host.get("/status").body).expect("JSON")
}

/// A verb of the binary about this host.
fn verb(host: &Host, args: &[&str]) -> Finished {
    let admin = host.admin().to_string();
    let mut all = args.to_vec();
    all.extend(["--admin", &admin]);
    run(host.folder().path(), all, b"")
}

/// A configuration of several listeners, each with this chain.
fn listeners(names: &[&str]) -> String {
    let mut text = "[host]\nadmin = \"127.0.0.1:0\"\ndrain = \"2s\"\n".to_owned();
    for name in names {
        text += &format!("[[listener]]\nname = \"{name}\"\nbind = \"127.0.0.1:0\"\n");
    }
    text
}

#[test]
fn a_reload_answers_when_it_is_done() {
    let host = Host::with(TURN);
    let mut client = host.connect();
    client.send(b"one\n");
    client.expect(b"bar\n");
    let answer = reload(&host, 200);
    assert_eq!(answer["result"], "unchanged");
    assert_eq!(answer["generation"], 1);
    host.folder()
        .write("linemill.toml", Host::config(PLAIN, ""));
    // The change of the file may have been noticed first.
    reload(&host, 200);
    client.send(b"two\n");
    client.expect(b"two\n");
    host.folder()
        .write("linemill.toml", Host::config("chain = [\"gone\"]", ""));
    let answer = reload(&host, 422);
    assert_eq!(answer["result"], "refused");
    let error = answer["error"].as_str().expect("a text");
    assert!(
        error.contains("linemill.toml:") && error.contains("gone"),
        "{error}"
    );
    client.send(b"three\n");
    client.expect(b"three\n");
}

#[test]
fn the_verb_says_what_changed_or_why_not() {
    let host = Host::with(TURN);
    verb(&host, &["reload"])
        .success()
        .tells(&["unchanged", "generation 1"]);
    host.folder().write("linemill.toml", "[[listener]\n");
    verb(&host, &["reload"])
        .failure()
        .says(&["linemill.toml:1", "TOML", "generation 1 stays"]);
    let text = run(
        host.folder().path(),
        ["reload", "--config", "linemill.toml"],
        b"",
    );
    text.failure().says(&["linemill.toml:1"]);
}

#[test]
fn without_a_host_the_verbs_say_where_they_looked() {
    let folder = Folder::new();
    for name in ["reload", "status"] {
        // Port 1 of loopback: nobody listens there.
        run(folder.path(), [name, "--admin", "127.0.0.1:1"], b"")
            .failure()
            .says(&["127.0.0.1:1", "--admin"]);
    }
    folder.write("a.toml", "[[listener]]\nname = \"a\"\n");
    run(folder.path(), ["status", "--config", "a.toml"], b"")
        .failure()
        .says(&["a.toml", "admin"]);
}

#[test]
fn a_page_in_a_browser_cannot_reload() {
    let host = Host::with(TURN);
    let mut stream = std::net::TcpStream::connect(host.admin()).expect("the admin address");
    let request = "POST /reload HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut stream, &mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    assert_eq!(request_count(&host), 0.0);
}

fn request_count(host: &Host) -> f64 {
    host.metrics().sum("linemill_reloads_total", &[])
}

#[test]
fn generations_are_told_with_who_is_on_them() {
    let host = Host::with(TURN);
    let mut client = host.connect();
    client.send(b"one\n");
    client.expect(b"bar\n");
    let now = status(&host);
    assert_eq!(now["generation"], 1);
    assert_eq!(now["generations"][0]["by"], "start");
    assert_eq!(now["generations"][0]["connections"], 1);
    assert_eq!(now["generations"][0]["moved_ms"], Value::Null);
    assert_eq!(now["listeners"]["test"]["connections"], 1);
    assert_eq!(now["listeners"]["test"]["chain"][0], "rot13");
    let digest = now["generations"][0]["filters"]["rot13"].as_str();
    assert_eq!(digest.expect("a digest").len(), 64);

    host.folder()
        .write("linemill.toml", Host::config(PLAIN, ""));
    reload(&host, 200);
    // An idle connection moves, too.
    let now = eventually("the last to leave", || {
        let now = status(&host);
        now["generations"][1]["moved_ms"].is_number().then_some(now)
    });
    assert_eq!(now["generation"], 2);
    assert_eq!(now["old_generations_held"], 0);
    assert_eq!(now["generations"][0]["connections"], 1);
    assert_eq!(now["generations"][1]["connections"], 0);
    let change = now["generations"][0]["changes"][0]
        .as_str()
        .expect("a text");
    assert_eq!(change, "listener test: chain [\"rot13\"] -> []");
    assert_eq!(host.metric("linemill_old_generations", &[]), 0.0);

    host.folder().write("linemill.toml", "nonsense");
    reload(&host, 422);
    let refusal = &status(&host)["last_refusal"];
    assert!(refusal["error"].as_str().expect("a text").contains("TOML"));
    verb(&host, &["status"]).success().tells(&[
        "generation 2",
        "listener test: 1 connected",
        "last refused",
        "TOML",
    ]);
    let json = verb(&host, &["status", "--json"]).success().text();
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["generation"], 2);
}

#[test]
fn instances_of_an_old_generation_are_gone_when_idle_connections_have_moved() {
    let host = Host::with("chain = [\"dedup\"]");
    let mut clients: Vec<_> = (0..5).map(|_| host.connect()).collect();
    for client in &mut clients {
        client.send(b"x\n");
        client.expect(b"x\n");
    }
    let alive = [("filter", "dedup")];
    assert_eq!(host.metric("linemill_filter_instances", &alive), 5.0);
    host.folder()
        .write("linemill.toml", Host::config(PLAIN, ""));
    reload(&host, 200);
    host.wait_metric("linemill_filter_instances", &alive, 0.0);
    assert_eq!(status(&host)["old_generations_held"], 0);
}

#[test]
fn a_listener_is_added_and_serves() {
    let host = Host::serve(listeners(&["a"]));
    let mut client = host.connect();
    client.send(b"one\n");
    client.expect(b"bar\n");
    host.folder().write("linemill.toml", listeners(&["a", "b"]));
    reload(&host, 200);
    let mut other = linemill_tests::Client::connect(host.listener(1));
    other.send(b"two\n");
    other.expect(b"gjb\n");
    client.send(b"one\n");
    client.expect(b"bar\n");
}

#[test]
fn a_listener_is_removed_and_its_connections_drain() {
    let host = Host::serve(listeners(&["a", "b"]));
    let (first, second) = (host.listener(0), host.listener(1));
    let mut stays = linemill_tests::Client::connect(first);
    let mut leaves = linemill_tests::Client::connect(second);
    leaves.send(b"one\nhal");
    leaves.expect(b"bar\n");
    host.folder().write("linemill.toml", listeners(&["a"]));
    reload(&host, 200);
    // What has begun is still answered.
    leaves.send(b"f\n");
    leaves.expect(b"unys\n");
    leaves.expect_end();
    eventually("the port to be closed", || {
        linemill_tests::Client::try_connect(second)
            .is_err()
            .then_some(())
    });
    stays.send(b"two\n");
    stays.expect(b"gjb\n");
    eventually("the old to be left", || {
        (status(&host)["old_generations_held"] == 0).then_some(())
    });
}

#[test]
fn an_address_in_use_refuses_the_whole_configuration() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let host = Host::serve(listeners(&["a"]));
    let mut client = host.connect();
    let port = taken.local_addr().expect("bound").port();
    let text = listeners(&["a", "b", "c"])
        .replacen(
            "name = \"b\"\nbind = \"127.0.0.1:0\"",
            &format!("name = \"b\"\nbind = \"127.0.0.1:{port}\""),
            1,
        )
        .replacen("name = \"a\"", "name = \"a\"\nchain = []", 1);
    host.folder().write("linemill.toml", text);
    let answer = reload(&host, 422);
    let error = answer["error"].as_str().expect("a text");
    assert!(
        error.contains("in use") && error.contains("listener `b`"),
        "{error}"
    );
    client.send(b"one\n");
    client.expect(b"bar\n");
    assert_eq!(status(&host)["generation"], 1);
}

#[test]
fn check_shows_what_a_reload_would_change() {
    let host = Host::with(TURN);
    let folder = host.folder();
    folder.write("same.toml", folder.read("linemill.toml"));
    let admin = host.admin().to_string();
    let check = |name: &str| run(folder.path(), ["check", name, "--against", &admin], b"");
    check("same.toml")
        .success()
        .tells(&["nothing would change"]);
    folder.write(
        "new.toml",
        Host::config("chain = []\nmax_line = \"1KiB\"", ""),
    );
    check("new.toml").success().tells(&[
        "live     listener test: chain [\"rot13\"] -> []",
        "live     listener test: max_line 16KiB -> 1KiB",
    ]);
    folder.write(
        "restart.toml",
        Host::config("chain = []\nframing = \"crlf\"", ""),
    );
    check("restart.toml")
        .failure()
        .tells(&[
            "live     listener test: chain",
            "restart  listener test: framing",
        ])
        .says(&["needs a restart"]);
    assert_eq!(status(&host)["generation"], 1);
}

#[test]
fn a_file_that_is_still_being_written_is_not_read() {
    let host = Host::with(TURN);
    let mut client = host.connect();
    let whole = Host::config(PLAIN, "");
    let (half, rest) = whole.split_at(whole.find("[[listener").expect("a listener") + 5);
    let path = host.folder().path().join("linemill.toml");
    let mut file = std::fs::File::create(path).expect("opened");
    file.write_all(half.as_bytes()).expect("written");
    // Nothing happens for as long as it is open; far longer than a burst.
    std::thread::sleep(Duration::from_millis(600));
    assert_eq!(request_count(&host), 0.0);
    file.write_all(rest.as_bytes()).expect("written");
    drop(file);
    eventually("the whole file", || {
        (host.metric("linemill_generation", &[]) > 1.0).then_some(())
    });
    assert_eq!(
        host.metrics()
            .sum("linemill_reloads_total", &[("result", "refused")]),
        0.0
    );
    client.send(b"one\n");
    client.expect(b"one\n");
}

#[test]
#[cfg(unix)]
fn the_admin_address_may_be_a_unix_socket() {
    let folder = Folder::new();
    let config =
        Host::config(TURN, "").replacen("127.0.0.1:0\"\n\n[[", "unix:admin.sock\"\n\n[[", 1);
    let host = Host::serve_in(folder, config);
    let path = host.folder().path();
    host.announced(0);
    run(path, ["status", "--admin", "unix:admin.sock"], b"")
        .success()
        .tells(&["generation 1"]);
    run(path, ["reload", "--config", "linemill.toml"], b"")
        .success()
        .tells(&["unchanged"]);
}
