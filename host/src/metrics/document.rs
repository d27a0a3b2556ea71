//! `docs/metrics.md` is generated from the declarations of all metrics.
//!
//! `UPDATE_GOLDEN=1 cargo test --workspace --lib metrics::document` rewrites the page. Without it,
//! the test fails when the page is out of date.

use std::fmt::Write as _;
use std::path::Path;

use super::*;
use crate::control::admin::certificate_metrics::CertificateMetrics;
use linemill_telemetry::{Declaration, Format, Label, Metrics as _, Values};

/// The text above the tables.
const HEAD: &str = "# Metrics

<!-- Generated from the declarations in the code. To change it, change a declaration, then run
     UPDATE_GOLDEN=1 cargo test --workspace --lib metrics::document -->

`GET /metrics` at the admin address (`[host] admin`) answers with all metrics in the
[text format of Prometheus](https://prometheus.io/docs/instrumenting/exposition_formats/), or in that of
[OpenMetrics 1.0](https://prometheus.io/docs/specs/om/open_metrics_spec/) if the request's `Accept` prefers it, as
Prometheus' own requests do.

- Counters start at 0 when the process starts, and survive reloads. Their names end with `_total`.
- A histogram has the series `_bucket`, `_sum` and `_count`.
- Series of a listener, filter or output exist, with all values of their other labels, as long as it does: until a
  removed listener has drained, a removed filter has left its last connection, and a removed output has written its last
  line. Its counters and histograms then stay until two answers have shown them, so that no scrape misses their last
  values; for ten minutes at most, and for the last 64 that were removed. If it comes back by then, they go on. If it
  comes back later, they begin at 0 again.
- Names that begin with `linemill_guest_` are counters and histograms that filters declare themselves, with
  `grant = [\"metrics\"]`. Their label `filter` is the name of the filter.
- Durations are in seconds, sizes in bytes, times are Unix times.
";

/// The sections of the page: a title, an introduction, and the metrics.
fn sections() -> [(&'static str, &'static str, Vec<Declaration>); 12] {
    [
        (
            "Connections",
            "The label `listener` is the `name` of a `[[listener]]`.",
            ListenerMetrics::declarations(),
        ),
        (
            "Lines",
            "The label `listener` is the `name` of a `[[listener]]`. Metrics that begin with `reply_` count \
             answers of upstreams, on their way back to clients.",
            LineMetrics::declarations(),
        ),
        (
            "Filters",
            "The label `filter` is the name of a filter in the configuration. A version on trial is \
             counted as `NAME@canary` or `NAME@shadow`.",
            FilterFamilies::declarations(),
        ),
        (
            "Outputs",
            "An output is a destination that connections share: standard output, a file, or an upstream \
             used by a `shared` listener, a route, a tee or a quarantine. The label `output` is the \
             destination as written in the configuration; `#2` and so on follow when the same \
             destination is used with different certificates. Of a list of upstreams, it is all of them, \
             separated by commas, as the list was when the output was opened: a reload that changes the \
             list keeps the label. The label `upstream` is one of the upstreams that the list has now.",
            [
                OutputMetrics::declarations(),
                UpstreamMetrics::declarations(),
            ]
            .concat(),
        ),
        (
            "Upstreams of single connections",
            "For a listener whose connections each have a connection of their own to an upstream. The label \
             `listener` is the `name` of the `[[listener]]`, `upstream` one of the upstreams in its `to`.",
            OwnUpstreamMetrics::declarations(),
        ),
        (
            "Certificates",
            "The label `listener` is the `name` of a `[[listener]]`. The label `key` is `tls` for the \
             certificate that clients see, and `to_tls` for the one that upstreams see.",
            CertificateMetrics::declarations(),
        ),
        (
            "Reloads",
            "These metrics exist once per host.",
            ReloadMetrics::declarations(),
        ),
        (
            "The admin address",
            "These metrics exist once per host.",
            AdminMetrics::declarations(),
        ),
        (
            "Taps",
            "These metrics exist once per host. See [Tap](guide.md#tap).",
            TapMetrics::declarations(),
        ),
        (
            "Memory",
            "These metrics exist once per host. They are updated four times per second, and when they are \
             read. See [Memory](guide.md#memory).",
            MemoryMetrics::declarations(),
        ),
        (
            "The log",
            "These metrics exist once per host. See [The log](guide.md#the-log).",
            LogMetrics::declarations(),
        ),
        (
            "The process",
            "These metrics exist once per host. Those that begin with `process_` have the names that Prometheus \
             defines for every process; they exist on Linux only.",
            [BuildMetrics::declarations(), ProcessMetrics::declarations()].concat(),
        ),
    ]
}

fn path() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md")
}

/// The whole page.
fn page() -> String {
    let mut page = HEAD.to_owned();
    for (title, text, metrics) in sections() {
        write_section(&mut page, title, text, &metrics).expect("a string takes all text");
    }
    page
}

fn write_section(
    page: &mut String,
    title: &str,
    text: &str,
    metrics: &[Declaration],
) -> std::fmt::Result {
    writeln!(page, "\n## {title}\n\n{text}\n")?;
    writeln!(page, "| Metric | Type | Labels | Unit | Meaning |")?;
    writeln!(page, "|---|---|---|---|---|")?;
    for metric in metrics {
        let labels: Vec<_> = metric
            .labels
            .iter()
            .map(|label| format!("`{}`", label.key))
            .collect();
        writeln!(
            page,
            "| `{}` | {} | {} | {} | {} |",
            metric.full_name(),
            metric.kind,
            labels.join(", "),
            metric.unit,
            metric.help
        )?;
    }
    for metric in metrics {
        for label in &metric.labels {
            if let Values::Closed(values) = &label.values {
                write_values(page, metric, label, values)?;
            }
        }
    }
    Ok(())
}

fn write_values(
    page: &mut String,
    metric: &Declaration,
    label: &Label,
    values: &[(&str, String)],
) -> std::fmt::Result {
    writeln!(
        page,
        "\nValues of `{}` in `{}`:\n",
        label.key,
        metric.full_name()
    )?;
    writeln!(page, "| `{}` | Meaning |", label.key)?;
    writeln!(page, "|---|---|")?;
    for (value, meaning) in values {
        writeln!(page, "| `{value}` | {meaning} |")?;
    }
    Ok(())
}

#[test]
fn the_page_is_up_to_date() {
    let page = page();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path(), &page).expect("docs/metrics.md is written");
    }
    let written = std::fs::read_to_string(path()).expect("docs/metrics.md");
    assert!(
        written == page,
        "docs/metrics.md is out of date: run UPDATE_GOLDEN=1 cargo test --workspace --lib metrics::document"
    );
}

/// A metric that is registered but missing on the page, or the reverse, fails here.
#[test]
fn every_registered_metric_is_declared() {
    let metrics = Metrics::default();
    // A metric without any series is not shown.
    let _listener = (metrics.listeners.of("a"), metrics.lines.of("a"));
    let _filter = (metrics.filters.of("f"), metrics.filters.of_store("f"));
    metrics.filters.count_refusals_of(["f"]);
    let _output = metrics.outputs.of("stdout");
    let _upstream = metrics.upstreams.of_all(&["tcp://a:1", "tcp://a:1"]);
    let _own = metrics.own_upstreams.of_all(&["a", "tcp://a:1"]);
    let _certificate = metrics.certificates.of("a", "tls");
    let text = Format::OpenMetrics.text(&metrics.registry).expect("text");
    let registered: std::collections::BTreeSet<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
        .map(|(name, kind)| (name.to_owned(), kind.to_owned()))
        .collect();
    let declared: std::collections::BTreeSet<_> = sections()
        .iter()
        .flat_map(|(_, _, metrics)| metrics)
        .map(|metric| {
            let name = metric.full_name();
            let name = name.strip_suffix("_total").unwrap_or(&name);
            (name.to_owned(), metric.kind.to_string())
        })
        .collect();
    assert_eq!(registered, declared);
}
