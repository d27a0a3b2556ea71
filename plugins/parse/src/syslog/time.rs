//! The times in syslog lines.
//!
//! In: text. Out: how much of its beginning is a time. Not here: what time it is. A time stays as it is
//! written, since a line often tells neither its year nor its zone.

const MONTHS: [&[u8]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// Reads from the front of a text.
#[derive(Clone, Copy)]
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// Names of zones. Any other name could be that of the host, unless a year or a colon follows it.
const ZONES: [&[u8]; 46] = [
    b"UTC", b"GMT", b"UCT", b"Z", b"WET", b"WEST", b"BST", b"IST", b"CET", b"CEST", b"MET",
    b"MEST", b"EET", b"EEST", b"MSK", b"TRT", b"SAST", b"EAT", b"WAT", b"CAT", b"PKT", b"NPT",
    b"WIB", b"WITA", b"WIT", b"SGT", b"HKT", b"PHT", b"KST", b"JST", b"AWST", b"ACST", b"ACDT",
    b"AEST", b"AEDT", b"NZST", b"NZDT", b"EST", b"EDT", b"CST", b"CDT", b"MST", b"MDT", b"PST",
    b"PDT", b"HST",
];

/// The length of a time such as `Oct 11 22:14:15`. It may have a fraction, a zone, and a year in front, before the
/// time of day or at the end, as in `Oct 11 2024 22:14:15.123 +02:00` and `Aug 24 05:34:00 CST 1987`.
pub(super) fn bsd(text: &str) -> Option<usize> {
    let mut from = Reader::new(text);
    if let Some(mut after) = from.after_year()
        && after.accept(b' ')
    {
        from = after;
    }
    let month = from.take(3)?;
    if !MONTHS.contains(&month) || !from.accept(b' ') {
        return None;
    }
    from.accept(b' ');
    from.number(1..=2, 1..=31)?;
    if !from.accept(b' ') {
        return None;
    }
    if let Some(after) = from.after_year()
        && after.peek() == Some(b' ')
    {
        from = after;
        from.accept(b' ');
    }
    from.time_of_day()?;
    from.fraction(9);
    let zoned = from.after_zone();
    let mut with_year = zoned.unwrap_or_else(|| from.after_word());
    if with_year.accept(b' ')
        && let Some(end) = with_year.after_year()
        && matches!(end.peek(), Some(b' ' | b':'))
    {
        // The zone may follow the year.
        let last = if zoned.is_none() {
            end.after_zone()
        } else {
            None
        };
        return Some(last.unwrap_or(end).at);
    }
    let word = from.after_word();
    let word = (word.at > from.at && word.peek() == Some(b':')).then_some(word);
    Some(zoned.or(word).unwrap_or(from).at)
}

/// The end of the zone that follows a time of which `end` bytes have been read; `end` if there is none.
pub(super) fn with_zone(text: &str, end: usize) -> usize {
    let from = Reader {
        bytes: text.as_bytes(),
        at: end,
    };
    from.after_zone().map_or(end, |after| after.at)
}

/// The length of a time such as `2003-10-11T22:14:15.003Z`, with up to `digits` digits of a second. `strict`
/// demands a zone with a colon, as RFC 5424 does.
pub(super) fn iso(text: &str, digits: usize, strict: bool) -> Option<usize> {
    let mut from = Reader::new(text);
    from.number(4..=4, 0..=9999)?;
    for range in [1..=12, 1..=31] {
        if !from.accept(b'-') {
            return None;
        }
        from.number(2..=2, range)?;
    }
    if !from.accept(b'T') {
        return None;
    }
    from.time_of_day()?;
    if !from.fraction(digits) && from.peek() == Some(b'.') {
        return None;
    }
    if from.accept(b'Z') {
        return Some(from.at);
    }
    let without_zone = from.at;
    if !(from.accept(b'+') || from.accept(b'-')) {
        return (!strict).then_some(without_zone);
    }
    from.number(2..=2, 0..=23)?;
    if !from.accept(b':') && strict {
        return None;
    }
    from.number(2..=2, 0..=59)?;
    Some(from.at)
}

// === impl Reader ===

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            bytes: text.as_bytes(),
            at: 0,
        }
    }

    fn peek(self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.at..self.at + length)?;
        self.at += length;
        Some(taken)
    }

    fn accept(&mut self, byte: u8) -> bool {
        let accepted = self.peek() == Some(byte);
        self.at += usize::from(accepted);
        accepted
    }

    /// How many of the next bytes, at most `most`, pass a test.
    fn count(self, most: usize, test: fn(&u8) -> bool) -> usize {
        self.bytes[self.at..]
            .iter()
            .take(most)
            .take_while(|byte| test(byte))
            .count()
    }

    /// A number of so many digits, in a range.
    fn number(
        &mut self,
        digits: std::ops::RangeInclusive<usize>,
        range: std::ops::RangeInclusive<u32>,
    ) -> Option<u32> {
        let count = self.count(*digits.end(), u8::is_ascii_digit);
        let number = self.take(count)?;
        let number = number
            .iter()
            .fold(0, |all, digit| 10 * all + u32::from(digit - b'0'));
        (digits.contains(&count) && range.contains(&number)).then_some(number)
    }

    fn time_of_day(&mut self) -> Option<()> {
        self.number(2..=2, 0..=23)?;
        self.accept(b':').then_some(())?;
        self.number(2..=2, 0..=59)?;
        self.accept(b':').then_some(())?;
        // 60 is a leap second.
        self.number(2..=2, 0..=60)?;
        Some(())
    }

    /// A fraction of a second. Returns false, without reading, if there is none of so few digits.
    fn fraction(&mut self, most: usize) -> bool {
        let mut after = *self;
        if !after.accept(b'.') {
            return false;
        }
        let digits = after.count(most + 1, u8::is_ascii_digit);
        let fits = (1..=most).contains(&digits);
        if fits {
            self.at = after.at + digits;
        }
        fits
    }

    /// What follows a year of this century or the last one, if there is one.
    fn after_year(self) -> Option<Self> {
        let mut after = self;
        after.number(4..=4, 1900..=2099)?;
        Some(after)
    }

    /// What follows a zone, if there is one: a name or a distance from UTC, with or without a blank before it.
    fn after_zone(self) -> Option<Self> {
        let mut from = self;
        let blank = from.accept(b' ');
        let mut after = from;
        if after.accept(b'+') || after.accept(b'-') {
            after.number(2..=2, 0..=23)?;
            if after.accept(b':') || after.count(1, u8::is_ascii_digit) > 0 {
                after.number(2..=2, 0..=59)?;
            }
        } else {
            let length = after.count(5, u8::is_ascii_uppercase);
            let name = after.take(length)?;
            let distance = matches!(name, b"UTC" | b"GMT" | b"TZ");
            if distance && (after.accept(b'+') || after.accept(b'-')) {
                after.number(1..=2, 0..=23)?;
            } else if !(ZONES.contains(&name) && (blank || name == b"Z")) {
                return None;
            }
        }
        matches!(after.peek(), None | Some(b' ' | b':')).then_some(after)
    }

    /// What follows a blank and a word that could be the name of a zone; without one, the reader itself.
    fn after_word(self) -> Self {
        let mut after = self;
        if after.accept(b' ') {
            let letters = after.count(6, u8::is_ascii_uppercase);
            after.at += letters;
            if (2..=5).contains(&letters) {
                return after;
            }
        }
        self
    }
}
