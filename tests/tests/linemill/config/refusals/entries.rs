//! Broken configurations and plugins, tried one after another on a host with a live connection. Each is
//! refused with a report that says where and what; the generation in force and the bytes that
//! connections get stay the same.
//!
//! In: the tables in `configurations` and `plugins`, and the files of `tests/golden/config`. Out: the
//! tests. Not here: refusals at the start of a host (`sandbox::plugins`, `cli::verbs`).

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use linemill_tests::{Client, Folder, Host, Outcome, PATIENCE, eventually, guest};

use super::content::{Content, put};
use super::{configurations, plugins};

/// A valid configuration with a bundled filter and one from a file.
pub(super) const VALID: &str = "[host]
admin = \"127.0.0.1:0\"
[[listener]]
name = \"test\"
bind = \"127.0.0.1:0\"
chain = [\"rot13\", \"live\"]
[filter.live]
plugin = \"./live.wasm\"
";
const PROBE: &[u8] = b"Hello, \0\xff probe\r\n";
const ANSWER: &[u8] = b"URYYB, \0\xff CEBOR\r\n";

/// Something that a host must refuse.
pub(super) struct Broken {
    /// Its name, for failure messages.
    name: String,
    /// Files to put into the host's folder, in this order: the configuration comes last.
    files: Vec<(String, Content)>,
    /// Texts that the report must contain.
    report: Vec<String>,
}

/// A host that serves while broken entries are tried.
struct Running {
    host: Host,
    /// A connection opened before the first entry.
    client: Client,
    generation: u64,
    /// Reports that lack something, collected so that one run shows all of them.
    wrong: String,
}

impl Broken {
    /// A configuration with this text.
    pub(super) fn config(name: &str, text: impl Into<Vec<u8>>, report: &[&str]) -> Self {
        Self::files(
            name,
            [("linemill.toml", Content::Bytes(text.into()))],
            report,
        )
    }

    /// These files, by name.
    pub(super) fn files<const N: usize>(
        name: &str,
        files: [(&str, Content); N],
        report: &[&str],
    ) -> Self {
        Self {
            name: name.to_owned(),
            files: files
                .map(|(name, content)| (name.to_owned(), content))
                .into(),
            report: report.iter().map(|&part| part.to_owned()).collect(),
        }
    }
}

impl Running {
    fn new() -> Self {
        let folder = Folder::new();
        folder.write("live.wasm", guest::batch("shout"));
        let host = Host::serve_in(folder, VALID);
        let mut running = Self {
            client: host.connect(),
            generation: host.generation(),
            wrong: String::new(),
            host,
        };
        running.check_answers("at the start");
        running
    }

    /// Asserts the answer on the old connection and on a new one.
    fn check_answers(&mut self, when: &str) {
        self.client.send(PROBE);
        let got = self.client.take(ANSWER.len());
        assert!(got == ANSWER, "{when}: {}", got.escape_ascii());
        let got = self.host.connect().exchange(PROBE);
        assert!(
            got == ANSWER,
            "{when}, on a new connection: {}",
            got.escape_ascii()
        );
    }

    /// Tries an entry.
    fn check_refusal(&mut self, broken: Broken) {
        let Broken {
            name,
            files,
            report: expected,
        } = broken;
        let counts = [Outcome::Refused, Outcome::Applied];
        let before = counts.map(|outcome| self.host.reloads(outcome));
        let reported = self.host.stderr().len();
        for (file, content) in files {
            put(&self.host.folder().path().join(file), content);
        }
        let outcome = self.host.reload().outcome;
        let report = || self.host.stderr().split_off(reported);
        assert_eq!(outcome, Outcome::Refused, "{name}:\n{}", report());
        let missing = || {
            expected
                .iter()
                .find(|part| !report().contains(part.as_str()))
        };
        // The report may come a little after the answer. After a first failure, do not wait long for it.
        let patience = if self.wrong.is_empty() {
            PATIENCE
        } else {
            Duration::from_secs(1)
        };
        let start = Instant::now();
        while missing().is_some() && start.elapsed() < patience {
            std::thread::sleep(Duration::from_millis(5));
        }
        if let Some(part) = missing() {
            self.wrong += &format!("{name} lacks {part:?}:\n{}\n", report());
        }
        let after = counts.map(|outcome| self.host.reloads(outcome));
        assert!(after[0] > before[0], "{name} is not counted as refused");
        assert_eq!(after[1], before[1], "{name} is counted as applied");
        assert_eq!(self.host.generation(), self.generation, "{name}");
        self.check_answers(&name);
    }

    /// Asserts that the valid configuration is still in force and that another one can be applied.
    fn check_end(mut self) {
        assert!(self.wrong.is_empty(), "{}", self.wrong);
        put(
            &self.path("live.wasm"),
            Content::Bytes(guest::batch("shout")),
        );
        put(&self.path("linemill.toml"), Content::Bytes(VALID.into()));
        assert_eq!(self.host.reload().outcome, Outcome::Unchanged);
        self.check_answers("at the end");
        let other = VALID.replace("\"rot13\", ", "");
        put(&self.path("linemill.toml"), Content::Bytes(other.into()));
        eventually("a new generation", || {
            let generation = self.host.reload().generation;
            (generation == self.generation + 1).then_some(())
        });
        self.client.send(PROBE);
        self.client.expect(b"HELLO, \0\xff PROBE\r\n");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.host.folder().path().join(name)
    }
}

/// Tries all entries on one host; there must be `at_least` this many.
fn check_all(entries: Vec<Broken>, at_least: usize) {
    assert!(entries.len() >= at_least, "{} entries", entries.len());
    let mut running = Running::new();
    for broken in entries {
        running.check_refusal(broken);
    }
    running.check_end();
}

#[test]
fn broken_plugins_change_nothing() {
    check_all(plugins::entries(), 50);
}

#[test]
fn broken_configurations_change_nothing() {
    check_all(configurations::entries(), 30);
}

/// The host's own tests check these reports word for word at the start; here they come at a reload.
#[test]
fn every_golden_report_also_comes_at_a_reload() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/config");
    let mut names: Vec<_> = fs::read_dir(folder)
        .expect("the golden files")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .collect();
    names.sort();
    let entries = names.iter().map(|path| {
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let file = format!("{}.toml", stem.expect("names are text"));
        let text = fs::read(path).expect("a configuration");
        let report = fs::read_to_string(path.with_extension("txt"))
            .expect("its report")
            .replace(&file, "linemill.toml");
        // The list of known filters depends on what is bundled.
        let lines = report.lines().map(|line| {
            let known = line.find(" known filters:").or(line.find("bundled are"));
            known.map_or(line, |known| &line[..known])
        });
        let expected: Vec<_> = lines.filter(|line| !line.trim().is_empty()).collect();
        Broken::config(&file, text, &expected)
    });
    check_all(entries.collect(), 140);
}
