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

/// The length of a time such as `Oct 11 22:14:15`. It may have a fraction, a year before or after the time of
/// day, and a zone, as in `Oct 11 2024 22:14:15.123` and `Aug 24 05:34:00 CST 1987`.
pub(super) fn bsd(text: &str) -> Option<usize> {
    let mut from = Reader::new(text);
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
    let mut after = from;
    after.zone_name();
    let mut with_year = after;
    if with_year.accept(b' ')
        && let Some(end) = with_year.after_year()
        && matches!(end.peek(), Some(b' ' | b':'))
    {
        return Some(end.at);
    }
    // A name alone could be that of the host, unless a colon ends the time, as on Cisco devices.
    let zone_ends = after.at > from.at && after.peek() == Some(b':');
    Some(if zone_ends { after.at } else { from.at })
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

    /// Reads the name of a zone, if there is one.
    fn zone_name(&mut self) {
        let mut after = *self;
        if after.accept(b' ') {
            let letters = after.count(6, u8::is_ascii_uppercase);
            after.at += letters;
            if (2..=5).contains(&letters) {
                *self = after;
            }
        }
    }
}
