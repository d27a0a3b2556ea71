//! Which series `/metrics` shows: all of them from the start, and none of what a reload has removed.

use std::collections::BTreeSet;

use linemill_tests::{Host, Metrics, eventually};

use crate::control::reload::reload;

/// The page that is generated from the declarations of all metrics.
const DOCUMENTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/metrics.md");

/// A host with a listener, a filter and outputs, all of whose names end with `number`.
fn config(number: usize) -> String {
    format!(
        "[host]\nadmin = \"127.0.0.1:0\"\n\n\
         [[listener]]\nname = \"listener{number}\"\nbind = \"127.0.0.1:0\"\nchain = [\"filter{number}\"]\n\
         to = \"file:out{number}\"\ntee = [\"tcp://127.0.0.1:{0}\"]\n\n\
         [[listener]]\nname = \"own{number}\"\nbind = \"127.0.0.1:0\"\nchain = []\nto = \"tcp://127.0.0.1:{0}\"\n\n\
         [filter.filter{number}]\nplugin = \"rot13\"\ncanary = {{ plugin = \"case\", share = \"50%\", settings = {{ to = \"upper\" }} }}\n",
        // Nobody listens there.
        1 + number
    )
}

/// The name and labels of every series.
fn series(host: &Host) -> BTreeSet<String> {
    let answer = host.get("/metrics");
    let lines = answer.body.lines().filter(|line| !line.starts_with('#'));
    let series = lines.filter_map(|line| line.rsplit_once(' '));
    series.map(|(series, _)| series.to_owned()).collect()
}

/// The rows of a table below `head` in the documentation: the text in each first column.
fn documented(head: &str) -> Vec<String> {
    let page = std::fs::read_to_string(DOCUMENTED).expect("the page");
    let (_, table) = page.split_once(head).expect("the table is there");
    let rows = table.lines().skip(1).skip_while(|line| line.is_empty());
    let rows = rows.take_while(|line| line.starts_with('|'));
    let first = rows.skip(2).filter_map(|row| row.split('`').nth(1));
    first.map(str::to_owned).collect()
}

#[test]
fn every_value_of_a_label_is_there_from_the_start() {
    let host = Host::serve(config(0));
    let series = series(&host);
    let page = std::fs::read_to_string(DOCUMENTED).expect("the page");
    let tables = page.lines().filter_map(|line| {
        let (label, metric) = line.strip_prefix("Values of `")?.split_once("` in `")?;
        Some((label, metric.strip_suffix("`:")?, line))
    });
    let mut found = 0;
    for (label, metric, head) in tables {
        for value in documented(head) {
            let label = format!("{label}=\"{value}\"");
            let is_it =
                |one: &&String| one.starts_with(&format!("{metric}{{")) && one.contains(&label);
            assert!(
                series.iter().any(|one| is_it(&one)),
                "no {metric} with {label}"
            );
            found += 1;
        }
    }
    assert!(found > 100, "{found} values in the tables of {DOCUMENTED}");
    // The canary is a filter of its own.
    for filter in ["filter0", "filter0@canary"] {
        let calls = format!("linemill_filter_calls_total{{filter=\"{filter}\"}}");
        assert!(series.contains(&calls), "{series:#?}");
    }
}

#[test]
fn what_a_reload_removes_takes_its_series_along() {
    let host = Host::serve(config(0));
    let counted = |number| {
        let own = format!("{{listener=\"listener{number}\"}}");
        series(&host).iter().any(|one| one.contains(&own))
    };
    assert!(counted(0));
    let start = series(&host).len();
    for number in 1..=60 {
        host.write_config(config(number));
        reload(&host, 200);
    }
    eventually("no more series than at the start", || {
        (series(&host).len() == start).then_some(())
    });
    assert!(counted(60));
    let left: Vec<_> = (0..60).filter(|number| counted(*number)).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn series_of_a_listener_stay_until_its_last_connection_has_ended() {
    let host = Host::serve(config(0));
    let mut client = host.connect();
    client.send(b"waits");
    host.wait_metric("linemill_connections", &[], 1.0);
    host.write_config(config(1));
    reload(&host, 200);
    let of_first = [("listener", "listener0")];
    assert_eq!(
        host.metric("linemill_connections", &of_first).to_string(),
        "1"
    );
    client.send(b"\nmore\n");
    client.finish();
    client.expect_end();
    eventually("no series of the first listener", || {
        let series = series(&host);
        let gone = !series.iter().any(|one| one.contains("\"listener0\""));
        gone.then_some(())
    });
}

#[test]
fn the_last_counts_of_what_was_removed_are_shown() {
    let host = Host::serve(config(0));
    let mut client = host.connect();
    client.send(b"one\ntwo\n");
    let queued = ("linemill_lines_queued_total", [("listener", "listener0")]);
    host.wait_metric(queued.0, &queued.1, 2.0);
    host.write_config(config(1));
    reload(&host, 200);
    client.send(b"three\n");
    client.finish();
    client.expect_end();
    // The last counts that each of them showed, and whether they did so after its gauges had gone.
    let (mut lines, mut filtered) = ((0, false), (0, false));
    eventually("an answer without their counts", || {
        let text = host.get("/metrics").body;
        let metrics = Metrics::parse(&text);
        let note = |last: &mut (u64, bool), count: f64, gauge: &str| {
            if count > 0.5 {
                *last = (count as u64, !text.contains(gauge));
            }
            count < 0.5
        };
        let read = metrics.sum("linemill_lines_in_total", &[("listener", "listener0")]);
        let gauge = "linemill_connections{listener=\"listener0\"}";
        let no_lines = note(&mut lines, read, gauge);
        // The connection may be one of those that the canary serves.
        let given = ["filter0", "filter0@canary"]
            .map(|name| metrics.sum("linemill_filter_lines_total", &[("filter", name)]));
        let given = given.iter().sum();
        let gauge = "linemill_filter_instances{filter=\"filter0";
        (note(&mut filtered, given, gauge) && no_lines).then_some(())
    });
    assert_eq!((lines, filtered), ((3, true), (3, true)));
}

#[test]
fn refusals_of_a_filter_are_counted_until_another_load() {
    let host = Host::serve(config(0));
    // It has read its configuration.
    host.admin();
    let refused = [("filter", "wrong"), ("kind", "plugin")];
    let wrong = format!(
        "{}\n[filter.wrong]\nplugin = \"./nowhere.wasm\"\n",
        config(0)
    );
    for count in 1..=2 {
        host.write_config(format!("{wrong}# {count}\n"));
        reload(&host, 422);
        let counted = host.metric("linemill_filter_refusals_total", &refused);
        assert_eq!(counted.to_string(), count.to_string());
    }
    host.write_config(config(0));
    reload(&host, 200);
    let counted = || series(&host).iter().any(|one| one.contains("\"wrong\""));
    // Two answers show its last counts.
    assert_eq!([counted(), counted(), counted()], [true, true, false]);
}

#[test]
fn requests_for_what_cannot_be_are_no_refused_reloads() {
    let host = Host::serve(config(0));
    for path in ["/promote?filter=typo", "/rollback?filter=typo", "/rollback"] {
        assert_eq!(host.post(path).status, 422, "{path}");
    }
    let refused = [("result", "refused")];
    assert_eq!(
        host.metric("linemill_reloads_total", &refused).to_string(),
        "0"
    );
    host.wait_metric(
        "linemill_admin_refused_total",
        &[("reason", "impossible")],
        3.0,
    );
    assert_eq!(host.status()["last_refusal"], serde_json::Value::Null);
    host.write_config("nonsense");
    reload(&host, 422);
    host.wait_metric("linemill_reloads_total", &refused, 1.0);
}
