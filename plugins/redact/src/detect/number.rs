//! Telephone numbers, social security numbers and MAC addresses. These detectors are off by default: such numbers
//! look too much like others.
//!
//! In: a text, and where a number may begin. Out: its range.

use std::ops::Range;

use super::{digits, is_word};

/// Finds a MAC address that begins at `at`: six pairs with `:` or `-`, or three groups of four with dots.
pub(super) fn mac(text: &[u8], at: usize) -> Option<Range<usize>> {
    if at > 0 && is_word(text[at - 1]) {
        return None;
    }
    let len = text[at..]
        .iter()
        .take(5)
        .take_while(|byte| byte.is_ascii_hexdigit())
        .count();
    let separator = *text.get(at + len)?;
    let groups = match (len, separator) {
        (2, b':' | b'-') => 6,
        (4, b'.') => 3,
        _ => return None,
    };
    let end = at + groups * (len + 1) - 1;
    let mut parts = text.get(at..end)?.chunks(len + 1);
    let valid = parts.all(|part| {
        part[..len].iter().all(u8::is_ascii_hexdigit)
            && part.get(len).is_none_or(|&byte| byte == separator)
    });
    let continues = match text[end..] {
        [next, after, ..] if next == separator => after.is_ascii_hexdigit(),
        [next, ..] => is_word(next),
        [] => false,
    };
    let within = at > 0 && text[at - 1] == separator && at > 1 && text[at - 2].is_ascii_hexdigit();
    (valid && !continues && !within).then_some(at..end)
}

/// Finds a social security number of the United States that begins at `at`: `123-45-6789`, also with blanks.
pub(super) fn ssn(text: &[u8], at: usize) -> Option<Range<usize>> {
    let number = text.get(at..at + 11)?;
    let separator = number[3];
    let groups = digits(number, 0) == 3 && digits(number, 4) == 2 && digits(number, 7) == 4;
    let valid = groups
        && matches!(separator, b'-' | b' ')
        && number[6] == separator
        && !matches!(
            number[..3],
            [b'9', ..] | [b'0', b'0', b'0'] | [b'6', b'6', b'6']
        )
        && number[4..6] != *b"00"
        && number[7..] != *b"0000";
    (valid && is_alone(text, at..at + 11)).then_some(at..at + 11)
}

/// Finds a telephone number that begins at `at`, which is a digit, `+` or `(`: an international number of 8 to 15
/// digits after `+`, or a number of ten digits in groups as in North America.
pub(super) fn phone(text: &[u8], at: usize) -> Option<Range<usize>> {
    let (mut end, mut count, mut last) = (at, 0, at);
    let plus = text.get(at) == Some(&b'+');
    if plus {
        end += 1;
        if !matches!(text.get(end), Some(b'1'..=b'9')) {
            return None;
        }
    }
    let mut groups = [0; 8];
    let mut used = 0;
    while used < groups.len() {
        let open = usize::from(text.get(end) == Some(&b'('));
        let len = digits(text, end + open);
        if len == 0 {
            break;
        }
        end += open + len;
        if open == 1 {
            if text.get(end) != Some(&b')') {
                break;
            }
            end += 1;
        }
        (count, last) = (count + len, end);
        groups[used] = len;
        used += 1;
        if text.get(end..end + 2) == Some(b") ") {
            end += 2;
        } else if matches!(text.get(end), Some(b' ' | b'-' | b'.')) {
            end += 1;
        } else if text.get(end) != Some(&b'(') && open == 0 {
            break;
        }
    }
    let valid = match groups[..used] {
        _ if plus => (8..=15).contains(&count),
        [3, 3, 4] | [1, 3, 3, 4] => true,
        _ => false,
    };
    (valid && is_alone(text, at..last)).then_some(at..last)
}

/// Whether the number is not part of a longer word or number.
fn is_alone(text: &[u8], range: Range<usize>) -> bool {
    let before = match text[..range.start] {
        [.., number, b'-' | b'.'] => number.is_ascii_digit(),
        [.., byte] => is_word(byte),
        [] => false,
    };
    let after = match text[range.end..] {
        [b'-' | b'.', number, ..] => number.is_ascii_digit(),
        [byte, ..] => is_word(byte),
        [] => false,
    };
    !before && !after
}

#[cfg(test)]
mod tests {
    use super::{mac, phone, ssn};

    #[test]
    fn mac_addresses() {
        for address in ["00:1b:44:11:3a:b7", "00-1B-44-11-3A-B7", "001b.4411.3ab7"] {
            for (before, after) in [("", ""), ("(", ")"), ("mac=", ",")] {
                let text = format!("{before}{address}{after}");
                let expected = before.len()..before.len() + address.len();
                assert_eq!(mac(text.as_bytes(), before.len()), Some(expected), "{text}");
            }
        }
        for text in [
            "00:1b:44:11:3a",
            "00:1b:44:11:3a:b7:c8",
            "00:1b-44:11:3a:b7",
            "001b.4411.3ab7.1234",
            "00:1b:44:11:3a:bx",
            "",
        ] {
            assert_eq!(mac(text.as_bytes(), 0), None, "{text}");
        }
        assert_eq!(mac(b"ff:00:1b:44:11:3a:b7", 3), None);
    }

    #[test]
    fn social_security_numbers() {
        // The first is that of an advertisement in 1938.
        for number in ["078-05-1120", "219-09-9999", "123 45 6789"] {
            assert_eq!(
                ssn(format!("{number}, x").as_bytes(), 0),
                Some(0..11),
                "{number}"
            );
        }
        for text in [
            "000-12-3456",
            "666-12-3456",
            "900-12-3456",
            "123-00-4567",
            "123-45-0000",
            "123-45 6789",
            "123-45-67890",
            "123-45-6789-1",
            "123",
        ] {
            assert_eq!(ssn(text.as_bytes(), 0), None, "{text}");
        }
        assert_eq!(ssn(b"1-123-45-6789", 2), None);
    }

    #[test]
    fn telephone_numbers() {
        for number in [
            "+14155550132",
            "+44 20 7946 0958",
            "+49 (30) 901820",
            "+1 (415) 555-0132",
            "(415) 555-0132",
            "415-555-0132",
            "415.555.0132",
            "1-415-555-0132",
            "+33 1 99 00 12 34",
        ] {
            for after in ["", ", x", ")", " ext"] {
                let text = format!("{number}{after}");
                assert_eq!(phone(text.as_bytes(), 0), Some(0..number.len()), "{text}");
            }
        }
        for text in [
            "4155550132",
            "+0123456789",
            "+1234567",
            "2026-11-23",
            "10.0.0.1",
            "415-555-01322",
            "1 2 3",
            "+",
            "(",
        ] {
            assert_eq!(phone(text.as_bytes(), 0), None, "{text}");
        }
    }
}
