//! `linemill tap`: shows lines at the stages of a running host.
//!
//! In: what to show, and the events of the host. Out: text or JSON on standard output, notes on standard
//! error, and a file with tests.
//! Not here: which lines are shown, and how (`linemill::control::taps`).

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use linemill::control::taps::event::{Event, Stage};
use linemill::control::taps::recorded::Recorded;
use linemill::control::taps::selection::{Only, Sample, network};
use linemill::control::taps::{query, text};
use linemill_config::printable_json;
use linemill_config::settings::When;

use super::output::{complain, try_print};
use super::plugin::hinted;
use super::running::Running;

/// Longest event that is read, in bytes.
const LONGEST: usize = 64 << 20;

/// Show lines of a running host as they pass through filters, before and after each
///
/// Every line is shown once for each stage that it passes: what went in (-), what came out (+), and the
/// verdict: passed, replaced, dropped, split, failed, routed, closed; bypassed (the stage's condition kept it
/// from the filter), held (the filter had held it back until the stream ended) or cut (the connection
/// closes at an earlier line). Times are UTC. Lines of a canary or a shadow are marked as such.
///
/// A tap never slows a line. If it reads too slowly, lines are missed, and their number is shown. `pipe`
/// has no admin address and cannot be tapped.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  linemill tap                                   # all lines at all stages
  linemill tap web/redact --only changed         # what one filter changes
  linemill tap web --match 'user=42' --for 30s
  linemill tap web/redact --limit 100 --save tests.toml

With --json, each line of output is an event. Its `type` is `tap`, `line`, `generation`, `missed` or `end`.")]
pub(super) struct Tap {
    /// The listener, and a stage of its chains: a filter, or its position from 1 [default: all]
    #[arg(value_name = "LISTENER[/STAGE]")]
    place: Option<String>,
    #[command(flatten)]
    host: Running,
    /// Show only lines whose content matches a regular expression, before or after the stage
    #[arg(long = "match", value_name = "RE", value_parser = regular_expression)]
    matches: Option<String>,
    /// Show only lines with these verdicts, separated by commas; `changed`: all but passed and bypassed
    #[arg(long, value_name = "VERDICTS", value_parser = checked::<Only>)]
    only: Option<String>,
    /// Show only lines of clients with this IP address, or in this network
    #[arg(long, value_name = "ADDR", value_parser = peer)]
    peer: Option<String>,
    /// Look only at a share of all lines, such as 1/100
    #[arg(long, value_name = "SHARE")]
    sample: Option<Sample>,
    /// End after showing this number of lines
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// End after this time, such as 30s
    #[arg(long = "for", value_name = "TIME", value_parser = time)]
    time: Option<String>,
    /// Print events as JSON, one per line
    #[arg(long)]
    json: bool,
    /// Write what one filter did to a new file, as `test` entries for its configuration
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
}

/// What is done with events.
struct Show {
    json: bool,
    colours: bool,
    saved: Option<Saved>,
}

/// Tests for a file that exists already, and is empty.
struct Saved {
    file: File,
    path: PathBuf,
    tests: Recorded,
}

/// Whether more events are read.
enum Next {
    More,
    /// The tap has ended as it should.
    Ended,
}

impl Tap {
    pub(super) fn run(self) -> anyhow::Result<()> {
        super::block_on(self.follow())
    }

    async fn follow(self) -> anyhow::Result<()> {
        let path = format!("/tap?{}", self.query());
        let mut body = self.host.follow(&path).await?;
        let mut show = Show {
            json: self.json,
            colours: !self.json && text::colours(std::io::stdout().is_terminal()),
            saved: None,
        };
        let mut events = Events::default();
        let followed = tokio::select! {
            followed = async {
                let first = events.next(&mut body).await?;
                if let (Some(path), Event::Tap { stages, .. }) = (self.save, read(&first)?) {
                    show.saved = Some(Saved::new(path, only_stage(&stages)?)?);
                }
                let mut event = first;
                while let Next::More = show.event(&event)? {
                    event = events.next(&mut body).await?;
                }
                anyhow::Ok(())
            } => followed,
            _ = tokio::signal::ctrl_c() => Ok(()),
        };
        if let Some(saved) = show.saved {
            saved.write()?;
        }
        followed
    }

    fn query(&self) -> String {
        let place = self
            .place
            .as_deref()
            .map(|place| match place.split_once('/') {
                Some((listener, stage)) => (listener, Some(stage)),
                None => (place, None),
            });
        let parameters = [
            ("listener", place.map(|(listener, _)| listener.to_owned())),
            (
                "stage",
                place.and_then(|(_, stage)| stage.map(str::to_owned)),
            ),
            ("match", self.matches.clone()),
            ("only", self.only.clone()),
            ("peer", self.peer.clone()),
            ("sample", self.sample.map(|sample| sample.to_string())),
            ("limit", self.limit.map(|limit| limit.to_string())),
            ("for", self.time.clone()),
        ];
        let given = parameters.into_iter();
        query::encode(given.filter_map(|(name, value)| Some((name, value?))))
    }
}

impl Show {
    /// Shows an event.
    fn event(&mut self, line: &str) -> anyhow::Result<Next> {
        let event = read(line)?;
        let printed = if self.json {
            try_print(&format!("{}\n", printable_json(line)))
        } else {
            try_print(&text::event(&event, self.colours))
        };
        match printed {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(Next::Ended),
            printed => printed?,
        }
        match event {
            Event::Line(line) => {
                if let Some(saved) = &mut self.saved {
                    saved.tests.add(&line);
                }
                Ok(Next::More)
            }
            Event::End {
                reason,
                shown,
                missed,
            } => {
                if !self.json {
                    let missed = match missed {
                        0 => String::new(),
                        missed => format!(", {missed} missed"),
                    };
                    complain!("{shown} lines shown{missed}; ended: {reason}");
                }
                Ok(Next::Ended)
            }
            Event::Tap { .. } | Event::Generation { .. } | Event::Missed { .. } => Ok(Next::More),
        }
    }
}

impl Saved {
    fn new(path: PathBuf, stage: &Stage) -> anyhow::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        // It contains lines of clients.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(|error| {
            let what = format!("cannot create {}: {error}", path.display());
            hinted(&what, "name a file that does not exist yet")
        })?;
        let tests = Recorded::new(stage);
        Ok(Self { file, path, tests })
    }

    fn write(mut self) -> anyhow::Result<()> {
        self.file.write_all(self.tests.text().as_bytes())?;
        self.file.sync_all()?;
        let (path, filter) = (self.path.display(), self.tests.filter());
        let (tests, left_out) = self.tests.counts();
        let left_out = match left_out {
            0 => String::new(),
            lines => format!("; {lines} lines left out"),
        };
        complain!(
            "{tests} tests written to {path}{left_out}; `linemill check` runs them once they are in [filter.{filter}]"
        );
        Ok(())
    }
}

/// The lines of an answer, as they come.
#[derive(Default)]
struct Events {
    bytes: Vec<u8>,
    /// How many of `bytes` have been returned.
    read: usize,
    /// How many of them contain no further line feed.
    searched: usize,
}

impl Events {
    async fn next(&mut self, body: &mut Incoming) -> anyhow::Result<String> {
        loop {
            let rest = &self.bytes[self.searched..];
            if let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let end = self.searched + end;
                let line = String::from_utf8_lossy(&self.bytes[self.read..end]).into_owned();
                (self.read, self.searched) = (end + 1, end + 1);
                return Ok(line);
            }
            self.bytes.drain(..self.read);
            (self.read, self.searched) = (0, self.bytes.len());
            if self.bytes.len() > LONGEST {
                return Err(anyhow!("the host sent a line without an end"));
            }
            match body.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.bytes.extend_from_slice(&data);
                    }
                }
                _ => {
                    let hint = "see its log, or start it again";
                    return Err(hinted("the host has ended, or has ended the tap", hint));
                }
            }
        }
    }
}

fn read(line: &str) -> anyhow::Result<Event<'_>> {
    serde_json::from_str(line).map_err(|_| {
        hinted(
            "the host sent something else than an event of a tap",
            "check that this is the admin address of a linemill of this version",
        )
    })
}

/// The stage whose tests can be saved.
fn only_stage(stages: &[Stage]) -> anyhow::Result<&Stage> {
    match stages {
        [only] if only.stage.is_some() && !only.keeps_state => Ok(only),
        [only] if only.keeps_state => Err(hinted(
            "this filter keeps state: what it does with a line depends on earlier lines, so that single lines are not tests of it",
            "write a test with all lines of a stream, or leave out --save",
        )),
        [_] => Err(hinted(
            "this listener has no filter to test",
            "leave out --save",
        )),
        _ => Err(hinted(
            "--save writes tests of one filter, and this tap covers several",
            "name a stage, as LISTENER/STAGE; a filter that occurs twice has a number",
        )),
    }
}

fn checked<T: std::str::FromStr<Err = String>>(text: &str) -> Result<String, String> {
    text.parse::<T>().map(|_| text.to_owned())
}

fn regular_expression(text: &str) -> Result<String, String> {
    let parsed = When::new(text).map_err(|error| error.to_string());
    parsed.map(|_| text.to_owned())
}

fn peer(text: &str) -> Result<String, String> {
    network(text).map(|_| text.to_owned())
}

fn time(text: &str) -> Result<String, String> {
    query::time(text).map(|_| text.to_owned())
}
