//! The text formats of `/metrics`.
//!
//! In: a registry, and the header `Accept` of a request. Out: the format that the client prefers, and all
//! metrics in it. Not here: which metrics there are.

use std::fmt::{self, Write as _};

use prometheus_client::registry::Registry;

/// A text format for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The text format of Prometheus, version 0.0.4.
    Prometheus,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Format {
    /// The format that the values of a request's `Accept` prefer. Without a preference it is the text
    /// format of Prometheus, which every reader understands.
    pub fn accepted<'a>(accept: impl IntoIterator<Item = &'a str>) -> Self {
        let ranges = accept.into_iter().flat_map(|value| value.split(','));
        let (mut open_metrics, mut prometheus) = (0, 0);
        for range in ranges {
            let (kind, quality) = parsed(range);
            if kind.eq_ignore_ascii_case("application/openmetrics-text") {
                open_metrics = open_metrics.max(quality);
            } else if ["text/plain", "text/*", "*/*"]
                .iter()
                .any(|known| kind.eq_ignore_ascii_case(known))
            {
                prometheus = prometheus.max(quality);
            }
        }
        if open_metrics > prometheus {
            Self::OpenMetrics
        } else {
            Self::Prometheus
        }
    }

    /// The media type of the format.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// The metrics of a registry in this format.
    ///
    /// # Errors
    /// None in practice: writing to a string does not fail.
    pub fn text(self, registry: &Registry) -> Result<String, fmt::Error> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, registry)?;
        match self {
            Self::OpenMetrics => Ok(text),
            Self::Prometheus => prometheus(&text),
        }
    }
}

/// A media range without its parameters, and its quality in thousandths (RFC 9110, section 12.5.1). One with
/// a quality that is not a number is not accepted.
fn parsed(range: &str) -> (&str, u16) {
    let mut parts = range.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default();
    let quality = parts.find_map(|part| {
        let (key, value) = part.split_once('=')?;
        key.trim_end().eq_ignore_ascii_case("q").then_some(value)
    });
    let thousandths = |text: &str| {
        let value: f32 = text.trim().parse().ok()?;
        (0.0..=1.0)
            .contains(&value)
            .then_some((value * 1000.0) as u16)
    };
    (
        kind,
        quality.map_or(1000, |text| thousandths(text).unwrap_or(0)),
    )
}

/// OpenMetrics text in the format of Prometheus, where the name of a counter includes `_total` in its help
/// and type, too, and where nothing marks the end.
fn prometheus(open_metrics: &str) -> Result<String, fmt::Error> {
    let mut text = String::with_capacity(open_metrics.len() + open_metrics.len() / 16);
    // The name and help of the metric whose type comes next.
    let mut help = None;
    for line in open_metrics.lines() {
        if let Some(of) = line.strip_prefix("# HELP ") {
            help = of.split_once(' ');
        } else if let Some((name, kind)) = line
            .strip_prefix("# TYPE ")
            .and_then(|of| of.split_once(' '))
        {
            let suffix = if kind == "counter" { "_total" } else { "" };
            if let Some((_, help)) = help.take().filter(|(of, _)| *of == name) {
                writeln!(text, "# HELP {name}{suffix} {help}")?;
            }
            writeln!(text, "# TYPE {name}{suffix} {kind}")?;
        } else if !line.starts_with('#') {
            text.push_str(line);
            text.push('\n');
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use prometheus_client::metrics::counter::Counter;
    use prometheus_client::metrics::gauge::Gauge;

    use super::*;

    #[test]
    fn the_client_chooses() {
        let scrape = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                      text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        for (accept, format) in [
            ("", Format::Prometheus),
            ("*/*", Format::Prometheus),
            ("text/html, */*;q=0.8", Format::Prometheus),
            ("application/openmetrics-text", Format::OpenMetrics),
            ("Application/OpenMetrics-Text; Q = 0.5", Format::OpenMetrics),
            ("application/openmetrics-text;q=0", Format::Prometheus),
            (
                "application/openmetrics-text;q=0.4, text/plain;q=0.6",
                Format::Prometheus,
            ),
            (
                "application/openmetrics-text;q=0.6, text/plain;q=0.4",
                Format::OpenMetrics,
            ),
            (
                "application/openmetrics-text, text/plain",
                Format::Prometheus,
            ),
            ("application/openmetrics-text;q=much", Format::Prometheus),
            (scrape, Format::OpenMetrics),
        ] {
            assert_eq!(Format::accepted([accept]), format, "{accept}");
        }
        let several = ["text/plain;q=0.5", "application/openmetrics-text"];
        assert_eq!(Format::accepted(several), Format::OpenMetrics);
        assert_eq!(Format::accepted([]), Format::Prometheus);
    }

    #[test]
    fn counters_have_their_suffix_everywhere() {
        let (mut registry, counter) = (Registry::default(), Counter::<u64>::default());
        registry.register("lines", "Lines", counter);
        registry.register("up", "Whether", Gauge::<i64>::default());
        assert_eq!(
            Format::Prometheus.text(&registry).expect("text"),
            "# HELP lines_total Lines.\n# TYPE lines_total counter\nlines_total 0\n\
             # HELP up Whether.\n# TYPE up gauge\nup 0\n"
        );
        assert_eq!(
            Format::OpenMetrics.text(&registry).expect("text"),
            "# HELP lines Lines.\n# TYPE lines counter\nlines_total 0\n\
             # HELP up Whether.\n# TYPE up gauge\nup 0\n# EOF\n"
        );
    }
}
