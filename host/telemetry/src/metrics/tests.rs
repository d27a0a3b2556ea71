//! Declared metrics: their text, and what is known of them.

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

use super::*;
use crate::{EachValue, Families, Kind, Values};

crate::label_values! {
    /// Why a line was dropped.
    enum Reason as "reason" {
        /// It was
        /// too long.
        Oversize = "oversize",
        /// The connection closed.
        Closed = "closed",
    }
}

crate::metrics! {
    /// What one listener counts.
    struct ListenerMetrics by "listener" ("the listener's name") {
        /// Open connections.
        #[metric("connections", unit = "connections")]
        connections: Gauge,
        /// Lines that the host
        /// dropped.
        #[metric("lines_dropped", unit = "lines")]
        dropped: EachValue<Reason, Counter>,
        /// Ended connections.
        #[metric("connections_closed", unit = "connections")]
        closed: EachValue<Reason, Counter>,
    }
}

crate::metrics! {
    /// What the host counts.
    struct HostMetrics {
        /// Number of the generation in force.
        #[metric("generation", unit = "generations")]
        generation: Gauge,
        /// Reloads.
        #[metric("reloads", unit = "reloads")]
        reloads: EachValue<Reason, Counter>,
    }
}

/// The lines of the text in alphabetical order: a family has none.
fn lines(registry: &Registry) -> Vec<String> {
    let mut text = String::new();
    encode(&mut text, registry).expect("encoded");
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn series_have_the_labels_of_their_struct_and_of_their_field() {
    let mut all = Registry::default();
    let registry = registry(&mut all);
    let listeners = Families::<ListenerMetrics>::register(registry);
    let metrics = listeners.of("a");
    metrics.connections.inc();
    metrics.dropped.of(Reason::Closed).inc_by(3);
    // The same name, so the same series.
    listeners.of("a").closed.of(Reason::Oversize).inc();
    metrics.closed.of(Reason::Oversize).inc();
    assert_eq!(
        lines(&all),
        [
            "# EOF",
            "# HELP linemill_connections Open connections.",
            "# HELP linemill_connections_closed Ended connections.",
            "# HELP linemill_lines_dropped Lines that the host dropped.",
            "# TYPE linemill_connections gauge",
            "# TYPE linemill_connections_closed counter",
            "# TYPE linemill_lines_dropped counter",
            "linemill_connections_closed_total{listener=\"a\",reason=\"closed\"} 0",
            "linemill_connections_closed_total{listener=\"a\",reason=\"oversize\"} 2",
            "linemill_connections{listener=\"a\"} 1",
            "linemill_lines_dropped_total{listener=\"a\",reason=\"closed\"} 3",
            "linemill_lines_dropped_total{listener=\"a\",reason=\"oversize\"} 0",
        ]
    );
}

crate::metrics! {
    /// What one upstream of an output counts.
    struct UpstreamMetrics by "output" ("the output"), "upstream" ("the upstream") {
        /// Whether it is up.
        #[metric("upstream_up", unit = "0 or 1")]
        up: Gauge,
        /// Failures.
        #[metric("upstream_failures", unit = "attempts")]
        failures: EachValue<Reason, Counter>,
    }
}

#[test]
fn series_are_shown_until_the_last_hold_on_them_is_dropped() {
    let mut all = Registry::default();
    let registry = registry(&mut all);
    let upstreams = Families::<UpstreamMetrics>::register(registry);
    let (first, second) = (upstreams.of_all(&["a", "b"]), upstreams.of_all(&["a", "b"]));
    first.up.set(1);
    let other = upstreams.of_all(&["a", "c"]);
    other.up.set(2);
    other.failures.of(Reason::Closed).inc();
    let series = || -> Vec<_> {
        let lines = lines(&all).into_iter();
        lines.filter(|line| !line.starts_with('#')).collect()
    };
    let third = second.clone();
    drop(first);
    drop(second);
    assert_eq!(third.up.get(), 1);
    assert_eq!(series().len(), 6);
    third.failures.of(Reason::Oversize).inc_by(3);
    drop(third);
    // Its last counts are read first. Whether it is up does not matter any more.
    let of_other = [
        "linemill_upstream_failures_total{output=\"a\",upstream=\"c\",reason=\"closed\"} 1",
        "linemill_upstream_failures_total{output=\"a\",upstream=\"c\",reason=\"oversize\"} 0",
        "linemill_upstream_up{output=\"a\",upstream=\"c\"} 2",
    ];
    let last = [
        "linemill_upstream_failures_total{output=\"a\",upstream=\"b\",reason=\"closed\"} 0",
        "linemill_upstream_failures_total{output=\"a\",upstream=\"b\",reason=\"oversize\"} 3",
    ];
    assert_eq!(series(), [&last[..], &of_other].concat());
    // What comes back soon goes on.
    let again = upstreams.of_all(&["a", "b"]);
    assert_eq!(again.failures.of(Reason::Oversize).get(), 3);
    assert_eq!(again.up.get(), 0);
    drop(again);
    for _ in 0..2 {
        assert_eq!(series(), [&last[..], &of_other].concat());
    }
    assert_eq!(series(), of_other);
    // What comes back later begins anew.
    let later = upstreams.of_all(&["a", "b"]);
    assert_eq!(later.failures.of(Reason::Oversize).get(), 0);
}

#[test]
fn a_struct_without_a_name_has_series_without_its_label() {
    let mut all = Registry::default();
    let registry = registry(&mut all);
    let metrics = HostMetrics::register(registry);
    metrics.generation.set(7);
    metrics.reloads.of(Reason::Closed).inc();
    let lines = lines(&all);
    assert!(
        lines.contains(&"linemill_generation 7".to_owned()),
        "{lines:?}"
    );
    let reloads = "linemill_reloads_total{reason=\"closed\"} 1".to_owned();
    assert!(lines.contains(&reloads), "{lines:?}");
}

#[test]
fn a_declaration_knows_name_type_labels_unit_and_meaning() {
    let all = ListenerMetrics::declarations();
    let names: Vec<_> = all.iter().map(crate::Declaration::full_name).collect();
    assert_eq!(
        names,
        [
            "linemill_connections",
            "linemill_lines_dropped_total",
            "linemill_connections_closed_total"
        ]
    );
    let dropped = &all[1];
    assert_eq!(dropped.kind, Kind::Counter);
    assert_eq!(dropped.unit, "lines");
    assert_eq!(dropped.help, "Lines that the host dropped.");
    let keys: Vec<_> = dropped.labels.iter().map(|label| label.key).collect();
    assert_eq!(keys, ["listener", "reason"]);
    assert!(matches!(
        dropped.labels[0].values,
        Values::Open("the listener's name")
    ));
    let Values::Closed(values) = &dropped.labels[1].values else {
        panic!("reasons are a closed set");
    };
    assert_eq!(
        values[..],
        [
            ("oversize", "It was too long.".to_owned()),
            ("closed", "The connection closed.".to_owned())
        ]
    );
    assert_eq!(HostMetrics::declarations()[0].labels.len(), 0);
}
