//! Reads metrics in the Prometheus text format.
//!
//! In: the body of `/metrics`. Out: sums over series, by name and labels. Not here: the parts of the
//! format that linemill does not use, such as timestamps.

use std::collections::BTreeMap;

/// The metrics of one scrape.
#[derive(Debug, Clone)]
pub struct Metrics {
    series: Vec<Series>,
}

#[derive(Debug, Clone)]
struct Series {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

impl Metrics {
    /// Parses an exposition.
    ///
    /// # Panics
    /// On a line that is neither a comment nor a sample.
    #[track_caller]
    pub fn parse(text: &str) -> Self {
        let lines = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self {
            series: lines.map(Series::parse).collect(),
        }
    }

    /// The sum over the series of `name` that have all these labels; 0 when there are none.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let fits = |series: &&Series| {
            series.name == name
                && labels
                    .iter()
                    .all(|(key, value)| series.labels.get(*key).is_some_and(|found| found == value))
        };
        self.series
            .iter()
            .filter(fits)
            .fold(0.0, |sum, series| sum + series.value)
    }

    /// The names, each once, in order of appearance.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self
            .series
            .iter()
            .map(|series| series.name.as_str())
            .collect();
        names.dedup();
        names
    }
}

impl Series {
    #[track_caller]
    fn parse(line: &str) -> Self {
        let (series, value) = line.rsplit_once(' ').expect("a series has a value");
        let value = value.parse().expect("a value is a number");
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let mut rest = labels.strip_suffix('}').expect("labels are closed");
        let mut labels = BTreeMap::new();
        while !rest.is_empty() {
            let (key, quoted) = rest.split_once("=\"").expect("a label has a value");
            let (value, after) = unescape(quoted);
            labels.insert(key.to_owned(), value);
            rest = after.strip_prefix(',').unwrap_or(after);
        }
        Self {
            name: name.to_owned(),
            labels,
            value,
        }
    }
}

/// The value of a label, without its opening quote, and what follows its closing quote.
#[track_caller]
fn unescape(quoted: &str) -> (String, &str) {
    let (mut value, mut chars) = (String::new(), quoted.chars());
    loop {
        match chars.next().expect("a value is closed") {
            '"' => return (value, chars.as_str()),
            '\\' => value.push(match chars.next() {
                Some('n') => '\n',
                Some(c @ ('"' | '\\')) => c,
                other => panic!("an escape of {other:?}"),
            }),
            c => value.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Metrics;

    #[test]
    fn series_are_summed_by_label() {
        let metrics = Metrics::parse(
            "# HELP a Things.\n# TYPE a counter\na_total{k=\"x\",l=\"1\"} 2\na_total{k=\"x\",l=\"2\"} 3\n\
             a_total{k=\"y, z\",l=\"1\"} 5\nb 1.5e3\n# EOF\n",
        );
        assert_eq!(metrics.sum("a_total", &[]).to_string(), "10");
        assert_eq!(metrics.sum("a_total", &[("k", "x")]).to_string(), "5");
        assert_eq!(
            metrics
                .sum("a_total", &[("k", "x"), ("l", "2")])
                .to_string(),
            "3"
        );
        assert_eq!(metrics.sum("a_total", &[("k", "y, z")]).to_string(), "5");
        assert_eq!(metrics.sum("b", &[]).to_string(), "1500");
        assert_eq!(metrics.sum("a", &[]).to_string(), "0");
        assert_eq!(metrics.names(), ["a_total", "b"]);
    }

    #[test]
    fn label_values_are_unescaped() {
        let metrics = Metrics::parse("a{k=\"x, \\\"y\\\\\\nz}\",l=\"1\"} 2\n");
        let labels = [("k", "x, \"y\\\nz}"), ("l", "1")];
        assert_eq!(metrics.sum("a", &labels).to_string(), "2");
    }
}
