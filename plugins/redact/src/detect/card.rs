//! Payment card numbers.
//!
//! In: a text, and where a run of digits begins. Out: the range of a card number that begins there.
//!
//! Three checks keep other numbers out: the number begins as those of an issuer do, at a length that the issuer
//! has (ISO/IEC 7812); if it is grouped, then as on a card and with one kind of separator; and its check digit is
//! right (Luhn). What follows a number does not matter unless it continues it: dates, security codes and amounts
//! may be next to a card number.

use std::ops::Range;

use super::{digits, is_word};

/// The first six digits of an issuer's numbers, from and to, and how many digits they have: bit N for N digits.
const ISSUERS: [(u32, u32, u32); 29] = [
    (220_000, 220_599, of(&[16, 17, 18, 19])), // Mir, BORICA
    (222_100, 272_099, of(&[16])),             // Mastercard
    (300_000, 305_999, of(&[14, 16, 17, 18, 19])), // Diners Club
    (309_500, 309_599, of(&[14, 16, 17, 18, 19])), // Diners Club
    (340_000, 349_999, of(&[15])),             // American Express
    (352_800, 358_999, of(&[16, 17, 18, 19])), // JCB
    (360_000, 369_999, of(&[14, 16, 17, 18, 19])), // Diners Club
    (370_000, 379_999, of(&[15])),             // American Express
    (380_000, 399_999, of(&[14, 16, 17, 18, 19])), // Diners Club
    (400_000, 499_999, of(&[13, 16, 19])),     // Visa
    (500_000, 505_999, of(&[16, 18, 19])),     // Maestro, Dankort, Elo
    (506_000, 506_999, of(&[16, 18, 19])),     // Elo, Verve
    (507_000, 509_999, of(&[16, 18, 19])),     // RuPay, Elo, Verve
    (510_000, 559_999, of(&[16])),             // Mastercard
    (560_000, 589_999, of(&[16, 18, 19])),     // Maestro
    (600_000, 601_099, of(&[16])),             // RuPay
    (601_100, 601_199, of(&[16, 17, 18, 19])), // Discover
    (601_200, 609_999, of(&[16])),             // RuPay, Hipercard
    (620_000, 629_999, of(&[16, 17, 18, 19])), // UnionPay
    (630_000, 633_999, of(&[16, 18, 19])),     // Maestro, Solo
    (636_000, 636_999, of(&[16, 18, 19])),     // Elo, Maestro
    (637_000, 639_999, of(&[16, 18, 19])),     // InstaPayment, Maestro
    (644_000, 649_999, of(&[16, 17, 18, 19])), // Discover
    (650_000, 659_999, of(&[16, 17, 18, 19])), // Discover, Troy, RuPay, Verve
    (670_000, 679_999, of(&[16, 18, 19])),     // Maestro, Bancontact, Laser
    (810_000, 829_999, of(&[16, 17, 18, 19])), // UnionPay, RuPay
    (860_000, 860_099, of(&[16])),             // Uzcard
    (979_200, 979_299, of(&[16])),             // Troy
    (986_000, 986_099, of(&[16])),             // Humo
];

const fn of(lengths: &[u32]) -> u32 {
    let (mut bits, mut index) = (0, 0);
    while index < lengths.len() {
        bits |= 1 << lengths[index];
        index += 1;
    }
    bits
}

/// The groups that card numbers are written in, longest first.
const GROUPINGS: [&[usize]; 10] = [
    &[4, 4, 4, 4, 3],
    &[6, 13],
    &[4, 4, 4, 4, 2],
    &[4, 4, 4, 4],
    &[8, 8],
    &[4, 6, 5],
    &[4, 6, 4],
    &[4, 4, 4, 2],
    &[4, 4, 5],
    &[4, 3, 3, 3],
];

/// The longest number.
const MAX: usize = 19;

/// Finds a card number that begins at `at`, which is the first digit of a run.
pub(super) fn find(text: &[u8], at: usize) -> Option<Range<usize>> {
    if !may_begin(text, at) {
        return None;
    }
    let run = digits(text, at);
    let mut number = [0; MAX];
    if run >= 13 {
        // A fraction such as 0.4242424242424242.
        let fraction = at >= 2 && text[at - 1] == b'.' && text[at - 2].is_ascii_digit();
        let number = number.get_mut(..run)?;
        number.copy_from_slice(&text[at..at + run]);
        let valid = !fraction
            && ends(text, at + run)
            && is_card(number)
            && !is_counter(key_before(text, at), run);
        return valid.then_some(at..at + run);
    }
    if !matches!(run, 4 | 6 | 8) {
        return None;
    }
    let separator = separator(&text[at + run..])?;
    let mut groups = Groups::new(run);
    let mut end = at + run;
    while groups.count < groups.lens.len() && text[end..].starts_with(separator) {
        let len = digits(text, end + separator.len());
        // Most often it is a date.
        if !matches!(len, 2..=6 | 8 | 13) {
            break;
        }
        end += separator.len() + len;
        groups.push(len);
    }
    let mut groupings = GROUPINGS
        .iter()
        .filter(|grouping| groups.begin_with(grouping));
    groupings.find_map(|grouping| {
        let (mut end, mut len) = (at, 0);
        for &group in *grouping {
            end += if len == 0 { 0 } else { separator.len() };
            number[len..len + group].copy_from_slice(&text[end..end + group]);
            (end, len) = (end + group, len + group);
        }
        let valid = ends(text, end) && is_card(&number[..len]);
        (valid && !in_hex_dump(text, at..end, separator)).then_some(at..end)
    })
}

/// The number on the first track of a magnetic stripe, `%B4111111111111111^DOE/JOHN^2712`, whose `B` is at `at`.
pub(super) fn on_stripe(text: &[u8], at: usize) -> Option<Range<usize>> {
    let run = digits(text, at + 1);
    let number = text.get(at + 1..at + 1 + run)?;
    let on_track = at > 0 && text[at - 1] == b'%' && text.get(at + 1 + run) == Some(&b'^');
    (on_track && run <= MAX && is_card(number)).then_some(at + 1..at + 1 + run)
}

/// How many digits the groups of a number have.
struct Groups {
    lens: [usize; 5],
    count: usize,
}

impl Groups {
    fn new(first: usize) -> Self {
        Self {
            lens: [first, 0, 0, 0, 0],
            count: 1,
        }
    }

    fn push(&mut self, len: usize) {
        self.lens[self.count] = len;
        self.count += 1;
    }

    fn begin_with(&self, grouping: &[usize]) -> bool {
        self.count >= grouping.len() && self.lens.iter().zip(grouping).all(|(a, b)| a == b)
    }
}

/// Whether a number may begin here: not within a word, and not as a negative number such as a block's.
fn may_begin(text: &[u8], at: usize) -> bool {
    match text[..at] {
        [.., before, b'-'] => before != b'_' && !matches!(before, b'=' | b':'),
        // Blocks of HDFS, and numbers whose name says that they are a time or counter.
        [.., b'_'] => {
            let window = &text[at.saturating_sub(48)..at - 1];
            let len = window
                .iter()
                .rev()
                .take_while(|&&byte| is_word(byte))
                .count();
            let name = &window[window.len() - len..];
            !name.ends_with(b"blk") && !is_counter(name, digits(text, at))
        }
        // After a percent sign, the first digits encode a character.
        [.., before] => !before.is_ascii_alphanumeric() && before != b'%',
        [] => true,
    }
}

/// Whether a number may end here.
fn ends(text: &[u8], end: usize) -> bool {
    !text.get(end).is_some_and(u8::is_ascii_alphanumeric)
}

/// The separator that `text` begins with: a character that is written between the groups of a card number.
fn separator(text: &[u8]) -> Option<&[u8]> {
    match text {
        [b' ' | b'-' | b'.' | b'+', ..] => Some(&text[..1]),
        [0xc2, 0xa0, ..] => Some(&text[..2]),
        _ => None,
    }
}

/// Last words of the keys of times, durations, sizes and counters.
const COUNTERS: [&[u8]; 40] = [
    b"bytes",
    b"checksum",
    b"count",
    b"counter",
    b"crc",
    b"date",
    b"duration",
    b"elapsed",
    b"epoch",
    b"exp",
    b"free",
    b"hash",
    b"iat",
    b"latency",
    b"len",
    b"length",
    b"memory",
    b"micros",
    b"millis",
    b"ms",
    b"nanos",
    b"nbf",
    b"ns",
    b"nsec",
    b"offset",
    b"sec",
    b"seconds",
    b"seed",
    b"seq",
    b"sequence",
    b"size",
    b"time",
    b"timestamp",
    b"took",
    b"total",
    b"ts",
    b"uptime",
    b"us",
    b"usec",
    b"used",
];

/// Whether a number of `len` digits under this key is something else: a time or a counter, or an identifier at a
/// length that few cards have.
pub(crate) fn is_counter(key: &[u8], len: usize) -> bool {
    let upper = key
        .iter()
        .rposition(u8::is_ascii_uppercase)
        .filter(|&at| at > 0 && key[at - 1].is_ascii_lowercase());
    let mark = key
        .iter()
        .rposition(|byte| !byte.is_ascii_alphanumeric())
        .map(|at| at + 1);
    let word = &key[upper.max(mark).unwrap_or(0)..];
    let is = |name: &[u8]| word.eq_ignore_ascii_case(name);
    // Identifiers of traces and their spans have 16 hexadecimal digits or more, which may all be decimal.
    let has = |name: &[u8]| {
        key.windows(name.len())
            .any(|part| part.eq_ignore_ascii_case(name))
    };
    if has(b"trace") || has(b"span") {
        return true;
    }
    COUNTERS.iter().any(|name| is(name)) || !(14..=16).contains(&len) && (is(b"id") || is(b"uid"))
}

/// The key whose value begins at `at`: `total=`, `"total": `; empty if there is none.
fn key_before(text: &[u8], at: usize) -> &[u8] {
    let marks = |byte: &u8| matches!(byte, b'=' | b':' | b' ' | b'"' | b'\'' | b'\\' | b'>');
    let before = &text[at.saturating_sub(48)..at];
    let count = before
        .iter()
        .rev()
        .take(8)
        .take_while(|byte| marks(byte))
        .count();
    let (before, between) = before.split_at(before.len() - count);
    if !between.iter().any(|byte| matches!(byte, b'=' | b':')) {
        return b"";
    }
    let len = before
        .iter()
        .rev()
        .take_while(|&&byte| is_word(byte) || matches!(byte, b'-' | b'.'))
        .count();
    &before[before.len() - len..]
}

/// Whether groups of four hexadecimal digits, some with letters, are around the number.
fn in_hex_dump(text: &[u8], range: Range<usize>, separator: &[u8]) -> bool {
    let step = 4 + separator.len();
    let is_group = |group: &[u8]| group.iter().all(u8::is_ascii_hexdigit);
    let has_letter = |group: &[u8]| group.iter().any(u8::is_ascii_alphabetic);
    let (mut groups, mut letters) = (0, 0);
    let mut count = |group: &[u8]| {
        groups += 1;
        letters += usize::from(has_letter(group));
    };
    for part in text[range.end..].chunks_exact(step).take(4) {
        if !part.starts_with(separator) || !is_group(&part[separator.len()..]) {
            break;
        }
        count(&part[separator.len()..]);
    }
    for part in text[..range.start].rchunks_exact(step).take(4) {
        if !part.ends_with(separator) || !is_group(&part[..4]) {
            break;
        }
        count(&part[..4]);
    }
    groups >= 2 && letters >= 1
}

/// Whether the digits are the number of a card.
fn is_card(number: &[u8]) -> bool {
    let prefix = number
        .iter()
        .take(6)
        .fold(0, |prefix, digit| prefix * 10 + u32::from(digit - b'0'));
    let issued = ISSUERS.iter().any(|&(from, to, lengths)| {
        (from..=to).contains(&prefix) && lengths >> number.len() & 1 == 1
    });
    issued && luhn(number)
}

/// Whether the check digit is right.
fn luhn(number: &[u8]) -> bool {
    let sum: u32 = number
        .iter()
        .rev()
        .enumerate()
        .map(|(index, digit)| {
            let digit = u32::from(digit - b'0') << (index % 2);
            if digit > 9 { digit - 9 } else { digit }
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::find;

    fn all(text: &str) -> Vec<&str> {
        let starts = |at: &usize| {
            let bytes = text.as_bytes();
            bytes[*at].is_ascii_digit() && (*at == 0 || !bytes[at - 1].is_ascii_digit())
        };
        let found = (0..text.len())
            .filter(starts)
            .filter_map(|at| find(text.as_bytes(), at));
        found.map(|range| &text[range]).collect()
    }

    #[test]
    fn published_test_numbers_are_found() {
        // Those of PayPal, Stripe and Adyen.
        for number in [
            "378282246310005",
            "371449635398431",
            "378734493671000",
            "5610591081018250",
            "30569309025904",
            "38520000023237",
            "6011111111111117",
            "6011000990139424",
            "3530111333300000",
            "3566002020360505",
            "5555555555554444",
            "5105105105105100",
            "4111111111111111",
            "4012888888881881",
            "4222222222222",
            "5019717010103742",
            "6331101999990016",
            "4242424242424242",
            "4000056655665556",
            "2223003122003222",
            "5200828282828210",
            "6011981111111113",
            "3056930009020004",
            "36227206271667",
            "6555900000604105",
            "6200000000000005",
            "6205500000000000004",
            "6703444444444449",
            "6771798021000008",
            "5066991111111118",
            "6062828888666688",
            "36006666333344",
            "6445644564456445",
            "2222400070000005",
            "6799990100000000019",
            "6759649826438453",
            "5500000000000004",
            "2200000000000004",
        ] {
            assert_eq!(all(number), [number]);
            assert_eq!(all(&format!("pan={number} 07/29 CVV 123")), [number]);
            if number.len() == 16 {
                for separator in [" ", "-", ".", "+", "\u{a0}"] {
                    let groups: Vec<&str> = [0, 4, 8, 12]
                        .iter()
                        .map(|&at| &number[at..at + 4])
                        .collect();
                    let grouped = groups.join(separator);
                    assert_eq!(all(&format!("1234 {grouped}-5")), [grouped.as_str()]);
                }
            }
        }
        assert_eq!(all("3782 822463 10005"), ["3782 822463 10005"]);
        assert_eq!(all("3056-930902-5904"), ["3056-930902-5904"]);
        assert_eq!(all("6205 5000 0000 0000 004"), ["6205 5000 0000 0000 004"]);
    }

    #[test]
    fn what_follows_does_not_matter() {
        let number = "4111111111111111";
        for text in [
            "4111111111111111 12",
            "4111111111111111-5",
            "4111111111111111/0729",
            "4111111111111111.00",
        ] {
            assert_eq!(all(text), [number], "{text}");
        }
        assert_eq!(all("4111 1111 1111 1111 0729"), ["4111 1111 1111 1111"]);
        assert_eq!(
            all("user_id=4111111111111111 total: x 4222222222222"),
            ["4111111111111111", "4222222222222"]
        );
    }

    #[test]
    fn other_numbers_are_not() {
        for text in [
            "4111111111111112", // the check digit is wrong
            "1700000000000",
            "1700000000000000",
            "081109 204453 34",
            "41111111111111111",   // Visa has no numbers of 17 digits
            "5500000000004",       // Mastercard none of 13
            "4111 1111-1111 1111", // two kinds of separators
            "411 1111 1111 11111",
            "4111  1111  1111  1111",
            "blk_4111111111111111",
            "blk_-4111111111111111",
            "=-4111111111111111",
            "x4111111111111111",
            "4111111111111111a",
            "0.4242424242424242",
            "0000000000000000",
            "total=4921330953574",
            "took: 4111111111111111",
            "\"endTime\" : 4111111111111111",
            "user_id=4921330953574",
            "spanId=4111111111111111",
            "00000000: a1b2 4111 1111 1111 1111 c3d4",
        ] {
            assert_eq!(all(text), [""; 0], "{text}");
        }
    }
}
