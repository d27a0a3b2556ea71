//! What the system says about the process, under the names that Prometheus defines for every process.
//!
//! In: files below `/proc`, read for each scrape. Out: the metrics `process_…`. One that the system does not
//! tell is left out; outside Linux, that is all of them.
//! Not here: what memory is held for (`linemill_budget`).

use std::fmt;
use std::fs;
use std::path::PathBuf;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::declaration::{Declaration, Kind};

/// The beginning of all names.
const PREFIX: &str = "process_";
/// Times in `/proc` are in these parts of a second, on every architecture that Rust's standard library
/// runs on (`USER_HZ`).
const TICKS: f64 = 100.0;

/// What the system says about the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessMetrics;

/// One metric: how it is declared, and how it is found.
struct Metric {
    name: &'static str,
    kind: Kind,
    unit: &'static str,
    help: &'static str,
    value: fn(&Files) -> Option<f64>,
}

const ALL: [Metric; 6] = [
    Metric {
        name: "cpu_seconds",
        kind: Kind::Counter,
        unit: "seconds",
        help: "Processor time that the process has used, in user and in system mode.",
        // Fields 14 and 15: utime and stime.
        value: |files| Some((files.stat(14)? + files.stat(15)?) / TICKS),
    },
    Metric {
        name: "start_time_seconds",
        kind: Kind::Gauge,
        unit: "seconds",
        help: "When the process started, as Unix time.",
        // Field 22: starttime, since the boot.
        value: |files| Some(files.booted()? + files.stat(22)? / TICKS),
    },
    Metric {
        name: "resident_memory_bytes",
        kind: Kind::Gauge,
        unit: "bytes",
        help: "Resident memory of the process.",
        value: |files| files.status("VmRSS:"),
    },
    Metric {
        name: "virtual_memory_bytes",
        kind: Kind::Gauge,
        unit: "bytes",
        help: "Address space of the process. Each instance of a filter reserves 4 GiB of it, without using memory.",
        value: |files| files.status("VmSize:"),
    },
    Metric {
        name: "open_fds",
        kind: Kind::Gauge,
        unit: "descriptors",
        help: "Open file descriptors.",
        value: Files::open_descriptors,
    },
    Metric {
        name: "max_fds",
        kind: Kind::Gauge,
        unit: "descriptors",
        help: "The most file descriptors that may be open.",
        value: Files::most_descriptors,
    },
];

impl ProcessMetrics {
    /// Registers the metrics.
    pub fn register(registry: &mut Registry) {
        registry.register_collector(Box::new(Self));
    }

    /// The metrics, in the order in which they are shown.
    pub fn declarations() -> Vec<Declaration> {
        let declaration = |metric: &Metric| Declaration {
            prefix: PREFIX,
            name: metric.name,
            kind: metric.kind,
            unit: metric.unit,
            labels: Vec::new(),
            help: metric.help.to_owned(),
        };
        ALL.iter().map(declaration).collect()
    }
}

impl Collector for ProcessMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let files = Files::of("/proc".into());
        for metric in &ALL {
            let Some(value) = (metric.value)(&files) else {
                continue;
            };
            let name = format!("{PREFIX}{}", metric.name);
            let help = metric.help.trim_end_matches('.');
            let shown: &dyn EncodeMetric = match metric.kind {
                Kind::Counter => &ConstCounter::new(value),
                Kind::Gauge | Kind::Histogram => &ConstGauge::new(value),
            };
            let kind = shown.metric_type();
            shown.encode(encoder.encode_descriptor(&name, help, None, kind)?)?;
        }
        Ok(())
    }
}

/// How many file descriptors of the process are open, and how many may be; `None` where the system does not
/// say.
pub fn descriptors() -> [Option<u64>; 2] {
    let files = Files::of("/proc".into());
    [files.open_descriptors(), files.most_descriptors()]
        .map(|count| count.map(|count| count as u64))
}

/// The files of the process, as they were at one time.
struct Files {
    proc: PathBuf,
    stat: String,
    status: String,
}

impl Files {
    fn of(proc: PathBuf) -> Self {
        let text = |name| fs::read_to_string(proc.join(name)).unwrap_or_default();
        Self {
            stat: text("self/stat"),
            status: text("self/status"),
            proc,
        }
    }

    /// A field of `stat`, by its number in proc(5).
    fn stat(&self, number: usize) -> Option<f64> {
        // Field 2 is the name of the program in brackets, and may contain anything.
        let (_, fields) = self.stat.rsplit_once(')')?;
        fields
            .split_ascii_whitespace()
            .nth(number - 3)?
            .parse()
            .ok()
    }

    /// A size in `status`, in bytes.
    fn status(&self, name: &str) -> Option<f64> {
        let line = self
            .status
            .lines()
            .find_map(|line| line.strip_prefix(name))?;
        let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kibibytes * 1024.0)
    }

    /// When the system was booted, as Unix time.
    fn booted(&self) -> Option<f64> {
        let text = fs::read_to_string(self.proc.join("stat")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("btime"))?;
        line.trim().parse().ok()
    }

    fn open_descriptors(&self) -> Option<f64> {
        let open = fs::read_dir(self.proc.join("self/fd")).ok()?;
        // One of them is that of the folder.
        Some(open.count().saturating_sub(1) as f64)
    }

    fn most_descriptors(&self) -> Option<f64> {
        let text = fs::read_to_string(self.proc.join("self/limits")).ok()?;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("Max open files"))?;
        // `unlimited` is not a number.
        line.split_ascii_whitespace().next()?.parse().ok()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::time::{SystemTime, UNIX_EPOCH};

    use super::*;
    use crate::Format;

    #[test]
    fn this_process_has_all_of_them() {
        let files = Files::of("/proc".into());
        let value = |name: &str| {
            let metric = ALL.iter().find(|metric| metric.name == name).expect(name);
            (metric.value)(&files).expect(name)
        };
        assert!((0.0..1e6).contains(&value("cpu_seconds")));
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("after 1970");
        let age = now.as_secs_f64() - value("start_time_seconds");
        assert!((-2.0..3600.0).contains(&age), "{age}");
        assert!(value("resident_memory_bytes") > 1e5);
        assert!(value("virtual_memory_bytes") > value("resident_memory_bytes"));
        assert!((3.0..value("max_fds")).contains(&value("open_fds")));
    }

    #[test]
    fn the_name_of_the_program_may_contain_anything() {
        let mut files = Files::of("/nowhere".into());
        files.stat = "7 (a) b) (c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 1 0 4200 1 2".to_owned();
        assert_eq!(files.stat(14), Some(150.0));
        assert_eq!(files.stat(15), Some(50.0));
        assert_eq!(files.stat(22), Some(4200.0));
    }

    #[test]
    fn what_the_system_does_not_tell_is_left_out() {
        let files = Files::of("/nowhere".into());
        assert!(ALL.iter().all(|metric| (metric.value)(&files).is_none()));
    }

    #[test]
    fn the_names_are_those_that_prometheus_defines() {
        let mut registry = Registry::default();
        ProcessMetrics::register(&mut registry);
        let text = Format::Prometheus.text(&registry).expect("text");
        for metric in ProcessMetrics::declarations() {
            let name = metric.full_name();
            assert!(text.contains(&format!("\n{name} ")), "{name}: {text}");
            assert!(
                text.contains(&format!("# TYPE {name} {}\n", metric.kind)),
                "{text}"
            );
        }
    }
}
