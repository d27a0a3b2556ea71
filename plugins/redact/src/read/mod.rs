//! Reads a line in all ways in which a program may read it, and collects what is to be replaced.
//!
//! In: a line. Out: edits of the line, ascending, without overlaps. Not here: detectors (`detect`), and what
//! replaces a secret (`action`).
//!
//! A text is read as it stands, and again without one layer of escapes, as long as there are any. JSON in a text
//! is read token by token: strings are texts of their own, and nothing but strings and scalars is ever replaced,
//! so that JSON stays JSON. What is found in a decoded text is replaced in the text that it came from, encoded as
//! that is. Each layer takes linear time, and there are a few layers at most.
//!
//! The control sequences of terminals, such as those of colours, are taken for blanks in all layers.

mod decode;
mod edits;
mod encode;
mod json;
mod object;
mod region;

use std::ops::Range;

use crate::action::Actions;
use crate::custom::Custom;
use crate::detect::{self, Context, Keys, Masks};
use crate::detector::Set;
use crate::found::Found;
use crate::screen::Screen;

pub(crate) use decode::Decoded;
pub(crate) use edits::Edits;

/// The most layers of encoding that are undone.
const MAX_LAYERS: usize = 6;

/// Finds what is to be replaced in lines.
pub(crate) struct Reader {
    pub(crate) set: Set,
    pub(crate) keys: Keys,
    pub(crate) masks: Masks,
    pub(crate) custom: Option<Custom>,
    pub(crate) actions: Actions,
    pub(crate) nesting: json::Nesting,
    /// `None` if all bytes are to be looked at.
    screen: Option<Screen>,
    /// The text to be read next is all of a string in JSON.
    pub(crate) whole: bool,
}

impl Reader {
    /// A reader for these detectors, custom patterns and actions.
    pub(crate) fn new(set: Set, keys: Keys, custom: Option<Custom>, actions: Actions) -> Self {
        let masks = actions.masks();
        // Names from the settings may be anything.
        let screen = if keys.has_own() {
            None
        } else {
            Screen::new(set)
        };
        Self {
            set,
            keys,
            masks,
            custom,
            actions,
            nesting: json::Nesting::default(),
            screen,
            whole: false,
        }
    }

    /// What finds the lines of a block in which something may be replaced. Custom patterns may match any line.
    pub(crate) fn screen_of_lines(&self) -> Option<&Screen> {
        self.screen.as_ref().filter(|_| self.custom.is_none())
    }

    /// Finds what is to be replaced in `line`.
    pub(crate) fn line(&mut self, line: &[u8], edits: &mut Edits) {
        edits.clear();
        match Decoded::colours(line) {
            None => self.text(line, 0, edits),
            Some(plain) => {
                self.text(&plain.text, 0, edits);
                edits.lead_back(0, |edit, _| {
                    for range in [&mut edit.range, &mut edit.quote] {
                        *range = plain.origin(range.clone());
                    }
                });
            }
        }
        edits.merge();
    }

    /// Reads a text that may have JSON in it.
    fn text(&mut self, text: &[u8], layer: usize, edits: &mut Edits) {
        let mut regions = region::Regions::new(text);
        let mut read = 0;
        while let Some(region) = regions.next(text, &mut self.nesting) {
            self.whole = false;
            let before = read..region.start;
            // In `token = {"a": "b"}`, the object is the value of a key before it.
            let hidden = detect::ends_with_key(&text[before.clone()], &self.context());
            self.plain(text, before, layer, edits);
            read = region.end;
            self.json(text, region, hidden, layer, edits);
        }
        self.plain(text, read..text.len(), layer, edits);
    }

    /// Reads a part of a text that is not JSON.
    fn plain(&mut self, text: &[u8], range: Range<usize>, layer: usize, edits: &mut Edits) {
        let part = &text[range.clone()];
        if part.is_empty() {
            self.whole = false;
            return;
        }
        let mut found = edits.scratch();
        let escapes = detect::scan(part, &self.context(), &mut found);
        self.whole = false;
        self.replace_all(part, range.start, &mut found, edits);
        if let Some(custom) = &mut self.custom {
            custom.search(part, &mut found);
            self.replace_all(part, range.start, &mut found, edits);
        }
        edits.give_back(found);
        if escapes {
            self.decoded(part, range.start, layer, edits);
        }
    }

    /// Reads a part of a text, which begins at `start` in it, without one layer of escapes.
    fn decoded(&mut self, part: &[u8], start: usize, layer: usize, edits: &mut Edits) {
        if layer == MAX_LAYERS {
            return;
        }
        if let Some(decoded) = Decoded::of(part) {
            self.layer(&decoded, part, start, layer, edits);
        }
    }

    /// Reads a decoded text, which is that of `part`.
    fn layer(
        &mut self,
        decoded: &Decoded,
        part: &[u8],
        start: usize,
        layer: usize,
        edits: &mut Edits,
    ) {
        let first = edits.len();
        self.text(&decoded.text, layer + 1, edits);
        edits.lead_back(first, |edit, bytes| {
            let encoding = decoded.encoding(part, edit.range.start);
            encode::encode(bytes, &mut edit.text, encoding);
            edit.layers += 1;
            for range in [&mut edit.range, &mut edit.quote] {
                *range = decoded.origin(range.clone());
            }
            edit.shift(start);
        });
    }

    /// Replaces the secrets that were found in `part`, which begins at `start` in its text.
    fn replace_all(
        &mut self,
        part: &[u8],
        start: usize,
        found: &mut Vec<Found>,
        edits: &mut Edits,
    ) {
        let first = edits.len();
        edits.reserve(found.len());
        for found in found.drain(..) {
            self.actions.replace(found, part, edits);
        }
        edits.lead_back(first, |edit, _| edit.shift(start));
    }

    fn context(&self) -> Context<'_> {
        Context {
            set: self.set,
            keys: &self.keys,
            masks: &self.masks,
            screen: self.screen.as_ref(),
            whole: self.whole,
        }
    }
}
