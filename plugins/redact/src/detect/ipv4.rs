//! IPv4 addresses.
//!
//! In: a text, and where a run of digits begins. Out: the range of an address that begins there. Not here:
//! addresses at the end of IPv6 addresses.
//!
//! Versions of four parts look the same. They are told apart by what is around them.

use std::ops::Range;

use super::{digits, ends_with_word};

/// Finds an address that begins at `at`, which is the first digit of a run.
pub(super) fn find(text: &[u8], at: usize) -> Option<Range<usize>> {
    let end = quad(text, at)?;
    let within = match text[..at] {
        [.., before, b'.'] => before.is_ascii_digit(),
        [.., before] => before.is_ascii_alphanumeric(),
        [] => false,
    };
    let continues = match text[end..] {
        [b'.', next, ..] => next.is_ascii_digit(),
        [next, ..] => next.is_ascii_alphanumeric(),
        [] => false,
    };
    (!within && !continues && !is_version(text, at..end)).then_some(at..end)
}

/// Where four numbers of at most 255, with dots between them, end. A leading zero is accepted in three digits.
pub(super) fn quad(text: &[u8], at: usize) -> Option<usize> {
    let mut end = at;
    for part in 0..4 {
        if part > 0 {
            if text.get(end) != Some(&b'.') {
                return None;
            }
            end += 1;
        }
        let len = digits(text, end);
        let valid = matches!(
            text[end..end + len],
            [_] | [b'1'..=b'9', _]
                | [b'0' | b'1', _, _]
                | [b'2', b'0'..=b'4', _]
                | [b'2', b'5', b'0'..=b'5']
        );
        if !valid {
            return None;
        }
        end += len;
    }
    Some(end)
}

/// Words after which a version stands.
const VERSIONS: [&[u8]; 7] = [
    b"version",
    b"versions",
    b"ver",
    b"release",
    b"rev",
    b"revision",
    b"build",
];

/// Programs whose name and version stand in user agents.
const PRODUCTS: [&[u8]; 12] = [
    b"chrome",
    b"chromium",
    b"edge",
    b"edg",
    b"opr",
    b"opera",
    b"safari",
    b"version",
    b"crios",
    b"fxios",
    b"firefox",
    b"headlesschrome",
];

/// Whether `value` has the form of an address but is a version by its key: `"appVersion": "1.2.3.4"`.
pub(crate) fn is_version_of(key: &[u8], value: &[u8]) -> bool {
    let len = b"version".len();
    let end = key.len().checked_sub(len).map(|start| &key[start..]);
    let is_key = end.is_some_and(|end| end.eq_ignore_ascii_case(b"version"))
        || ends_with_word(key, &VERSIONS);
    is_key && quad(value, 0) == Some(value.len())
}

/// Whether the numbers are a version: `version 1.2.3.4`, `Chrome/1.2.3.4` or `name-1.2.3.4.jar`.
fn is_version(text: &[u8], range: Range<usize>) -> bool {
    let before = &text[..range.start];
    match before {
        [.., b'/'] => ends_with_word(&before[..before.len() - 1], &PRODUCTS),
        [.., letter, b'-'] if letter.is_ascii_alphanumeric() => {
            const FILES: [&[u8]; 8] = [
                b".jar", b".war", b".zip", b".tar", b".tgz", b".whl", b".deb", b".rpm",
            ];
            FILES.iter().any(|file| text[range.end..].starts_with(file))
        }
        [.., b'.', b'j', b'a', b'r', b':'] => true,
        [.., b' ' | b'=' | b':' | b'"' | b'\''] => {
            let marks = before.iter().rev().take(4);
            let count = marks
                .take_while(|byte| matches!(byte, b' ' | b'=' | b':' | b'"' | b'\''))
                .count();
            ends_with_word(&before[..before.len() - count], &VERSIONS)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn addresses_are_found() {
        for (text, address) in [
            ("1.2.3.4", "1.2.3.4"),
            ("255.255.255.255,", "255.255.255.255"),
            ("10.0.0.1:8080", "10.0.0.1"),
            ("8.8.8.8.", "8.8.8.8"),
            ("192.168.001.010", "192.168.001.010"),
            ("10.0.0.0/8", "10.0.0.0"),
            ("10.0.0.1-10", "10.0.0.1"),
        ] {
            assert_eq!(find(text.as_bytes(), 0), Some(0..address.len()), "{text}");
            for before in [
                "(",
                "/",
                "=",
                "client ",
                "x:",
                "host/",
                "ü",
                "-",
                "\"ip\":\"",
                "a.",
            ] {
                let text = format!("{before}{text}");
                let expected = before.len()..before.len() + address.len();
                assert_eq!(
                    find(text.as_bytes(), before.len()),
                    Some(expected),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn versions_and_other_numbers_are_not() {
        for text in [
            "1.2.3",
            "1.2.3.4.5",
            "300.1.1.1",
            "1.2.3.256",
            "1.2.3.4x",
            "01.2.3.4",
            "1..2.3",
            "1.2.3.",
        ] {
            assert_eq!(find(text.as_bytes(), 0), None, "{text}");
        }
        for (before, after) in [
            ("v", ""),
            ("1.", ""),
            ("version ", ""),
            ("Version: ", ""),
            ("\"version\":\"", "\""),
            ("release=", ""),
            ("Chrome/", " Safari"),
            ("commons-io-", ".jar"),
            ("io.jar:", "]"),
        ] {
            let text = format!("{before}1.2.3.4{after}");
            assert_eq!(find(text.as_bytes(), before.len()), None, "{text}");
        }
        assert!(find(b"conversion 1.2.3.4", 11).is_some());
    }
}
