//! Reads JSON token by token.
//!
//! In: a range of a text that is valid JSON. Out: edits of its strings and scalars. Not here: the grammar (`json`).
//!
//! A string is a text of its own, which may be JSON again. The value of a secret key is replaced as a whole; in an
//! array or object, all values are. A scalar that is replaced becomes a string.

use std::iter::Peekable;
use std::ops::Range;

use super::decode::Decoded;
use super::edits::Edits;
use super::encode;
use super::json::{Token, Tokens};
use super::{MAX_LAYERS, Reader};
use crate::detect::{self, Class};
use crate::detector::Detector;
use crate::found::Found;

/// Keys of names, and of the values that belong to them.
const NAMES: [&str; 4] = ["name", "key", "header", "k"];
const VALUES: [&str; 4] = ["value", "val", "values", "v"];

/// How many tokens are looked at for the name behind a value.
const NEAR: usize = 12;

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
    /// The next value is that of a name.
    is_value: bool,
    /// A quote in the JSON, which may itself be encoded in the text around it.
    quote: Range<usize>,
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
        let first = edits.len();
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
                    // What applies to values alone does not apply to keys.
                    let custom = self.custom.take();
                    self.string(json, key.clone(), layer, edits);
                    self.custom = custom;
                    position.key(json, key.clone(), self.class(&json[key.clone()]));
                    if position.is_value && position.class.is_none() {
                        position.class = self.class_by_name_behind(json, key.end + 1);
                    }
                }
                Token::String(content) => {
                    self.value(json, content.clone(), &mut position, layer, edits);
                    if position.class.is_none() {
                        position.class = self.class_of_next(json, &content);
                    }
                    if !json[content.clone()].contains(&b'\\') {
                        self.custom_in(json, content, &mut custom, edits);
                    }
                }
                Token::Scalar(scalar) => {
                    let first = edits.len();
                    self.scalar(json, scalar.clone(), &mut position, edits);
                    self.custom_in(json, scalar.clone(), &mut custom, edits);
                    edits.make_string(first, json, scalar, position.quote.clone());
                }
            }
        }
        edits.lead_back(first, |edit, _| edit.shift(range.start));
    }

    /// What the value of a key in JSON is.
    fn class(&self, key: &[u8]) -> Option<Class> {
        match Decoded::json(key) {
            Some(decoded) => self.context().class(&decoded.text),
            None => self.context().class(key),
        }
    }

    /// What the name behind a value in the same object says about it: `{"value": "x", "name": "password"}`. The value
    /// begins at `at`.
    fn class_by_name_behind(&self, json: &[u8], at: usize) -> Option<Class> {
        let (mut depth, mut is_name) = (0, false);
        for token in Tokens::from(json, at).take(NEAR) {
            match token {
                Token::Open => depth += 1,
                Token::Close if depth == 0 => return None,
                Token::Close => depth -= 1,
                Token::Key(key) if depth == 0 => is_name = is_one_of(&json[key], NAMES),
                Token::String(name) if depth == 0 && is_name => return self.class(&json[name]),
                _ => {}
            }
        }
        None
    }

    /// What a string in an array says about the next one: `["--password", "x"]`, `["Cookie", "a=b"]`, and any key if
    /// the array is a pair in another array. Other arrays may be lists of names.
    fn class_of_next(&self, json: &[u8], content: &Range<usize>) -> Option<Class> {
        let before = json[..content.start - 1].trim_ascii_end();
        let (mark, outer) = before.split_last()?;
        if !matches!(mark, b'[' | b',') {
            return None;
        }
        let name = &json[content.clone()];
        let flag = name.strip_prefix(b"--");
        let class = self.class(flag.unwrap_or(name))?;
        let mut next = Tokens::from(json, content.end + 1);
        let Some(Token::String(value)) = next.next() else {
            return None;
        };
        let is_header = name.contains(&b'-') && name.len() > 3 && name[1..].contains(&b'-');
        let mut is_pair = || {
            let outer = outer.trim_ascii_end().last();
            *mark == b'[' && matches!(outer, Some(b'[' | b',')) && next.next() == Some(Token::Close)
        };
        let belongs = match (flag, class) {
            (Some(_), Class::Secret | Class::Text) => !json[value].starts_with(b"-"),
            (Some(_), _) => false,
            (None, Class::Authorization | Class::Cookie) => true,
            (None, _) => is_header || is_pair(),
        };
        belongs.then_some(class)
    }

    /// The detector for values of keys of this class, if it is on.
    fn rule(&self, class: Option<Class>) -> Option<(Detector, Class)> {
        let class = class?;
        let detector = match class {
            Class::Secret | Class::Text => Detector::Password,
            Class::Authorization => Detector::Bearer,
            Class::Cookie => Detector::Cookie,
        };
        self.set.has(detector).then_some((detector, class))
    }

    /// Reads a string that is a value.
    fn value(
        &mut self,
        json: &[u8],
        content: Range<usize>,
        position: &mut Position,
        layer: usize,
        edits: &mut Edits,
    ) {
        let class = position.value();
        if position.is_name {
            position.name(self.class(&json[content.clone()]));
        }
        position.quote = content.end..content.end + 1;
        let folder = detect::is_folder(&json[position.key.clone()], &json[content.clone()]);
        match self.rule(class).filter(|_| !folder) {
            Some((detector, class)) => self.hide(json, content, detector, class, edits),
            None if is_other(&json[position.key.clone()], &json[content.clone()]) => {}
            None => self.string(json, content, layer, edits),
        }
    }

    /// Reads the content of a string as a text of its own.
    fn string(&mut self, json: &[u8], content: Range<usize>, layer: usize, edits: &mut Edits) {
        let part = &json[content.clone()];
        self.whole = true;
        match Decoded::json(part) {
            Some(decoded) if layer < MAX_LAYERS => {
                self.layer(&decoded, part, content.start, layer, edits)
            }
            _ => {
                let first = edits.len();
                self.plain(json, content, layer, edits);
                edits.lead_back(first, encode::in_string);
            }
        }
    }

    /// Replaces a string that is a secret.
    fn hide(
        &mut self,
        json: &[u8],
        content: Range<usize>,
        detector: Detector,
        class: Class,
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
        let found = Found::new(
            content.start + range.start..content.start + range.end,
            detector as usize,
        );
        let first = edits.len();
        self.actions.replace_by(found, &secret[part], edits);
        edits.lead_back(first, encode::in_string);
    }

    /// Reads a number or literal.
    fn scalar(
        &mut self,
        json: &[u8],
        scalar: Range<usize>,
        position: &mut Position,
        edits: &mut Edits,
    ) {
        let part = &json[scalar.clone()];
        let first = edits.len();
        match self.rule(position.value()) {
            Some((_, Class::Text)) if detect::is_plain(part) => {}
            Some(_)
                if position.hidden.is_none()
                    && detect::is_switch(&json[position.key.clone()], part) => {}
            Some((detector, _)) => {
                self.actions
                    .replace(Found::new(scalar, detector as usize), json, edits)
            }
            None if detect::is_counter(&json[position.key.clone()], part.len()) => {}
            None => self.number(part, scalar.start, edits),
        }
        edits.lead_back(first, encode::in_string);
    }

    /// Reads a number, in which only some detectors may find anything.
    fn number(&mut self, part: &[u8], start: usize, edits: &mut Edits) {
        /// The length of the shortest number that may be secret.
        const LEAST: usize = 9;
        if part.len() < LEAST {
            return;
        }
        let numbers = [Detector::Card, Detector::Phone, Detector::Ssn];
        let set = numbers
            .into_iter()
            .filter(|&detector| self.set.has(detector))
            .collect();
        let mut found = edits.scratch();
        detect::scan(
            part,
            &detect::Context {
                set,
                screen: None,
                ..self.context()
            },
            &mut found,
        );
        self.replace_all(part, start, &mut found, edits);
        edits.give_back(found);
    }

    /// Replaces what custom patterns found in the JSON as it stands, if it is inside one string or scalar.
    fn custom_in(
        &mut self,
        json: &[u8],
        token: Range<usize>,
        custom: &mut Peekable<impl Iterator<Item = Found>>,
        edits: &mut Edits,
    ) {
        let first = edits.len();
        while let Some(found) = custom.next_if(|found| found.range.start < token.end) {
            if token.start <= found.range.start && found.range.end <= token.end {
                self.actions.replace(found, json, edits);
            }
        }
        edits.lead_back(first, encode::in_string);
    }
}

/// Whether a key is one of `names`, in any case.
fn is_one_of(key: &[u8], names: [&str; 4]) -> bool {
    names
        .iter()
        .any(|name| key.eq_ignore_ascii_case(name.as_bytes()))
}

/// Whether a string is a time, a counter or a version by its key.
fn is_other(key: &[u8], content: &[u8]) -> bool {
    let number = !content.is_empty() && content.iter().all(u8::is_ascii_digit);
    number && detect::is_counter(key, content.len()) || detect::is_version_of(key, content)
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
        self.is_name = is_one_of(name, NAMES);
        self.is_value = is_one_of(name, VALUES);
        self.class = class;
        if self.is_value
            && let Some((depth, class)) = self.named
            && depth == self.depth
        {
            self.class = Some(class);
        }
        self.quote = key.end..key.end + 1;
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
