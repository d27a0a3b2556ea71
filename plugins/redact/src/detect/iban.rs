//! International bank account numbers (ISO 13616).
//!
//! In: a text, and where a word begins. Out: the range of an account number that begins there: as long as those of
//! its country, with right check digits, in one piece or in groups of four.

use std::ops::Range;

/// The countries of the registry, and how long their numbers are.
pub(crate) const COUNTRIES: [(&[u8; 2], usize); 89] = [
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BI", 27),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DJ", 27),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FK", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HN", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MN", 20),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NI", 28),
    (b"NL", 18),
    (b"NO", 15),
    (b"OM", 23),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"RU", 33),
    (b"SA", 24),
    (b"SC", 31),
    (b"SD", 18),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"SO", 23),
    (b"ST", 25),
    (b"SV", 28),
    (b"TL", 23),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
    (b"XK", 20),
    (b"YE", 30),
];

/// Finds an account number that begins at `at`, which is the first byte of a word.
pub(super) fn find(text: &[u8], at: usize) -> Option<Range<usize>> {
    let [a, b, b'0'..=b'9', b'0'..=b'9', ..] = text[at..] else {
        return None;
    };
    if at > 0 && text[at - 1].is_ascii_alphanumeric() {
        return None;
    }
    let country = [a, b];
    let &(_, length) = COUNTRIES.iter().find(|(code, _)| **code == country)?;
    let separator = match text.get(at + 4) {
        Some(separator @ (b' ' | b'-' | b'+')) => Some(*separator),
        _ => None,
    };
    let (mut end, mut len, mut rest) = (at, 0, 0);
    // The first four characters come last, so they are added again.
    let mut head = 0;
    while len < length {
        if len > 0 && len.is_multiple_of(4) && separator.is_some() {
            if text.get(end).copied() != separator {
                return None;
            }
            end += 1;
        }
        rest = add(rest, *text.get(end)?)?;
        (end, len) = (end + 1, len + 1);
        if len == 4 {
            (head, rest) = (at, 0);
        }
    }
    for &byte in &text[head..head + 4] {
        rest = add(rest, byte)?;
    }
    let ends = !text.get(end).is_some_and(u8::is_ascii_alphanumeric);
    (ends && rest == 1).then_some(at..end)
}

/// The remainder by 97 of a number and one more character: a digit, or a letter that stands for 10 to 35.
fn add(rest: u32, byte: u8) -> Option<u32> {
    match byte {
        b'0'..=b'9' => Some((rest * 10 + u32::from(byte - b'0')) % 97),
        b'A'..=b'Z' => Some((rest * 100 + u32::from(byte - b'A') + 10) % 97),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::find;

    /// Examples of the registry.
    const EXAMPLES: [&str; 30] = [
        "AD1200012030200359100100",
        "AE070331234567890123456",
        "AT611904300234573201",
        "BE68539007547034",
        "BG80BNBG96611020345678",
        "BR1800360305000010009795493C1",
        "CH9300762011623852957",
        "CY17002001280000001200527600",
        "CZ6508000000192000145399",
        "DE89370400440532013000",
        "DK5000400440116243",
        "EE382200221020145685",
        "ES9121000418450200051332",
        "FI2112345600000785",
        "FR1420041010050500013M02606",
        "GB29NWBK60161331926819",
        "GR1601101250000000012300695",
        "HU42117730161111101800000000",
        "IE29AIBK93115212345678",
        "IS140159260076545510730339",
        "IT60X0542811101000000123456",
        "KW81CBKU0000000000001234560101",
        "LC55HEMM000100010012001200023015",
        "MT84MALT011000012345MTLCAST001S",
        "NL91ABNA0417164300",
        "NO9386011117947",
        "PL61109010140000071219812874",
        "SE4550000000058398257466",
        "TR330006100519786457841326",
        "XK051212012345678906",
    ];

    #[test]
    fn examples_of_the_registry_are_found() {
        for example in EXAMPLES {
            let text = format!("{example}, EUR");
            assert_eq!(
                find(text.as_bytes(), 0),
                Some(0..example.len()),
                "{example}"
            );
            for separator in [" ", "-"] {
                let groups: Vec<&str> = example
                    .as_bytes()
                    .chunks(4)
                    .map(|group| str::from_utf8(group).unwrap())
                    .collect();
                let grouped = groups.join(separator);
                let text = format!("to {grouped} EUR");
                assert_eq!(
                    find(text.as_bytes(), 3),
                    Some(3..3 + grouped.len()),
                    "{grouped}"
                );
            }
        }
    }

    #[test]
    fn other_words_are_not() {
        for text in [
            "DE00370400440532013000",
            "DE8937040044053201300",
            "DE893704004405320130001",
            "AB12CDEF3456GHIJ",
            "DE89 3704 0044 0532 0130 0",
            "DE89 3704-0044 0532 0130 00",
            "US89370400440532013000",
            "DE89",
            "",
            "DE89370400440532013000x",
            "de89370400440532013000",
        ] {
            assert_eq!(find(text.as_bytes(), 0), None, "{text}");
        }
        assert_eq!(find(b"xDE89370400440532013000", 1), None);
    }
}
