//! Numbers in `/status`, compared with what clients and servers really sent and received.

use std::collections::BTreeSet;
use std::net::TcpListener;

use linemill_tests::{Host, Upstream, eventually};
use serde_json::{Value, json};

use crate::control::reload::{reload, verb};

/// The page that describes every field.
const DOCUMENTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/status.md");

/// Waits until `/status` has `value` at `pointer`.
#[track_caller]
fn expect(host: &Host, pointer: &str, value: &Value) {
    let mut last = Value::Null;
    let what = format!("{pointer} = {value}");
    let looked = std::panic::AssertUnwindSafe(|| {
        eventually(&what, || {
            last = host.status().pointer(pointer).cloned().unwrap_or_default();
            (last == *value).then_some(())
        });
    });
    if std::panic::catch_unwind(looked).is_err() {
        panic!("{what}, but it is {last}");
    }
}

#[test]
fn lines_of_a_client_add_up() {
    let filters = "[filter.grep]\nplugin = \"grep\"\nsettings = { drop = [\"secret\"] }\n";
    let keys = "chain = [\"grep\"]\nmax_line = \"1KiB\"\noversize = \"drop\"\npartial = \"drop\"";
    let host = Host::serve(Host::config(keys, filters));
    let input = [
        b"one\na secret\ntwo\n".as_slice(),
        &[b'x'; 2000],
        b"\nthree\nrest",
    ]
    .concat();
    let output = host.connect().exchange(&input);
    assert_eq!(output, b"one\ntwo\nthree\n");
    expect(&host, "/listeners/test/connections", &json!(0));
    let status = host.status();
    let listener = &status["listeners"]["test"];
    assert_eq!(listener["address"], host.address().to_string());
    assert_eq!(
        (&listener["framing"], &listener["to"]),
        (&json!("lf"), &json!("reply"))
    );
    assert_eq!(listener["accepted"], 1);
    let (lines, filter) = (&listener["lines"], &status["filters"]["grep"]);
    let of = |value: &Value| value.as_u64().expect("a number");
    // What is dropped by the framer is not read as a line.
    assert_eq!(
        (of(&lines["in"]), of(&lines["out"]), of(&lines["queued"])),
        (4, 3, 0)
    );
    assert_eq!(
        (
            of(&lines["dropped"]["oversize"]),
            of(&lines["dropped"]["partial"])
        ),
        (1, 1)
    );
    assert_eq!(of(&lines["in"]), of(&lines["out"]) + of(&filter["dropped"]));
    assert_eq!((of(&filter["lines"]), of(&filter["failed"])), (4, 0));
    assert_eq!(of(&listener["bytes"]["in"]), input.len() as u64);
    assert_eq!(of(&listener["bytes"]["out"]), output.len() as u64);
    let p99 = of(&filter["call_p99_ns"]);
    assert!(
        p99 >= of(&filter["call_p50_ns"]) && p99 < 10_000_000_000,
        "{filter}"
    );
    assert!(of(&filter["mean_ns_per_line"]) > 0);
}

#[test]
fn lines_for_an_output_count_there_when_they_are_delivered() {
    let mut upstream = Upstream::tcp_down();
    let to = upstream.url();
    let host = Host::with(&format!("to = \"{to}\"\nshared = true"));
    let mut client = host.connect();
    client.send(b"one\ntwo\n");
    expect(&host, "/listeners/test/lines/queued", &json!(2));
    let status = host.status();
    let output = &status["outputs"][&to];
    assert_eq!(
        (&output["state"], &output["lines"], &output["queued"]),
        (&json!("down"), &json!(0), &json!(8))
    );
    assert!(
        output["reason"]
            .as_str()
            .expect("a reason")
            .contains("refused"),
        "{output}"
    );
    assert_eq!(status["listeners"]["test"]["lines"]["out"], 0);
    upstream.up();
    let mut server = upstream.accept();
    server.expect(b"bar\ngjb\n");
    eventually("two lines delivered", || {
        (host.status()["outputs"][&to]["lines"] == 2).then_some(())
    });
    let output = host.status()["outputs"][&to].clone();
    assert_eq!(
        (&output["state"], &output["queued"], &output["lost"]),
        (&json!("up"), &json!(0), &json!(0))
    );
}

#[test]
fn upstreams_of_single_connections_are_shown() {
    let upstream = Upstream::tcp();
    let to = upstream.url();
    let host = Host::with(&format!("to = \"{to}\""));
    let own = "/listeners/test/upstreams/0";
    expect(&host, &format!("{own}/state"), &json!("unknown"));
    let mut client = host.connect();
    let mut server = upstream.accept();
    client.send(b"hello\n");
    server.expect(b"uryyb\n");
    server.send(b"answer\n");
    client.expect(b"answer\n");
    expect(&host, &format!("{own}/open"), &json!(1));
    client.finish();
    server.expect_end();
    drop(server);
    client.expect_end();
    expect(&host, &format!("{own}/open"), &json!(0));
    expect(&host, &format!("{own}/state"), &json!("up"));
    expect(&host, "/listeners/test/replies/lines_out", &json!(1));
    assert_eq!(
        host.metric("linemill_own_upstream_up", &[("upstream", &to)])
            .to_string(),
        "1"
    );
}

/// As a load balancer does that has no server.
#[test]
fn an_upstream_that_accepts_and_closes_is_down() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let to = format!("tcp://{}", server.local_addr().expect("an address"));
    std::thread::spawn(move || server.incoming().for_each(drop));
    let host = Host::with(&format!("to = \"{to}\""));
    for _ in 0..2 {
        let mut client = host.connect();
        client.expect_refusal();
    }
    let own = "/listeners/test/upstreams/0";
    expect(&host, &format!("{own}/state"), &json!("down"));
    let shown = host.status().pointer(own).cloned().expect("shown");
    assert!(shown["failed"].as_u64() >= Some(1), "{shown}");
    assert!(shown["reason"].is_string(), "{shown}");
    assert_eq!(
        host.metric("linemill_own_upstream_up", &[("upstream", &to)])
            .to_string(),
        "0"
    );
}

#[test]
fn a_removed_listener_is_shown_until_its_last_connection_has_ended() {
    let both = |more: &str| {
        let stays = "[[listener]]\nname = \"stays\"\nbind = \"127.0.0.1:0\"\nchain = []\n";
        format!("[host]\nadmin = \"127.0.0.1:0\"\ndrain = \"60s\"\n{stays}{more}")
    };
    let goes = "[[listener]]\nname = \"goes\"\nbind = \"127.0.0.1:0\"\nchain = []\n";
    let host = Host::serve(both(goes));
    let mut client = linemill_tests::Client::connect(host.listener(1));
    client.send(b"half");
    expect(&host, "/listeners/goes/connections", &json!(1));
    host.write_config(both(""));
    reload(&host, 200);
    expect(&host, "/leaving/0/name", &json!("goes"));
    expect(&host, "/leaving/0/connections", &json!(1));
    let left = host.status()["leaving"][0]["seconds_left"].as_f64();
    assert!(
        left.is_some_and(|left| left > 1.0 && left <= 60.0),
        "{left:?}"
    );
    client.send(b"\n");
    client.expect(b"half\n");
    client.finish();
    client.expect_end();
    expect(&host, "/leaving", &json!([]));
}

#[test]
fn a_trial_is_counted_once_and_next_to_its_filter() {
    let listener = |name: &str| {
        format!("[[listener]]\nname = \"{name}\"\nbind = \"127.0.0.1:0\"\nchain = [\"rot13\"]\n")
    };
    let shadow =
        "shadow = { plugin = \"case\", share = \"100%\", settings = { to = \"upper\" } }\n";
    let config = |trial: &str| {
        format!(
            "[host]\nadmin = \"127.0.0.1:0\"\n{}{}[filter.rot13]\nplugin = \"rot13\"\n{trial}",
            listener("one"),
            listener("two")
        )
    };
    let host = Host::serve(config(""));
    assert_eq!(host.connect().exchange(b"a\nb\nc\n"), b"n\no\np\n");
    expect(&host, "/filters/rot13/lines", &json!(3));
    host.write_config(config(shadow));
    reload(&host, 200);
    for nth in 0..2 {
        let mut client = linemill_tests::Client::connect(host.listener(nth));
        assert_eq!(client.exchange(b"a\nb\n"), b"n\no\n");
    }
    expect(&host, "/trials/0/lines", &json!(4));
    // Only what came since the trial began.
    expect(&host, "/trials/0/incumbent/lines", &json!(4));
    let trials = host.status()["trials"].clone();
    assert_eq!(trials.as_array().map(Vec::len), Some(1), "{trials}");
    assert_eq!(trials[0]["listeners"], json!(["one", "two"]));
    assert_eq!(host.status()["filters"]["rot13"]["lines"], 4);
}

#[test]
fn rates_are_those_of_the_last_seconds() {
    let host = Host::with("");
    let mut client = host.connect();
    let line = b"a line of twenty b.\n";
    let rate = eventually("a rate", || {
        client.send(&line.repeat(100));
        client.take(2000);
        let status = host.status();
        let rate = status["listeners"]["test"]["rates"].clone();
        (rate["lines_in"].as_f64()? > 1.0).then_some((rate, status))
    });
    let (rates, status) = rate;
    assert!(rates["bytes_out"].as_f64() > Some(10.0), "{rates}");
    assert!(status["uptime_seconds"].as_f64() > Some(0.0));
    assert!(status["filters"]["rot13"]["lines_per_second"].as_f64() > Some(0.0));
}

/// The names of all fields, without those of listeners, reasons and the like.
fn fields(value: &Value, found: &mut BTreeSet<String>) {
    const BY_NAME: [&str; 9] = [
        "listeners",
        "outputs",
        "filters",
        "holders",
        "refused",
        "dropped",
        "lost_by_reason",
        "failures",
        "changes",
    ];
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                found.insert(name.clone());
                match value {
                    Value::Object(inner) if BY_NAME.contains(&name.as_str()) => {
                        inner.values().for_each(|value| fields(value, found));
                    }
                    _ => fields(value, found),
                }
            }
        }
        Value::Array(all) => all.iter().for_each(|value| fields(value, found)),
        _ => {}
    }
}

#[test]
fn every_field_is_documented() {
    let upstream = Upstream::tcp_down();
    let to = upstream.url();
    let host = Host::with(&format!("to = \"{to}\"\ntee = [\"file:copies\"]"));
    host.admin();
    host.write_config("nonsense");
    reload(&host, 422);
    let mut found = BTreeSet::new();
    fields(&host.status(), &mut found);
    let page = std::fs::read_to_string(DOCUMENTED).expect("the page");
    let missing: Vec<_> = found
        .iter()
        .filter(|name| !page.contains(&format!("`{name}`")) && !page.contains(&format!(".{name}`")))
        .collect();
    assert!(missing.is_empty(), "not in docs/status.md: {missing:?}");
    assert!(found.len() > 60, "{found:?}");
}

#[test]
fn the_text_fits_a_terminal() {
    let name = "a-listener-with-a-name-as-long-as-people-give-them-in-real-life";
    let config = format!(
        "[host]\nadmin = \"127.0.0.1:0\"\n[[listener]]\nname = \"{name}\"\nbind = \"127.0.0.1:0\"\n\
         chain = [\"{name}\"]\nto = \"file:{name}\"\n[filter.{name}]\nplugin = \"rot13\"\n"
    );
    let host = Host::serve(config);
    host.connect().exchange(b"one\n");
    let text = verb(&host, &["status"]).success().text();
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    for part in [
        "listener",
        "connections",
        "rates",
        "memory",
        "GENERATION",
        "ready",
    ] {
        assert!(text.contains(part), "no {part}:\n{text}");
    }
}
