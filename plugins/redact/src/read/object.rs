//! Reads JSON token by token.
//!
//! In: a range of a text that is valid JSON. Out: edits of its strings and scalars. Not here: the grammar (`json`).
//!
//! A string is a text of its own, which may be JSON again. The value of a secret key is replaced as a whole; in an
//! array or object, all values are. A scalar that is replaced becomes a string.

use std::ops::Range;

use super::decode::{Decoded, Encoding};
use super::edits::Edits;
use super::encode;
use super::json::{Token, Tokens};
use super::{MAX_LAYERS, Reader};
use crate::detect::{self, Class};
use crate::detector::{Detector, Set};
use crate::found::Found;

/// What the keys around a value say about it.
#[derive(Default)]
struct Position {
    /// In how many arrays and objects the value is.
    depth: usize,
    /// The key before the value.
    key: Range<usize>,
    class: Option<Class>,
    /// All values are secrets in the array or object at this depth.
    hidden: Option<(usize, Class)>,
    /// In `{"name": "password", "value": "x"}`: what the name says about the value, and at which depth.
    named: Option<(usize, Class)>,
    /// The next string is a name.
    is_name: bool,
}

impl Reader {
    /// Reads the JSON at `range`. `hidden` says that it is the value of a secret key.
    pub(super) fn json(
        &mut self,
        text: &[u8],
        range: Range<usize>,
        hidden: bool,
        layer: usize,
        edits: &mut Edits,
    ) {
        let json = &text[range.clone()];
        let mut custom = Vec::new();
        if let Some(search) = &mut self.custom {
            search.search(json, &mut custom);
        }
        let mut custom = custom.into_iter().peekable();
        let mut position = Position {
            hidden: hidden.then_some((0, Class::Secret)),
            ..Position::default()
        };
        for token in Tokens::new(json) {
            match token {
                Token::Open => position.open(),
                Token::Close => position.close(),
                Token::Key(key) => {
                    self.string(json, key.clone(), range.start, layer, edits, true);
                    let class = self.context().class(&json[key.clone()]);
                    position.key(json, key, class);
                }
                Token::String(content) => {
                    let class = position.value();
                    if position.is_name {
                        position.name(self.context().class(&json[content.clone()]));
                    }
                    let folder =
                        detect::is_folder(&json[position.key.clone()], &json[content.clone()]);
                    match class.filter(|_| !folder).and_then(|class| self.rule(class)) {
                        Some((detector, class)) => {
                            self.hide(json, content.clone(), detector, class, range.start, edits);
                        }
                        None => {
                            self.string(json, content.clone(), range.start, layer, edits, false)
                        }
                    }
                    if !json[content.clone()].contains(&b'\\') {
                        self.custom_in(json, content, range.start, &mut custom, edits);
                    }
                }
                Token::Scalar(scalar) => {
                    let class = position.value();
                    let first = edits.len();
                    match class.and_then(|class| self.rule(class)) {
                        Some((_, Class::Text)) if detect::is_plain(&json[scalar.clone()]) => {}
                        Some((detector, _)) => {
                            self.replace_in(
                                json,
                                Found::new(scalar.clone(), detector as usize),
                                range.start,
                                edits,
                            );
                        }
                        None => self.scalar(json, scalar.clone(), range.start, edits),
                    }
                    self.custom_in(json, scalar.clone(), range.start, &mut custom, edits);
                    edits.quote(
                        first,
                        text,
                        range.start + scalar.start..range.start + scalar.end,
                    );
                }
            }
        }
    }

    /// The detector for values of keys of this class, if it is on.
    fn rule(&self, class: Class) -> Option<(Detector, Class)> {
        let detector = match class {
            Class::Secret | Class::Text => Detector::Password,
            Class::Authorization => Detector::Bearer,
            Class::Cookie => Detector::Cookie,
        };
        self.set.has(detector).then_some((detector, class))
    }

    /// Reads the content of a string. If it is that of a key, custom patterns do not apply.
    fn string(
        &mut self,
        json: &[u8],
        content: Range<usize>,
        start: usize,
        layer: usize,
        edits: &mut Edits,
        key: bool,
    ) {
        let custom = if key { self.custom.take() } else { None };
        let part = &json[content.clone()];
        match Decoded::json(part) {
            Some(decoded) if layer < MAX_LAYERS => {
                self.layer(&decoded, part, start + content.start, layer, edits)
            }
            _ => {
                let first = edits.len();
                self.plain(json, content, layer, edits);
                edits.lead_back(first, |edit, bytes| {
                    encode::encode(bytes, &mut edit.text, Encoding::Backslash);
                    edit.range = start + edit.range.start..start + edit.range.end;
                });
            }
        }
        if key {
            self.custom = custom;
        }
    }

    /// Replaces a string that is a secret.
    fn hide(
        &mut self,
        json: &[u8],
        content: Range<usize>,
        detector: Detector,
        class: Class,
        start: usize,
        edits: &mut Edits,
    ) {
        let raw = &json[content.clone()];
        let decoded = Decoded::json(raw);
        let secret = decoded.as_ref().map_or(raw, |decoded| &decoded.text);
        let part = if class == Class::Authorization {
            detect::credentials(secret)
        } else {
            0..secret.len()
        };
        if part.is_empty() || self.context().masked(&secret[part.clone()]) == Some(part.len()) {
            return;
        }
        let range = decoded
            .as_ref()
            .map_or(part.clone(), |decoded| decoded.origin(part.clone()));
        let range = start + content.start + range.start..start + content.start + range.end;
        let first = edits.len();
        self.actions
            .replace(detector as usize, range, &secret[part], b"", edits);
        edits.lead_back(first, |edit, bytes| {
            encode::encode(bytes, &mut edit.text, Encoding::Backslash)
        });
    }

    /// Reads a number, in which only some detectors may find anything.
    fn scalar(&mut self, json: &[u8], scalar: Range<usize>, start: usize, edits: &mut Edits) {
        let part = &json[scalar.clone()];
        if part.len() < 9 {
            return;
        }
        let numbers = [Detector::Card, Detector::Phone, Detector::Ssn]
            .into_iter()
            .filter(|&detector| self.set.has(detector));
        let mut found = edits.scratch();
        let context = detect::Context {
            set: numbers.collect::<Set>(),
            ..self.context()
        };
        detect::scan(part, &context, &mut found);
        let first = edits.len();
        self.replace_all(part, start + scalar.start, &mut found, edits);
        edits.lead_back(first, |edit, bytes| {
            encode::encode(bytes, &mut edit.text, Encoding::Backslash)
        });
        edits.give_back(found);
    }

    /// Replaces what custom patterns found in the JSON as it stands, if it is inside one string or scalar.
    fn custom_in(
        &mut self,
        json: &[u8],
        token: Range<usize>,
        start: usize,
        custom: &mut std::iter::Peekable<impl Iterator<Item = Found>>,
        edits: &mut Edits,
    ) {
        while let Some(found) = custom.next_if(|found| found.range.start < token.end) {
            if token.start <= found.range.start && found.range.end <= token.end {
                self.replace_in(json, found, start, edits);
            }
        }
    }

    fn replace_in(&mut self, json: &[u8], found: Found, start: usize, edits: &mut Edits) {
        let range = start + found.range.start..start + found.range.end;
        let first = edits.len();
        self.actions
            .replace(found.rule, range, &json[found.range], b"", edits);
        edits.lead_back(first, |edit, bytes| {
            encode::encode(bytes, &mut edit.text, Encoding::Backslash)
        });
    }
}

impl Position {
    /// `{` or `[`.
    fn open(&mut self) {
        if let Some(class) = self.value()
            && self.hidden.is_none()
        {
            self.hidden = Some((self.depth, class));
        }
        self.depth += 1;
    }

    /// `}` or `]`.
    fn close(&mut self) {
        self.depth -= 1;
        if self.hidden.is_some_and(|(depth, _)| depth == self.depth) {
            self.hidden = None;
        }
        self.named = self.named.filter(|&(depth, _)| depth <= self.depth);
        self.class = None;
    }

    fn key(&mut self, json: &[u8], key: Range<usize>, class: Option<Class>) {
        let name = &json[key.clone()];
        let is_one_of = |names: [&str; 3]| {
            names
                .iter()
                .any(|one| name.eq_ignore_ascii_case(one.as_bytes()))
        };
        self.is_name = is_one_of(["name", "key", "header"]);
        self.class = class;
        if is_one_of(["value", "val", "values"])
            && let Some((depth, class)) = self.named
            && depth == self.depth
        {
            self.class = Some(class);
        }
        self.key = key;
    }

    fn name(&mut self, class: Option<Class>) {
        self.is_name = false;
        self.named = class.map(|class| (self.depth, class));
    }

    /// What is known of the value that begins now.
    fn value(&mut self) -> Option<Class> {
        let class = self.class.take();
        self.hidden.map(|(_, class)| class).or(class)
    }
}
