//! What all instances of a filter share: its store and its metrics; and instances that retire.

use linemill_tests::{Folder, Host, Outcome, guest, run};

const GRANT: &str = "grant = [\"store\", \"metrics\"]\n";

/// A filter with a store and metrics.
fn component() -> Vec<u8> {
    guest::extended("shared", "asking")
}

fn host(filter: &str) -> Host {
    Host::filtering(&component(), &format!("{GRANT}{filter}"))
}

/// What the filter has counted itself.
fn counted(host: &Host) -> f64 {
    host.metric("linemill_guest_calls_total", &[("filter", "guest")])
}

/// What `/metrics` says about the store of the filter.
fn stored(host: &Host, what: &str) -> f64 {
    host.metric(
        &format!("linemill_filter_store_{what}"),
        &[("filter", "guest")],
    )
}

#[test]
fn connections_share_a_store_and_metrics() {
    let host = host("isolation = \"connection\"");
    for sum in 1..=5 {
        host.expect_answer("!ax", &format!("!A{sum}"));
    }
    host.expect_answer("!ay", "!A1");
    host.expect_answer("!gy", "!GY");
    assert_eq!(stored(&host, "keys").to_string(), "2");
    assert_eq!(stored(&host, "bytes").to_string(), "18");
    assert_eq!(counted(&host).to_string(), "14");
}

#[test]
fn both_survive_a_swap_but_not_a_removal() {
    let host = host("");
    host.expect_answer("!ax", "!A1");
    host.folder()
        .replace("guest.wasm", guest::marked(component(), "second"));
    assert_eq!(host.reload().outcome, Outcome::Applied);
    host.expect_answer("!ax", "!A2");
    host.replace_config(Host::filtering_config(&format!("{GRANT}memory = \"2MiB\"")));
    assert_eq!(host.reload().outcome, Outcome::Applied);
    host.expect_answer("!ax", "!A3");
    assert_eq!(counted(&host).to_string(), "6");
    host.replace_config(Host::config("", ""));
    assert_eq!(host.reload().outcome, Outcome::Applied);
    host.expect_no_connections();
    assert!(!host.get("/metrics").body.contains("linemill_guest"));
    host.replace_config(Host::filtering_config(GRANT));
    assert_eq!(host.reload().outcome, Outcome::Applied);
    host.expect_answer("!ax", "!A1");
}

#[test]
fn a_canary_shares_the_store_and_a_shadow_does_not() {
    for (kind, sum) in [("canary", "2"), ("shadow", "2")] {
        let trial = format!("{kind} = {{ plugin = \"./guest.wasm\", share = \"100%\" }}");
        let host = host(&trial);
        host.expect_answer("!ax", "!A1");
        host.expect_answer("!ax", &format!("!A{sum}"));
        let name = format!("guest@{kind}");
        let calls = [("filter", name.as_str())];
        host.wait_metric("linemill_guest_calls_total", &calls, 4.0);
        let keys = host.metrics().sum("linemill_filter_store_keys", &[]);
        let expected = if kind == "canary" { "1" } else { "2" };
        assert_eq!(keys.to_string(), expected, "{kind}");
    }
}

#[test]
fn a_full_store_is_one_filters_matter() {
    let host = host("deadline = \"2s\"\nstore = { bytes = \"10MiB\" }");
    host.expect_answer("!f", "!F");
    assert_eq!(stored(&host, "keys").to_string(), "159");
    assert_eq!(stored(&host, "full_total").to_string(), "1");
    host.replace_config(Host::filtering_config(&format!(
        "{GRANT}store = {{ keys = 2, bytes = \"10MiB\" }}"
    )));
    assert_eq!(host.reload().outcome, Outcome::Applied);
    host.expect_answer("!f", "!F");
    assert_eq!(stored(&host, "keys").to_string(), "159");
    host.expect_answer("!gx", "!gx");
}

#[test]
fn what_breaks_the_rules_is_a_trap() {
    let host = host("");
    for (line, reason) in [
        ("!k", "a key of its store has 65536 bytes"),
        ("!v", "a value for its store has 65537 bytes"),
        ("!d", "it declared a metric after its start"),
        ("!m", "it wrote to a metric that it has not declared so"),
    ] {
        let before = host.failures("trap");
        host.expect_answer(line, line);
        assert!(host.failures("trap") > before, "{line}");
        let once_a_second = std::time::Duration::from_millis(1100);
        std::thread::sleep(once_a_second);
        host.expect_stderr(reason);
    }
    host.expect_answer("a", "A");
}

#[test]
fn instances_retire_after_their_calls() {
    let filter = "[filter.number]\nplugin = \"number\"\nretire = { calls = 3 }\n";
    let host = Host::serve(Host::config("chain = [\"number\", \"rot13\"]", filter));
    let mut client = host.connect();
    for number in 1..=10 {
        client.send(b"a\n");
        client.expect(format!("{number} n\n").as_bytes());
    }
    let replaced = [("filter", "number"), ("result", "replaced")];
    let count = host.metric("linemill_filter_retirements_total", &replaced);
    assert_eq!(count.to_string(), "3");
    host.expect_answer("a", "1 n");
}

#[test]
fn instances_retire_when_their_memory_has_grown() {
    let folder = Folder::new();
    folder.write("guest.wasm", guest::batch("sponge"));
    let keys = "memory = \"64MiB\"\ndeadline = \"5s\"\nretire = { memory = \"50%\" }";
    let host = Host::serve_in(folder, Host::filtering_config(keys));
    for _ in 0..3 {
        host.expect_answer("bad!", "BAD!");
    }
    let replaced = [("filter", "guest"), ("result", "replaced")];
    let count = host.metric("linemill_filter_retirements_total", &replaced);
    assert!(count > 2.5, "{count}");
}

#[test]
fn what_cannot_hand_over_its_state_cannot_retire() {
    let folder = Folder::new();
    folder.write("guest.wasm", guest::batch("count"));
    folder.write(
        "linemill.toml",
        Host::filtering_config("retire = { calls = 3 }"),
    );
    run(folder.path(), ["check", "linemill.toml"], b"")
        .failure()
        .stderr_has(&["`retire` would lose it", "exports `state`"]);
}
