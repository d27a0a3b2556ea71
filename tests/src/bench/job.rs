//! Real filters and real logs: those of `examples/`, with the settings that are used there.
//!
//! In: the name of a job. Out: linemill's configuration, and the same filters' code called natively,
//! which yields the expected answer. Not here: sockets, rounds.

use std::str::FromStr;

use filter_grep::Grep;
use filter_json::Json;
use filter_redact::Redact;
use linemill_sdk::Filter;
use linemill_sdk::testing::Instance;
use serde_json::{Value, json};

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Job {
    /// Removes health checks and debug lines.
    Grep,
    /// Removes personal data.
    Redact,
    /// Both, as in `examples/redact-logs`.
    GrepRedact,
    /// Removes fields that differ in every event, as in `examples/ndjson`.
    Json,
}

/// A filter's code: takes lines with their LF, and returns those that it lets through.
type Stage = Box<dyn FnMut(Vec<u8>, Vec<u32>) -> Vec<u8> + Send>;

/// A chain of filters that run natively.
pub(crate) struct Natively(Vec<Stage>);

impl Job {
    /// All jobs.
    pub(crate) const ALL: [Self; 4] = [Self::Grep, Self::Redact, Self::GrepRedact, Self::Json];

    /// The filters of its chain.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Grep => "grep",
            Self::Redact => "redact",
            Self::GrepRedact => "grep,redact",
            Self::Json => "json",
        }
    }

    /// The name of the file with its lines.
    pub(crate) fn file(self) -> &'static str {
        match self {
            Self::Json => "events.ndjson",
            _ => "service.log",
        }
    }

    /// The contents of that file.
    pub(crate) fn log(self) -> &'static [u8] {
        match self {
            Self::Json => include_bytes!("../../../examples/ndjson/events.ndjson"),
            _ => include_bytes!("../../../examples/redact-logs/service.log"),
        }
    }

    /// linemill's configuration: one listener, on any port. Lines that fail are dropped.
    pub(crate) fn config(self) -> anyhow::Result<String> {
        let filters = self.name().split(',');
        let chain: Vec<_> = filters.clone().collect();
        let filter = |name: &str| {
            let filter = json!({ "plugin": name, "settings": settings(name), "on_error": "drop" });
            (name.to_owned(), filter)
        };
        let filters: serde_json::Map<_, _> = filters.map(filter).collect();
        let listener = json!({ "name": "bench", "bind": "127.0.0.1:0", "chain": chain });
        Ok(toml::to_string(
            &json!({ "listener": [listener], "filter": filters }),
        )?)
    }

    /// The same filters, natively.
    pub(crate) fn natively(self) -> anyhow::Result<Natively> {
        let stages = self.name().split(',').map(|name| {
            let settings = settings(name);
            match name {
                "grep" => stage::<Grep>(&settings),
                "redact" => stage::<Redact>(&settings),
                _ => stage::<Json>(&settings),
            }
        });
        Ok(Natively(stages.collect::<Result<_, _>>()?))
    }
}

/// The filters' settings in the examples.
fn settings(filter: &str) -> Value {
    match filter {
        "grep" => json!({ "drop": [" DEBUG ", "GET /healthz "] }),
        "redact" => json!({ "custom": { "customer": r"\bC-[0-9]{6}\b" } }),
        _ => json!({ "remove": ["ts", "seq", "user"], "rename": { "level": "severity" } }),
    }
}

fn stage<F: Filter + Send + 'static>(settings: &Value) -> anyhow::Result<Stage> {
    let refused = |error| anyhow::anyhow!("settings {settings}: {error}");
    let mut instance = Instance::<F>::new(settings).map_err(refused)?;
    Ok(Box::new(move |bytes, spans| {
        let mut output = Vec::with_capacity(bytes.len());
        instance.call(bytes, spans, |line| {
            output.extend_from_slice(line);
            output.push(b'\n');
        });
        output
    }))
}

impl Natively {
    /// Filters complete lines, each ended by LF, of at most 4 GiB in total.
    pub(crate) fn filter(&mut self, lines: Vec<u8>) -> Vec<u8> {
        self.0.iter_mut().fold(lines, |lines, stage| {
            let spans = spans(&lines);
            stage(lines, spans)
        })
    }
}

/// Start and end of each line, without its LF.
fn spans(lines: &[u8]) -> Vec<u32> {
    let mut start = 0;
    let mut spans = Vec::new();
    for end in memchr::memchr_iter(b'\n', lines) {
        spans.extend([start, end as u32]);
        start = end as u32 + 1;
    }
    spans
}

impl FromStr for Job {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let job = Self::ALL.into_iter().find(|job| job.name() == name);
        job.ok_or_else(|| {
            format!(
                "unknown job {name:?}\nhint: use one of {:?}",
                Self::ALL.map(Self::name)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Job, spans};

    fn natively(job: Job) -> Vec<u8> {
        let mut filters = job.natively().expect("settings are right");
        filters.filter(job.log().to_vec())
    }

    #[test]
    fn native_results_equal_those_of_the_examples() {
        let expected = include_bytes!("../../../examples/redact-logs/expected.log");
        assert_eq!(natively(Job::GrepRedact), expected);
        // The example also runs `dedup`, which this chain lacks.
        let slim = String::from_utf8(natively(Job::Json)).expect("it is JSON");
        let expected = include_str!("../../../examples/ndjson/expected.ndjson");
        assert_eq!(slim.lines().count(), 14);
        assert!(
            expected
                .lines()
                .all(|line| slim.lines().any(|made| made == line))
        );
    }

    #[test]
    fn every_job_has_a_name_and_a_configuration() {
        for job in Job::ALL {
            assert_eq!(job.name().parse(), Ok(job));
            let config = job.config().expect("it is TOML");
            let filters = job.name().split(',');
            for filter in filters {
                assert!(config.contains(&format!("[filter.{filter}")), "{config}");
            }
        }
        assert!("sed".parse::<Job>().is_err());
    }

    #[test]
    fn spans_leave_terminators_out() {
        assert_eq!(spans(b"ab\n\nc\n"), [0, 2, 3, 3, 4, 5]);
        assert_eq!(spans(b""), [0_u32; 0]);
    }
}
