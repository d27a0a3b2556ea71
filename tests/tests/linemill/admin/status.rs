//! `/status` and the verb `status`: generations, and which connections and instances they still have.

use linemill_tests::{Host, eventually};
use serde_json::Value;

use crate::control::reload::{PLAIN, ROT13, reload, verb};

#[test]
fn status_shows_generations_and_their_connections() {
    let host = Host::with(ROT13);
    let mut client = host.connect();
    client.send(b"one\n");
    client.expect(b"bar\n");
    let now = host.status();
    assert_eq!(now["generation"], 1);
    assert_eq!(now["generations"][0]["by"], "start");
    assert_eq!(now["generations"][0]["connections"], 1);
    assert_eq!(now["generations"][0]["moved_ms"], Value::Null);
    assert_eq!(now["listeners"]["test"]["connections"], 1);
    assert_eq!(now["listeners"]["test"]["chain"][0], "rot13");
    let digest = now["generations"][0]["filters"]["rot13"].as_str();
    assert_eq!(digest.expect("a digest").len(), 64);

    host.write_config(Host::config(PLAIN, ""));
    reload(&host, 200);
    // An idle connection moves as well.
    let now = eventually("the last connection of the old generation", || {
        let now = host.status();
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

    host.write_config("nonsense");
    reload(&host, 422);
    let refusal = &host.status()["last_refusal"];
    assert!(refusal["error"].as_str().expect("a text").contains("TOML"));
    verb(&host, &["status"]).success().stdout_has(&[
        "generation  2 since",
        "listener test\n",
        "1 connected of 10,000",
        "last refused",
        "TOML",
    ]);
    let text = verb(&host, &["status", "--json"]).success().text();
    let json: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(json["generation"], 2);
}

#[test]
fn instances_of_an_old_generation_end_when_its_connections_have_moved() {
    let host = Host::with("chain = [\"dedup\"]");
    let mut clients: Vec<_> = (0..5).map(|_| host.connect()).collect();
    for client in &mut clients {
        client.send(b"x\n");
        client.expect(b"x\n");
    }
    let alive = [("filter", "dedup")];
    assert_eq!(host.metric("linemill_filter_instances", &alive), 5.0);
    host.write_config(Host::config(PLAIN, ""));
    reload(&host, 200);
    host.wait_metric("linemill_filter_instances", &alive, 0.0);
    assert_eq!(host.status()["old_generations_held"], 0);
}
