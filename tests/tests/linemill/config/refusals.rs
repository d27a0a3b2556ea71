//! Broken configurations and plugins, one after the other, under a host with a live connection:
//! each is refused with a report that says where and what, the generation stays, and so does each
//! byte that a connection gets.
//!
//! [`configs`] and [`plugins`] are the tables, `tests/golden/config` is a third. Here is what must
//! hold for every entry. Not here: what a refusal at the start looks like (`plugins`, `verbs`).

mod configs;
mod place;
mod plugins;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use linemill_tests::{Client, Folder, Host, Outcome, PATIENCE, eventually, guest};

use place::{Content, put};

/// Where everything is as it should be: a bundled filter, and one from a file.
const GOOD: &str = "[host]
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

/// Something a host must not take.
struct Broken {
    /// Which it is, for people.
    name: String,
    /// What is put into the host's folder, the last first to be read.
    files: Vec<(String, Content)>,
    /// Each must be in the report.
    says: Vec<String>,
}

/// A host that serves while the entries are tried.
struct Running {
    host: Host,
    /// Connected since before the first entry.
    client: Client,
    generation: u64,
    /// Reports that are not as they should be.
    wrong: String,
}

impl Broken {
    /// A configuration of this text.
    fn config(name: &str, text: impl Into<Vec<u8>>, says: &[&str]) -> Self {
        Self::files(name, [("linemill.toml", Content::Bytes(text.into()))], says)
    }

    fn files<const N: usize>(name: &str, files: [(&str, Content); N], says: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            files: files
                .map(|(name, content)| (name.to_owned(), content))
                .into(),
            says: says.iter().map(|&part| part.to_owned()).collect(),
        }
    }
}

impl Running {
    fn new() -> Self {
        let folder = Folder::new();
        folder.write("live.wasm", guest::batch("shout"));
        let host = Host::serve_in(folder, GOOD);
        let mut running = Self {
            client: host.connect(),
            generation: host.generation(),
            wrong: String::new(),
            host,
        };
        running.answers("at the start");
        running
    }

    fn answers(&mut self, when: &str) {
        self.client.send(PROBE);
        let got = self.client.take(ANSWER.len());
        assert!(got == ANSWER, "{when}: {}", got.escape_ascii());
        let got = self.host.connect().exchange(PROBE);
        assert!(got == ANSWER, "{when}, anew: {}", got.escape_ascii());
    }

    /// Tries an entry.
    fn refuses(&mut self, broken: Broken) {
        let Broken { name, files, says } = broken;
        let counts = [Outcome::Refused, Outcome::Applied];
        let before = counts.map(|outcome| self.host.reloads(outcome));
        let said = self.host.stderr().len();
        for (file, content) in files {
            put(&self.host.folder().path().join(file), content);
        }
        let outcome = self.host.reload().outcome;
        let report = || self.host.stderr().split_off(said);
        assert_eq!(outcome, Outcome::Refused, "{name}:\n{}", report());
        let missing = || says.iter().find(|part| !report().contains(part.as_str()));
        // The report may come a little after the count. Whoever has failed waits no more.
        let patience = if self.wrong.is_empty() {
            PATIENCE
        } else {
            Duration::ZERO
        };
        let start = Instant::now();
        while missing().is_some() && start.elapsed() < patience {
            std::thread::sleep(Duration::from_millis(5));
        }
        if let Some(part) = missing() {
            self.wrong += &format!("{name} lacks {part:?}:\n{}\n", report());
        }
        let after = counts.map(|outcome| self.host.reloads(outcome));
        assert!(after[0] > before[0], "{name} counts as no refusal");
        assert_eq!(after[1], before[1], "{name} counts as applied");
        assert_eq!(self.host.generation(), self.generation, "{name}");
        self.answers(&name);
    }

    /// What runs is what was good, and the host still takes what is.
    fn goes_on(mut self) {
        assert!(self.wrong.is_empty(), "{}", self.wrong);
        put(
            &self.path("live.wasm"),
            Content::Bytes(guest::batch("shout")),
        );
        put(&self.path("linemill.toml"), Content::Bytes(GOOD.into()));
        assert_eq!(self.host.reload().outcome, Outcome::Unchanged);
        self.answers("as it was");
        let other = GOOD.replace("\"rot13\", ", "");
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

/// Tries all of them on one host.
fn refused(entries: Vec<Broken>, at_least: usize) {
    assert!(entries.len() >= at_least, "{} entries", entries.len());
    let mut running = Running::new();
    for broken in entries {
        running.refuses(broken);
    }
    running.goes_on();
}

#[test]
fn broken_plugins_leave_everything_as_it_was() {
    refused(plugins::entries(), 50);
}

#[test]
fn broken_configurations_leave_everything_as_it_was() {
    refused(configs::entries(), 30);
}

/// Those whose reports the host's own tests hold to the letter; here they come while it runs.
#[test]
fn every_golden_report_comes_at_a_reload_too() {
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
        let report = fs::read_to_string(path.with_extension("txt")).expect("its report");
        let report = report.replace(&file, "linemill.toml");
        // Which names are known depends on what is bundled.
        let lines = report.lines().map(|line| {
            let known = line.find(" known filters:").or(line.find("bundled are"));
            known.map_or(line, |known| &line[..known])
        });
        let says: Vec<_> = lines.filter(|line| !line.trim().is_empty()).collect();
        Broken::config(&file, text, &says)
    });
    refused(entries.collect(), 140);
}
