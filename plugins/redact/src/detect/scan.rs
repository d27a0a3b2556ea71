//! Goes through a text, or through the places in it that may matter, and asks the detectors.
//!
//! In: a text. Out: the secrets in it, ascending. Not here: what a secret looks like.

use std::ops::Range;

use super::{
    Context, auth, card, digits, email, iban, ipv4, ipv6, is_word, jwt, keyed, number, tag, token,
    url,
};
use crate::detector::Detector;
use crate::found::{self, Found};

/// What a byte may be part of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Other,
    Letter,
    Digit,
    At,
    Colon,
    Equals,
    Less,
    Dash,
    Plus,
    Open,
}

const KINDS: [Kind; 256] = {
    let mut kinds = [Kind::Other; 256];
    let mut byte = 0;
    while byte < 256 {
        kinds[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' => Kind::Letter,
            b'0'..=b'9' => Kind::Digit,
            b'@' => Kind::At,
            b':' => Kind::Colon,
            b'=' => Kind::Equals,
            b'<' => Kind::Less,
            b'-' => Kind::Dash,
            b'+' => Kind::Plus,
            b'(' | b'[' | b'{' => Kind::Open,
            _ => Kind::Other,
        };
        byte += 1;
    }
    kinds
};

/// Finds the secrets in `text` and adds them to `list`, ascending and without overlaps. Returns whether there may be
/// escapes in the text.
pub(crate) fn scan(text: &[u8], context: &Context<'_>, list: &mut Vec<Found>) -> bool {
    let mut scan = Scan {
        text,
        context,
        list,
        at: 0,
        ipv6_until: 0,
        jwt_until: 0,
        jwt_tries: 0,
    };
    match context.screen {
        Some(screen) => screen.places(text, |place| scan.look(place)),
        None => {
            scan.look(0..text.len());
            true
        }
    }
}

struct Scan<'a> {
    text: &'a [u8],
    context: &'a Context<'a>,
    list: &'a mut Vec<Found>,
    /// Up to where the text has been looked at.
    at: usize,
    /// Up to where the colons have been looked at.
    ipv6_until: usize,
    /// Where the run of bytes ends in which a token has been looked for, and how often.
    jwt_until: usize,
    jwt_tries: u32,
}

impl Scan<'_> {
    /// Looks for secrets that begin in a range, or whose separator is in it.
    fn look(&mut self, range: Range<usize>) {
        let mut at = self.at.max(range.start);
        if range.start < self.at && range.len() == 1 {
            // Something else was looked for behind a flag's dashes or the start of an element.
            let consumed = self.list.last().map_or(0, |last| last.range.end);
            let next = match self.text[range.start] {
                b'<' if range.start >= consumed => self.tag(range.start),
                b'-' if range.start >= consumed => self.dash(range.start),
                _ => at,
            };
            self.at = next.max(at);
            return;
        }
        while at < range.end {
            at = match KINDS[self.text[at] as usize] {
                Kind::Other => at + 1,
                Kind::Letter => self.word(at),
                Kind::Digit => self.number(at),
                Kind::At => self.at_sign(at),
                Kind::Colon => self.colon(at),
                Kind::Equals => self
                    .keyed(at)
                    .or_else(|| self.attribute(at))
                    .unwrap_or(at + 1),
                Kind::Less => self.tag(at),
                Kind::Dash => self.dash(at),
                Kind::Plus => self.phone(at).unwrap_or(at + 1),
                Kind::Open => self.bracket(at),
            };
        }
        self.at = at;
    }

    /// Adds a secret. Returns where it ends.
    fn add(&mut self, range: Range<usize>, detector: Detector) -> usize {
        let end = range.end;
        self.add_found(Found::new(range, detector as usize));
        end
    }

    /// Adds a secret, without the rest of an escape that it may seem to begin with: in `\nbob` and `%22bob`, the name
    /// is `bob`.
    fn add_found(&mut self, mut found: Found) {
        let start = found.range.start;
        let slashes = self.text[..start]
            .iter()
            .rev()
            .take(64)
            .take_while(|&&byte| byte == b'\\')
            .count();
        if slashes % 2 == 1 {
            let rest = &self.text[start..found.range.end];
            let hex = |count: usize| {
                rest.get(1..=count)
                    .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
            };
            found.range.start += match rest.first() {
                Some(b'u') if hex(4) => 5,
                Some(b'x') if hex(2) => 3,
                Some(
                    b'n' | b'r' | b't' | b'b' | b'f' | b'v' | b'0' | b'a' | b'e' | b'u' | b'x',
                ) => 1,
                _ => 0,
            };
        } else if let [.., b'%'] = self.text[..start]
            && let [high, low, ..] = self.text[start..found.range.end]
            && high.is_ascii_hexdigit()
            && low.is_ascii_hexdigit()
        {
            found.range.start += 2;
        }
        if !found.range.is_empty() {
            found::add(self.list, found);
        }
    }

    fn has(&self, detector: Detector) -> bool {
        self.context.has(detector)
    }

    /// A letter, which may begin a word.
    fn word(&mut self, at: usize) -> usize {
        let text = self.text;
        let is_part = |byte: &u8| matches!(KINDS[*byte as usize], Kind::Letter | Kind::Digit);
        let rest = &text[at + 1..];
        let end = at
            + 1
            + rest
                .iter()
                .position(|byte| !is_part(byte))
                .unwrap_or(rest.len());
        if at > 0 && text[at - 1].is_ascii_alphanumeric() {
            return end;
        }
        let first = text[at];
        if first == b'e'
            && self.has(Detector::Jwt)
            && (text[at..end].starts_with(b"eyJ") || text[at..end].starts_with(b"ewog"))
            && let Some(range) = self.jwt(at)
        {
            return self.add(range, Detector::Jwt);
        }
        // The same letter may begin the name of a scheme, a country, and the digits of a magnetic stripe.
        if matches!(first, b'b' | b'B')
            && self.has(Detector::Bearer)
            && let Some(range) = auth::scheme_and_token(text, at)
        {
            return self.add(range, Detector::Bearer);
        }
        if first.is_ascii_uppercase()
            && self.has(Detector::Iban)
            && let Some(range) = iban::find(text, at)
        {
            return self.add(range, Detector::Iban);
        }
        if first == b's'
            && self.has(Detector::Secret)
            && let Some(range) = token::signature(text, at)
        {
            return match self.context.masked(&text[range.start..]) {
                Some(len) => range.start + len,
                None => self.add(range, Detector::Secret),
            };
        }
        if first == b'B'
            && self.has(Detector::Card)
            && let Some(range) = card::on_stripe(text, at)
        {
            return self.add(range, Detector::Card);
        }
        if self.has(Detector::Secret)
            && token::begins(text, at)
            && let Some(range) = token::find(text, at)
        {
            let amazon = text[at] == b'A' && end - at == 20;
            let next = self.add(range, Detector::Secret);
            return match token::amazon(text, next) {
                Some(secret) if amazon => self.add(secret, Detector::Secret),
                _ => next,
            };
        }
        self.mac(at).unwrap_or(end)
    }

    /// A digit, which may begin a number.
    fn number(&mut self, at: usize) -> usize {
        let text = self.text;
        let len = digits(text, at);
        if at > 0 && text[at - 1].is_ascii_alphanumeric() {
            return at + len;
        }
        if len <= 3
            && self.has(Detector::Ipv4)
            && text.get(at + len) == Some(&b'.')
            && let Some(range) = ipv4::find(text, at)
        {
            return self.add(range, Detector::Ipv4);
        }
        if text[at..].starts_with(b"1//0")
            && self.has(Detector::Secret)
            && let Some(range) = token::find(text, at)
        {
            return self.add(range, Detector::Secret);
        }
        if len >= 4
            && self.has(Detector::Card)
            && let Some(range) = card::find(text, at)
        {
            return self.add(range, Detector::Card);
        }
        if len == 3
            && self.has(Detector::Ssn)
            && let Some(range) = number::ssn(text, at)
        {
            return self.add(range, Detector::Ssn);
        }
        self.phone(at).or_else(|| self.mac(at)).unwrap_or(at + len)
    }

    /// Looks for a token at `at`. Words may follow each other with dashes between them, and to a token they are one
    /// word, so only the first few of them are tried.
    fn jwt(&mut self, at: usize) -> Option<Range<usize>> {
        if at >= self.jwt_until {
            (self.jwt_until, self.jwt_tries) = (jwt::run(self.text, at), 0);
        }
        self.jwt_tries += 1;
        if self.jwt_tries > 4 {
            None
        } else {
            jwt::find(self.text, at)
        }
    }

    fn phone(&mut self, at: usize) -> Option<usize> {
        if !self.has(Detector::Phone) {
            return None;
        }
        number::phone(self.text, at).map(|range| self.add(range, Detector::Phone))
    }

    fn mac(&mut self, at: usize) -> Option<usize> {
        if !self.has(Detector::Mac) {
            return None;
        }
        number::mac(self.text, at).map(|range| self.add(range, Detector::Mac))
    }

    fn at_sign(&mut self, at: usize) -> usize {
        if self.has(Detector::Password)
            && let Some(range) = url::source_name(self.text, at)
        {
            self.add(range, Detector::Password);
        }
        if self.has(Detector::Email)
            && let Some(range) = email::find(self.text, at)
        {
            return self.add(range, Detector::Email);
        }
        at + 1
    }

    fn colon(&mut self, at: usize) -> usize {
        if let Some(next) = self.keyed(at) {
            return next;
        }
        if self.has(Detector::Password)
            && let Some(range) = url::password(self.text, at)
        {
            if self.context.masked(&self.text[range.clone()]) == Some(range.len()) {
                return range.end;
            }
            // What follows the password is a host, not a part of an address.
            return self.add(range, Detector::Password) + 1;
        }
        if self.has(Detector::Secret)
            && let Some(range) = token::telegram(self.text, at)
        {
            return self.add(range, Detector::Secret);
        }
        if self.has(Detector::Ipv6) && at >= self.ipv6_until {
            let from = self
                .list
                .last()
                .map_or(0, |last| last.range.end)
                .max(self.ipv6_until)
                .min(at);
            let search = ipv6::find(self.text, at, from);
            self.ipv6_until = search.until;
            if let Some(range) = search.found {
                return self.add(range, Detector::Ipv6);
            }
        }
        at + 1
    }

    /// `=` or `:`, which may stand behind a secret key. Returns where to go on, if it does.
    fn keyed(&mut self, at: usize) -> Option<usize> {
        if !self.context.keys.may_end(self.text, at) {
            return None;
        }
        let (text, context) = (self.text, self.context);
        let next = keyed::pair(text, at, context, &mut |found| self.add_found(found));
        next.map(|next| next.max(at + 1))
    }

    /// `=`, which may stand before the name of a secret in quotes.
    fn attribute(&mut self, at: usize) -> Option<usize> {
        if !matches!(self.text.get(at + 1), Some(b'"' | b'\'')) {
            return None;
        }
        let (text, context) = (self.text, self.context);
        let next = tag::attribute(text, at, context, &mut |found| self.add_found(found));
        next.map(|next| next.max(at + 1))
    }

    /// A bracket, which may begin a telephone number, or a replacement of a line that was redacted before.
    fn bracket(&mut self, at: usize) -> usize {
        match self.context.masked(&self.text[at..]) {
            Some(len) => at + len,
            None => self.phone(at).unwrap_or(at + 1),
        }
    }

    /// `<`, which may begin an element, unless it is part of a replacement.
    fn tag(&mut self, at: usize) -> usize {
        if let Some(len) = self.context.masked(&self.text[at..]) {
            return at + len;
        }
        let (text, context) = (self.text, self.context);
        let next = tag::element(text, at, context, &mut |found| self.add_found(found));
        next.unwrap_or(at + 1).max(at + 1)
    }

    /// A dash, which may begin a flag or a private key.
    fn dash(&mut self, at: usize) -> usize {
        let text = self.text;
        let dashes = text[at..].iter().take_while(|&&byte| byte == b'-').count();
        if dashes == 5
            && self.has(Detector::Secret)
            && let Some(range) = token::private_key(text, at)
        {
            return self.add(range, Detector::Secret);
        }
        let begins = !text[..at]
            .last()
            .is_some_and(|&byte| is_word(byte) || byte == b'.' || byte == b':');
        if dashes == 2 && begins && self.has(Detector::Password) {
            let context = self.context;
            if let Some(next) = tag::flag(text, at, context, &mut |found| self.add_found(found)) {
                return next;
            }
        }
        at + dashes
    }
}
