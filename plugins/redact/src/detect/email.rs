//! Email addresses.
//!
//! In: a text, and an `@` in it. Out: the range of the address around it: a name, and a domain whose last label is
//! a word. The name may be in quotes, and letters outside ASCII may be anywhere.

use std::ops::Range;

/// The longest name that is looked at. RFC 5321 allows 64 bytes.
const MAX_NAME: usize = 256;
/// The longest domain that is looked at. RFC 5321 allows 255 bytes.
const MAX_DOMAIN: usize = 512;

/// Last labels of names that are not domains: `icon@2x.png`, `user@1000.service`.
const NOT_DOMAINS: [&[u8]; 17] = [
    b"png", b"jpg", b"jpeg", b"gif", b"svg", b"webp", b"css", b"js", b"json", b"tgz", b"service",
    b"socket", b"timer", b"target", b"mount", b"slice", b"scope",
];

/// Finds the address around the `@` at `at`.
pub(super) fn find(text: &[u8], at: usize) -> Option<Range<usize>> {
    let start = name(text, at)?;
    let end = domain(text, at + 1)?;
    Some(start..end)
}

/// Where the name before the `@` begins.
fn name(text: &[u8], at: usize) -> Option<usize> {
    let window = &text[at.saturating_sub(MAX_NAME)..at];
    let belongs = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'.' | b'_' | b'%' | b'+' | b'\'' | b'-' | b'!' | b'~' | 0x80..
            )
    };
    let len = window
        .iter()
        .rev()
        .take_while(|&&byte| belongs(byte))
        .count();
    // Some bytes may be part of a name, but not its first.
    let start = at - len;
    let skipped = text[start..at]
        .iter()
        .take_while(|byte| matches!(byte, b'.' | b'\'' | b'%' | b'!' | b'~' | b'-'))
        .count();
    if skipped < len {
        return Some(character(text, start + skipped));
    }
    quoted(text, at)
}

/// Where the name in quotes before the `@` begins: `"Ann Lee"@example.org`.
fn quoted(text: &[u8], at: usize) -> Option<usize> {
    let window = &text[at.saturating_sub(MAX_NAME)..at];
    let (b'"', content) = window.split_last()? else {
        return None;
    };
    let len = content
        .iter()
        .rev()
        .take_while(|&&byte| byte != b'"' && byte >= 0x20)
        .count();
    (0 < len && len < content.len()).then(|| at - 2 - len)
}

/// Where the domain that begins at `at` ends.
fn domain(text: &[u8], at: usize) -> Option<usize> {
    let rest = &text[at..text.len().min(at + MAX_DOMAIN)];
    let (mut start, mut end) = (0, None);
    loop {
        let belongs = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | 0x80..);
        let label = &rest[start..];
        let len = label.iter().take_while(|&&byte| belongs(byte)).count();
        let letters = label[..len]
            .iter()
            .take_while(|byte| byte.is_ascii_alphabetic() || **byte >= 0x80)
            .count();
        let puny = label[..len].starts_with(b"xn--");
        if start > 0
            && (letters >= 2 || puny)
            && !NOT_DOMAINS
                .iter()
                .any(|not| label[..letters].eq_ignore_ascii_case(not))
        {
            end = Some(start + if puny { len } else { letters });
        }
        if len == 0 || rest.get(start + len) != Some(&b'.') {
            break;
        }
        start += len + 1;
    }
    end.map(|end| at + end)
}

/// Where the character begins that `at` is in, if that is UTF-8.
fn character(text: &[u8], at: usize) -> usize {
    let within = text[at..]
        .iter()
        .take(3)
        .take_while(|&&byte| byte & 0xc0 == 0x80)
        .count();
    at + within
}

#[cfg(test)]
mod tests {
    use super::find;

    fn first(text: &str) -> Option<&str> {
        let at = text.find('@')?;
        find(text.as_bytes(), at).map(|range| &text[range])
    }

    #[test]
    fn addresses_are_found() {
        // RFC 5322, RFC 3696 and RFC 6531.
        for address in [
            "jane.doe+list@mail.example.co.uk",
            "a_b@c.io",
            "grüße@müller.de",
            "o'brien@x-y.org",
            "用户@例子.广告",
            "user%example.com@example.org",
            "x@xn--80ak6aa92e.com",
            "x@example.xn--p1ai",
            "1@example.com",
            "\"john doe\"@example.org",
            "customer/department=shipping@example.com",
        ] {
            let expected = address.rsplit(['/', '=']).next();
            for (before, after) in [
                ("", ""),
                ("<", ">"),
                ("to ", "."),
                ("=", ","),
                ("'", "'"),
                ("mailto:", "?x"),
            ] {
                let text = format!("{before}{address}{after}");
                assert_eq!(first(&text), expected, "{text}");
            }
        }
    }

    #[test]
    fn an_address_ends_with_a_word() {
        assert_eq!(first("a@b.com.7"), Some("a@b.com"));
        assert_eq!(first("c@d.ef-"), Some("c@d.ef"));
        assert_eq!(first("c@d.org_x"), Some("c@d.org"));
    }

    #[test]
    fn other_signs_are_not() {
        for text in [
            "user@localhost",
            "@home",
            "a@b.",
            "3 @ 4.50",
            "icon@2x.png",
            "user@1000.service",
            "lodash@4.17.21",
            "x@",
            "@",
            "Object@1a2b3c",
            "\"\"@x.org",
            "\"@x.org",
            "@x.org",
            "...@x.org",
            "a@.org",
            "a@x..org",
        ] {
            assert_eq!(first(text), None, "{text}");
        }
    }
}
