//! Drops a line that repeats one of the last N different lines.

mod about;
mod compare;
mod state;
#[cfg(test)]
mod tests;
mod window;

use std::time::Duration;

use compare::Compare;
use linemill_sdk::units::Time;
use linemill_sdk::{Error, Filter, Handover, Output, Timer, export};
use serde::Deserialize;
use state::Parts;
use thinning::{CountLine, Fields, shown};
use window::{Entry, Inserted, Window};

/// Remembers lines by a 128-bit hash, so that memory does not depend on their length.
pub struct Dedup {
    compare: Compare,
    window: Window,
    /// How long a line is remembered after it passed; `None` if time does not count.
    within: Option<Duration>,
    counts: Option<Counts>,
    /// The window has a seed that no author of lines can know.
    seeded: bool,
}

/// Says how many lines were dropped.
struct Counts {
    text: CountLine,
    /// By slot of the window: the first of the lines that were dropped, if the text shows it.
    lines: Vec<Vec<u8>>,
}

/// The settings. The README describes each key.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    window: Option<u64>,
    key: Option<String>,
    field: Option<Fields>,
    ignore: Vec<String>,
    within: Option<Time>,
    count_line: Option<String>,
}

/// The largest window. The README says what it takes.
const MAX_WINDOW: u64 = 50_000;
/// The largest window with times. They fit into the 1 MiB that can be handed over.
const MAX_TIMED: u64 = 40_000;
/// The largest window with counts.
const MAX_COUNTED: u64 = 1000;
/// How many lines are remembered by default.
const WINDOW: u64 = 1000;
/// For how long a line may be remembered.
const WITHIN: [Time; 2] = [
    Time(Duration::from_millis(10)),
    Time(Duration::from_secs(24 * 3600)),
];

impl Filter for Dedup {
    type Settings = Settings;
    const KEEPS_STATE: bool = true;

    fn new(settings: Settings) -> Result<Self, Error> {
        let window = window(&settings)?;
        if let Some(within) = settings.within {
            let [shortest, longest] = WITHIN;
            if !(shortest..=longest).contains(&within) {
                return Err(Error::setting(
                    "within",
                    format!(
                        "{within} is out of range; it must be between {shortest} and {longest}"
                    ),
                ));
            }
        }
        let text = settings.count_line;
        let text = text.map(|text| CountLine::new(text, true)).transpose()?;
        Ok(Self {
            compare: Compare::new(
                settings.key.as_deref(),
                settings.field.as_ref(),
                &settings.ignore,
            )?,
            window: Window::new(window),
            within: settings.within.map(|within| within.0),
            counts: text.map(|text| Counts {
                text,
                lines: Vec::new(),
            }),
            seeded: false,
        })
    }

    fn line(&mut self, line: &[u8], out: &mut Output) {
        if self.window.is_over_limit() {
            self.forget_beyond_limit(out);
        }
        let hash = self.compare.hash(line);
        match self.window.insert(hash) {
            Inserted::Known(slot, repeats) => {
                if let Some(counts) = &mut self.counts
                    && repeats == 1
                {
                    counts.keep(slot, line);
                }
            }
            Inserted::New => out.emit(line),
            Inserted::Instead(slot, entry) => {
                self.tell(slot, &entry, out);
                out.emit(line);
            }
        }
    }

    fn finish(&mut self, out: &mut Output) {
        while let Some((slot, entry)) = self.window.forget_first() {
            self.tell(slot, &entry, out);
        }
    }
}

/// Checks the number of lines to remember.
fn window(settings: &Settings) -> Result<usize, Error> {
    let counted = settings.count_line.is_some();
    let (most, with) = match settings.within {
        _ if counted => (MAX_COUNTED, " with `count_line`"),
        Some(_) => (MAX_TIMED, " with `within`"),
        None => (MAX_WINDOW, ""),
    };
    // A count without a time is that of the line before.
    let default = if counted && settings.within.is_none() {
        1
    } else {
        WINDOW
    };
    let window = settings.window.unwrap_or(default);
    if (1..=most).contains(&window) {
        Ok(window as usize)
    } else {
        Err(Error::setting(
            "window",
            format!("{window} is out of range; it must be between 1 and {most} lines{with}"),
        ))
    }
}

impl Dedup {
    /// Forgets what does not fit after the window has become smaller.
    #[cold]
    fn forget_beyond_limit(&mut self, out: &mut Output) {
        while self.window.is_over_limit()
            && let Some((slot, entry)) = self.window.forget_unseen()
        {
            self.tell(slot, &entry, out);
        }
    }

    /// Says how many lines were dropped that repeat one which is forgotten.
    fn tell(&self, slot: u32, entry: &Entry, out: &mut Output) {
        if let Some(counts) = &self.counts
            && entry.repeats > 0
        {
            counts.text.emit(entry.repeats, counts.line(slot), out);
        }
    }
}

impl Counts {
    /// Keeps a line to show it with the count of a slot.
    fn keep(&mut self, slot: u32, line: &[u8]) {
        if self.text.shows_line() {
            let slot = slot as usize;
            self.lines
                .resize_with(self.lines.len().max(slot + 1), Vec::new);
            self.lines[slot].clear();
            self.lines[slot].extend_from_slice(shown(line));
        }
    }

    fn line(&self, slot: u32) -> &[u8] {
        self.lines.get(slot as usize).map_or(&[], Vec::as_slice)
    }
}

impl Timer for Dedup {
    fn tick(&mut self, now: Duration, out: &mut Output) -> Option<Duration> {
        if !self.seeded {
            self.window.set_seed(now.as_nanos() as u64);
            self.seeded = true;
        }
        self.forget_beyond_limit(out);
        let within = self.within?;
        self.window.set_time(now);
        while let Some(since) = self.window.earliest() {
            let until = since.saturating_add(within);
            if now < until {
                return Some(until);
            }
            if let Some((slot, entry)) = self.window.forget_first() {
                self.tell(slot, &entry, out);
            }
        }
        None
    }
}

/// The state consists of the window, as far as the settings need it: see `state`. A window that has become
/// smaller forgets the lines that were not seen for longest.
impl Handover for Dedup {
    const TAG: &'static str = "dedup/2";

    fn save(&self) -> Result<Vec<u8>, Error> {
        let parts = Parts {
            times: self.within.is_some(),
            counts: self.counts.is_some(),
        };
        let line = |slot| {
            let counts = self.counts.as_ref();
            counts.map_or(&[][..], |counts| counts.line(slot))
        };
        Ok(state::save(&self.window, parts, line))
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), Error> {
        let Self { window, counts, .. } = self;
        state::restore(state, window, |slot, line| {
            if let Some(counts) = counts
                && !line.is_empty()
            {
                counts.keep(slot, line);
            }
        })
    }

    /// The first format had nothing but hashes.
    fn restore_other(&mut self, tag: &str, state: &[u8]) -> Result<(), Error> {
        if tag == "dedup/1" {
            return state::restore_hashes(state, &mut self.window);
        }
        Err(Error::new(format!(
            "the state has the format `{tag}`, but this filter reads only `{}` and `dedup/1`",
            Self::TAG
        )))
    }
}

export!(Dedup: Handover, Timer, About);
