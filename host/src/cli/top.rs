//! `linemill top`: the live view of a running host.
//!
//! In: the options, and what the host answers at `/status`. Out: a view on the terminal (`live`), or a page or
//! JSON on standard output.
//! Not here: what the view shows, and how (`linemill::top`).

mod live;
mod signals;
mod terminal;

use std::io::{ErrorKind, IsTerminal as _};
use std::time::{Duration, SystemTime};

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use hyper::Method;
use linemill::control::admin::status::Status;
use linemill::control::taps::text::colours;
use linemill::top::model::Model;
use linemill::top::sort::Sort;
use linemill::top::view::{self, Look};
use linemill_config::settings::Address;
use linemill_config::{Keyword as _, printable_json};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::output::{in_json, problems_of, say, try_print};
use super::plugin::hinted;
use super::running::{Running, fetch};

/// Columns of a page that is not for a terminal.
const COLUMNS: u16 = 80;
/// How long the host may take to answer; longer intervals allow more.
const PATIENCE: Duration = Duration::from_secs(5);
/// Intervals that are accepted.
const SHORTEST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(60);

/// Watch a running host: what flows, how fast, and what is wrong
///
/// Shows listeners, filters, versions on trial and outputs, with lines and bytes per second, time per line,
/// p50 and p99 of calls, failures, breakers, instances and queues. What is wrong is marked with `!` and stands
/// at the top. Rates are means over the last 10 seconds. Names and numbers are those of `linemill status`.
///
/// Keys: arrows or j and k select, Enter shows details, Esc goes back, s sorts, r reverses, p pauses, w shows
/// what is wrong, g shows generations, ? explains keys and columns, q quits. If the host does not answer, the
/// last values stay, and the view goes on when it answers again.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  linemill top
  linemill top --sort latency --interval 5s
  linemill top --once                      # one page, for a file or a mail
  linemill top --json --count 60           # a minute of /status, one document per line

With --json, each line of output is the JSON of `linemill status --json`; docs/status.md describes it.
Without colours: set the environment variable NO_COLOR.")]
pub(super) struct Top {
    #[command(flatten)]
    host: Running,
    /// How often to ask the host: 200ms to 60s
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = time)]
    interval: Duration,
    /// What rows are sorted by at the start
    #[arg(long, value_name = "KEY", default_value = "wrong", value_parser = sort())]
    sort: Sort,
    /// Print one page of text, and end
    #[arg(long, conflicts_with = "count")]
    once: bool,
    /// Print the status of the host as JSON, one document per line; with --once, one document
    #[arg(long)]
    json: bool,
    /// End after this many documents
    #[arg(long, value_name = "COUNT", requires = "json", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
}

impl Top {
    pub(super) fn run(self) -> anyhow::Result<()> {
        if !self.json && !self.once {
            terminal::check()?;
        }
        super::block_on(async {
            if self.json {
                return self.documents().await;
            }
            let host = Host::new(&self.host, self.interval)?;
            let status: Status = host.ask().await?;
            let model = Model::new(status, self.interval, self.sort);
            if self.once {
                let page = view::page(&model, columns(), SystemTime::now());
                page.iter().for_each(|line| say!("{line}"));
                return Ok(());
            }
            let look = Look {
                colours: colours(std::io::stdout().is_terminal()),
            };
            live::view(host, model, self.interval, look).await
        })
    }

    /// Prints documents. If the host does not answer the first time, it is an error; later, a document says so.
    async fn documents(&self) -> anyhow::Result<()> {
        let mut left = if self.once { Some(1) } else { self.count };
        let host = in_json(Host::new(&self.host, self.interval))?;
        let mut ticks = interval(self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut first = true;
        while left != Some(0) {
            ticks.tick().await;
            let asked = host.ask::<Value>().await;
            let document = match asked {
                Err(error) if first => return in_json(Err(error)),
                Err(error) => json!({ "problems": problems_of(&error) }),
                Ok(status) => status,
            };
            first = false;
            match try_print(&format!("{}\n", printable_json(&document.to_string()))) {
                // Its reader has left.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
                printed => printed?,
            }
            left = left.map(|left| left - 1);
        }
        Ok(())
    }
}

/// The host that is asked.
struct Host {
    address: Address,
    patience: Duration,
}

impl Host {
    fn new(host: &Running, interval: Duration) -> anyhow::Result<Self> {
        Ok(Self {
            address: host.address()?,
            patience: interval.max(PATIENCE),
        })
    }

    async fn ask<T: DeserializeOwned>(&self) -> anyhow::Result<T> {
        let asked = fetch(&self.address, Method::GET, "/status");
        match timeout(self.patience, asked).await {
            Ok(answer) => answer.map(|(_, status)| status),
            Err(_) => {
                let (address, time) = (&self.address, self.patience);
                let what = format!("no answer from {address} within {time:?}");
                Err(hinted(
                    &what,
                    "see whether the process is stopped or overloaded",
                ))
            }
        }
    }
}

/// The columns of a page.
fn columns() -> usize {
    let terminal = std::io::stdout().is_terminal().then(terminal::columns);
    usize::from(terminal.flatten().unwrap_or(COLUMNS))
}

fn time(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).ok();
    let time = time.filter(|time| (SHORTEST..=LONGEST).contains(time));
    time.ok_or_else(|| "it is not a time from 200ms to 60s, such as 2s".to_owned())
}

fn sort() -> impl clap::builder::TypedValueParser<Value = Sort> {
    let keys = Sort::KEYWORDS.iter().map(|(word, _)| *word);
    PossibleValuesParser::new(keys).map(|word| {
        let found = Sort::KEYWORDS.iter().find(|(key, _)| *key == word);
        found.map_or_else(Sort::default, |(_, sort)| *sort)
    })
}
