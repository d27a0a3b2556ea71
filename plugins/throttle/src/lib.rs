//! Limits how many lines pass in a time, by key, over all connections.

mod about;
mod counter;
mod rate;
#[cfg(test)]
mod tests;

use std::time::Duration;

use counter::{Counter, Peer};
use linemill_sdk::store::StoreError;
use linemill_sdk::{Error, Filter, Handover, Output, Timer, export, stream};
use rate::{Limit, Rate};
use serde::Deserialize;
use thinning::{CountLine, Fields, Key};

/// Passes lines within the limit. Those beyond are dropped or take a route.
pub struct Throttle {
    counter: Counter,
    key: Option<Key>,
    /// The client is a part of the key.
    by_peer: bool,
    /// If `by_peer`: the client whose lines the call has.
    peer: Option<Peer>,
    full: Full,
    route: Option<String>,
    reports: Option<Reports>,
}

/// Says how many lines were beyond the limit. Only with this an instance keeps state.
struct Reports {
    text: CountLine,
    /// How long lines are counted for a report.
    every: Duration,
    /// The lines since the last report.
    count: u64,
    /// When the next report is due; `None` before the tick after the first of its lines.
    due: Option<Duration>,
}

/// The settings. The README describes each key.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    rate: Rate,
    burst: Option<u64>,
    key: Option<String>,
    field: Option<Fields>,
    #[serde(default)]
    peer: bool,
    #[serde(default)]
    full: Full,
    route: Option<String>,
    count_line: Option<String>,
}

/// What happens to a line whose key has no place in the store.
#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Full {
    Pass,
    #[default]
    Throttle,
}

/// The least time between two reports of a stream.
const SHORTEST_REPORT: Duration = Duration::from_secs(1);

impl Filter for Throttle {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self, Error> {
        let limit = Limit::new(&settings.rate, settings.burst)?;
        let text = settings.count_line;
        let text = text.map(|text| CountLine::new(text, false)).transpose()?;
        Ok(Self {
            counter: Counter::new(limit),
            key: Key::new(settings.key.as_deref(), settings.field.as_ref())?,
            by_peer: settings.peer,
            peer: None,
            full: settings.full,
            route: settings.route,
            reports: text.map(|text| Reports {
                text,
                every: limit.window.max(SHORTEST_REPORT),
                count: 0,
                due: None,
            }),
        })
    }

    fn keeps_state(&self) -> bool {
        self.reports.is_some()
    }

    fn routes(&self) -> Vec<String> {
        self.route.iter().cloned().collect()
    }

    fn begin(&mut self) {
        self.peer = self.by_peer.then(|| Peer::of(stream::peer()));
    }

    fn line(&mut self, line: &[u8], out: &mut Output) {
        let key = self.key.as_mut().and_then(|key| key.of(line));
        let within = match self.counter.count(self.peer, key) {
            Ok(within) => within,
            Err(StoreError::Full) => self.full == Full::Pass,
            Err(error) => return out.fail(format!("cannot count the line: {error}")),
        };
        if within {
            return out.emit(line);
        }
        if let Some(reports) = &mut self.reports {
            reports.count += 1;
        }
        if let Some(route) = &self.route {
            out.route(route);
            out.emit(line);
        }
    }

    fn finish(&mut self, out: &mut Output) {
        if let Some(reports) = &mut self.reports {
            reports.emit(out);
        }
    }
}

impl Reports {
    fn emit(&mut self, out: &mut Output) {
        if self.count > 0 {
            self.text.emit(self.count, &[], out);
        }
        (self.count, self.due) = (0, None);
    }
}

impl Timer for Throttle {
    fn tick(&mut self, now: Duration, out: &mut Output) -> Option<Duration> {
        let reports = self.reports.as_mut().filter(|reports| reports.count > 0)?;
        let every = reports.every;
        let due = *reports.due.get_or_insert_with(|| now.saturating_add(every));
        if now < due {
            return Some(due);
        }
        reports.emit(out);
        None
    }
}

/// The state consists of the lines that no report has counted yet, and when their report is due, in
/// nanoseconds; 0 if that is not known yet. Each has 8 bytes, little-endian.
impl Handover for Throttle {
    const TAG: &'static str = "throttle/1";

    fn save(&self) -> Result<Vec<u8>, Error> {
        let reports = self.reports.as_ref();
        let (count, due) = reports.map_or((0, None), |reports| (reports.count, reports.due));
        let due = due.map_or(0, |due| due.as_nanos() as u64);
        Ok([count.to_le_bytes(), due.to_le_bytes()].concat())
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), Error> {
        let ([count, due], []) = state.as_chunks::<8>() else {
            return Err(Error::new(format!(
                "the state has {} bytes, not 16",
                state.len()
            )));
        };
        let (count, due) = (u64::from_le_bytes(*count), u64::from_le_bytes(*due));
        if let Some(reports) = &mut self.reports {
            reports.count = count;
            reports.due = (due > 0).then(|| Duration::from_nanos(due));
        }
        Ok(())
    }
}

export!(Throttle: Handover, Timer, About);
