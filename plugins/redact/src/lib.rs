//! Masks personal data and secrets: addresses, numbers, tokens, values of secret keys, and what the settings
//! describe.
//!
//! In: a line. Out: the line without secrets. The work is done by: `read`, which undoes escapes and reads JSON;
//! `detect`, which finds secrets in plain text; and `action`, which replaces them.

mod about;
mod action;
mod custom;
mod detect;
mod detector;
mod found;
mod read;
mod screen;
mod settings;

use linemill_sdk::{Block, Error, Filter, Hits, Others, Output, export};
use read::{Edits, Reader};
pub use settings::Settings;

/// Masks the secrets in each line.
pub struct Redact {
    reader: Reader,
    /// The edits of the line being judged.
    edits: Edits,
    route: Option<String>,
}

impl Filter for Redact {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self, Error> {
        let route = settings.routes().then(|| settings.route.clone());
        let reader = settings.reader()?;
        Ok(Self {
            edits: reader.actions.edits(),
            reader,
            route,
        })
    }

    fn routes(&self) -> Vec<String> {
        self.route.iter().cloned().collect()
    }

    fn screen(&mut self, block: &Block, hits: &mut Hits) -> Others {
        match self.reader.screen_of_lines() {
            None => Others::Judge,
            Some(screen) => {
                screen.lines(block.bytes(), |at| hits.judge(at));
                Others::Pass
            }
        }
    }

    fn line(&mut self, line: &[u8], out: &mut Output) {
        self.reader.line(line, &mut self.edits);
        if self.edits.drop {
            return;
        }
        if let Some(route) = &self.route
            && self.edits.route
        {
            out.route(route);
        }
        let mut written = 0;
        for (range, quote, text) in self.edits.of(line) {
            out.push(&line[written..range.start]);
            if quote.is_empty() {
                out.push(text);
            } else {
                out.push(quote);
                out.push(text);
                out.push(quote);
            }
            written = range.end;
        }
        if self.edits.len() == 0 {
            out.emit(line);
        } else {
            out.emit(&line[written..]);
        }
    }
}

export!(Redact: About);

#[cfg(test)]
mod tests;
