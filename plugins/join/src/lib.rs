//! Joins lines that belong together, such as those of a stack trace, into one line.

mod about;
mod event;
mod rules;
#[cfg(test)]
mod tests;

use std::time::Duration;

use event::{Event, Form};
use linemill_sdk::units::{Size, Time};
use linemill_sdk::{Error, Filter, Handover, Output, Timer, export};
use rules::{Place, Preset, Rules, Texts};
use serde::Deserialize;

/// Holds the lines of an event back until it is over, and emits them as one line.
pub struct Join {
    rules: Rules,
    form: Form,
    event: Event,
}

/// The settings. The README describes each key.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    start: Option<String>,
    r#continue: Option<String>,
    end: Option<String>,
    preset: Option<Preset>,
    separator: String,
    max_lines: u64,
    max_bytes: Size,
    flush: Time,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            start: None,
            r#continue: None,
            end: None,
            preset: None,
            separator: r"\n".to_owned(),
            max_lines: 500,
            max_bytes: Size(64 << 10),
            flush: Time(Duration::from_secs(1)),
        }
    }
}

/// The most lines of an event.
const MAX_LINES: u32 = 100_000;
/// The most bytes of an event. It can be handed over within 1 MiB.
const MAX_BYTES: Size = Size(960 << 10);
/// The longest separator, in bytes.
const MAX_SEPARATOR: usize = 64;
/// The longest time for which an event is held back.
const MAX_FLUSH: Time = Time(Duration::from_secs(24 * 3600));

impl Filter for Join {
    type Settings = Settings;
    const KEEPS_STATE: bool = true;

    fn new(settings: Settings) -> Result<Self, Error> {
        let form = form(&settings)?;
        let texts = Texts {
            start: settings.start,
            r#continue: settings.r#continue,
            end: settings.end,
        };
        let any = texts.start.is_some() || texts.r#continue.is_some() || texts.end.is_some();
        let texts = match settings.preset {
            None if !any => {
                return Err(Error::new(
                    "`start`, `continue`, `end` or `preset`: one of them is needed to tell which lines belong \
                     together, such as continue = '^\\s'",
                ));
            }
            None => texts,
            Some(_) if any => {
                return Err(Error::setting(
                    "preset",
                    "it stands for patterns of its own; remove it, or `start`, `continue` and `end`",
                ));
            }
            Some(preset) => preset.texts(),
        };
        Ok(Self {
            rules: Rules::new(texts)?,
            form,
            event: Event::default(),
        })
    }

    fn line(&mut self, line: &[u8], out: &mut Output) {
        let step = self.rules.place(line, self.event.is_under_way());
        if step.place != Place::Inside {
            self.event.end(out);
        }
        if step.place == Place::Outside {
            out.emit(line);
        } else {
            self.event.add(line, &self.form, out);
        }
        if step.ends {
            self.event.end(out);
        }
    }

    fn finish(&mut self, out: &mut Output) {
        self.event.end(out);
    }
}

/// Checks the settings that are not patterns.
fn form(settings: &Settings) -> Result<Form, Error> {
    let Settings {
        separator,
        max_lines,
        max_bytes,
        flush,
        ..
    } = settings;
    if separator.contains(['\n', '\r', '\0']) {
        return Err(Error::setting(
            "separator",
            "it contains a character that may end a line (line feed, carriage return or NUL); \
             use '\\n', a backslash and an `n`, or a blank",
        ));
    }
    if separator.len() > MAX_SEPARATOR {
        return Err(Error::setting(
            "separator",
            format!(
                "it has {} bytes; at most {MAX_SEPARATOR} are allowed",
                separator.len()
            ),
        ));
    }
    let lines = u32::try_from(*max_lines).ok();
    let Some(max_lines) = lines.filter(|lines| (1..=MAX_LINES).contains(lines)) else {
        return Err(Error::setting(
            "max_lines",
            format!("{max_lines} is out of range; it must be between 1 and {MAX_LINES} lines"),
        ));
    };
    if !(Size(1)..=MAX_BYTES).contains(max_bytes) {
        return Err(Error::setting(
            "max_bytes",
            format!("{max_bytes} is out of range; it must be between 1B and {MAX_BYTES}"),
        ));
    }
    if *flush > MAX_FLUSH {
        return Err(Error::setting(
            "flush",
            format!("{flush} is too long; at most {MAX_FLUSH} is allowed, and \"0s\" turns it off"),
        ));
    }
    Ok(Form {
        separator: separator.clone().into_bytes(),
        max_lines,
        max_bytes: max_bytes.0 as usize,
        flush: flush.0,
    })
}

impl Timer for Join {
    fn tick(&mut self, now: Duration, out: &mut Output) -> Option<Duration> {
        self.event.tick(now, &self.form, out)
    }
}

/// The state consists of the lines that are held back, and since when. They keep the separators that they
/// have; all other settings apply at once.
impl Handover for Join {
    const TAG: &'static str = "join/1";

    fn save(&self) -> Result<Vec<u8>, Error> {
        Ok(self.event.save())
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), Error> {
        self.event = Event::restore(state)?;
        Ok(())
    }
}

export!(Join: Handover, Timer, About);
