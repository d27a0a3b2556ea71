//! IPv6 addresses, in all forms of RFC 4291.
//!
//! In: a text, and a colon in it. Out: the range of an address that the colon is in, and how far the text has been
//! looked at. Ports, zones, lengths of prefixes and brackets stay.
//!
//! A colon may also be around an address: `ip:2001:db8::1`, `2001:db8::3: x`, or, as Java writes it,
//! `/2001:db8:0:0:0:0:0:1:41835`. Times, paths such as `std::vec`, MAC addresses and fingerprints have colons, too.

use std::ops::Range;

use memchr::memmem;

use super::{ipv4, is_word};

/// The longest address, with room for what may be around it.
const MAX: usize = 80;

/// The result of a search: an address, and where the run of its bytes ends.
pub(super) struct Search {
    pub(super) found: Option<Range<usize>>,
    pub(super) until: usize,
}

/// Looks for an address in the run of hexadecimal digits, colons and dots around the colon at `colon`. The run
/// does not reach back beyond `from`.
pub(super) fn find(text: &[u8], colon: usize, from: usize) -> Search {
    let belongs = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    // The colon need not be the first of its run.
    let precedes = |byte: &u8| byte.is_ascii_hexdigit() || *byte == b':';
    let before = text[from..colon]
        .iter()
        .rev()
        .take(MAX)
        .take_while(|byte| precedes(byte))
        .count();
    let mut run = colon - before
        ..colon
            + text[colon..]
                .iter()
                .take_while(|byte| belongs(byte))
                .count();
    let until = run.end;
    let nothing = Search { found: None, until };
    let (mut colons, mut gap) = (0, false);
    for (index, &byte) in text[run.clone()].iter().enumerate() {
        if byte == b':' {
            colons += 1;
            gap |= text.get(run.start + index + 1) == Some(&b':');
        }
    }
    // Most often it is a time.
    if run.len() > MAX || !gap && colons < 6 {
        return nothing;
    }
    while run.end > colon && text[run.end - 1] == b'.' {
        run.end -= 1;
    }
    if text.get(run.end).is_some_and(|&byte| is_word(byte)) {
        // The last group is part of a word. What stands before it may still be an address: `2001:db8::1:x`.
        match text[run.clone()].iter().rposition(|&byte| byte == b':') {
            Some(last) if !text[run.start..run.start + last].ends_with(b":") => {
                run.end = run.start + last
            }
            _ => return nothing,
        }
    }
    // A group that is part of a word is a key, as is one that ends in a colon of its own.
    let mut start = run.start;
    if start > 0 && is_word(text[start - 1]) {
        match text[run.clone()].iter().position(|&byte| byte == b':') {
            Some(first)
                if text.get(start + first + 1) != Some(&b':')
                    || text.get(start + first + 2) == Some(&b':') =>
            {
                start += first + 1;
            }
            _ => return nothing,
        }
    }
    let before = text[..start].last();
    // Any address, and a port: `:::22`.
    let any =
        text[start..run.end].starts_with(b":::") && before.is_none_or(u8::is_ascii_whitespace);
    // Every second element of an array: `list[1::2]`.
    let slice = matches!(text[..start], [.., name, b'['] if is_word(name))
        && text.get(run.end) == Some(&b']')
        && !text[start..run.end].iter().any(u8::is_ascii_alphabetic);
    if any || slice {
        return nothing;
    }
    let found = address(&text[start..run.end]).map(|range| start + range.start..start + range.end);
    Search { found, until }
}

/// The address in a run: the first that begins at a group.
fn address(run: &[u8]) -> Option<Range<usize>> {
    let gap = memmem::find(run, b"::");
    let groups = run
        .split(|&byte| byte == b':')
        .filter(|group| !group.is_empty())
        .count();
    let gaps = gap.is_some_and(|gap| memmem::find(&run[gap + 2..], b"::").is_some());
    if looks_like_hardware(run) || gaps || groups > 9 {
        return None;
    }
    let mut start = 0;
    if gap.is_none() && groups == 9 {
        // The first group is a key, or the last is a port. Addresses begin with a digit or with `f`.
        let first = run
            .iter()
            .take_while(|byte| byte.is_ascii_alphabetic())
            .count();
        let is_key = run.get(first) == Some(&b':') && !matches!(run[0], b'f' | b'F');
        start = if is_key { first + 1 } else { 0 };
    }
    // A key, or a colon that belongs to what stands before.
    for _ in 0..3 {
        if let Some(len) = parse(&run[start..]) {
            return Some(start..start + len);
        }
        start += run[start..].iter().position(|&byte| byte == b':')? + 1;
    }
    None
}

/// How long the address is that `run` begins with; what follows may only be a colon, and a port if the address has
/// all its groups.
fn parse(run: &[u8]) -> Option<usize> {
    let (mut at, mut groups, mut gap, mut digit) = (0, 0, false, false);
    if run.starts_with(b"::") {
        (at, gap) = (2, true);
    }
    loop {
        let rest = &run[at..];
        let len = rest
            .iter()
            .take_while(|byte| byte.is_ascii_hexdigit())
            .count();
        if rest.get(len) == Some(&b'.') && (groups == 6 || gap && groups < 6) {
            let end = ipv4::quad(run, at)?;
            let last = matches!(run.get(end..), None | Some([] | [b':', ..]));
            return (last).then_some(end);
        }
        if len == 0 {
            // Only a gap may be at the end.
            break;
        }
        if len > 4 {
            return None;
        }
        digit |= rest[..len].iter().any(u8::is_ascii_digit);
        groups += 1;
        at += len;
        if groups == 8 {
            break;
        }
        match &run[at..] {
            [b':', b':', ..] if !gap => {
                gap = true;
                at += 2;
            }
            [b':', next, ..] if next.is_ascii_hexdigit() => at += 1,
            _ => break,
        }
    }
    let whole = if gap { groups <= 7 } else { groups == 8 };
    let follows = match &run[at..] {
        [] | [b':'] => true,
        // A port.
        [b':', port @ ..] => groups == 8 && port.len() <= 5 && port.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    // `a::b` is more likely a path in a program, and `::` means any address.
    (whole && follows && digit).then_some(at)
}

/// Whether at least six groups in a row have two digits: a MAC address or a fingerprint.
fn looks_like_hardware(run: &[u8]) -> bool {
    let mut pairs = 0;
    for group in run.split(|&byte| byte == b':') {
        pairs = if group.len() == 2 { pairs + 1 } else { 0 };
        if pairs == 6 {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::find;

    /// What is found at the first colon.
    fn first(text: &str) -> Option<&str> {
        let colon = text.find(':')?;
        find(text.as_bytes(), colon, 0)
            .found
            .map(|range| &text[range])
    }

    #[test]
    fn all_forms_are_found() {
        // RFC 4291, section 2.2, RFC 5952 and RFC 4007.
        for address in [
            "ABCD:EF01:2345:6789:ABCD:EF01:2345:6789",
            "2001:DB8:0:0:8:800:200C:417A",
            "2001:DB8::8:800:200C:417A",
            "FF01::101",
            "::1",
            "0:0:0:0:0:0:0:1",
            "0:0:0:0:0:0:13.1.68.3",
            "0:0:0:0:0:FFFF:129.144.52.38",
            "::13.1.68.3",
            "::FFFF:129.144.52.38",
            "2001:db8::",
            "fe80::1",
            "64:ff9b::192.0.2.33",
            "2001:db8:0:1:1:1:1:1",
            "1:2:3:4:5:6:7::",
            "::2:3:4:5:6:7:8",
            "2001:0db8:85a3:0000:0000:8a2e:0370:7334",
        ] {
            for (before, after) in [
                ("", ""),
                ("[", "]:80"),
                ("(", ")"),
                ("/", ""),
                ("=", " "),
                ("", "%eth0"),
                ("", "/64"),
                ("", "."),
                ("\"", "\""),
                ("from ", ": x"),
                ("", ", "),
                ("ü", "ü"),
                ("-", "-"),
            ] {
                let text = format!("{before}{address}{after}");
                assert_eq!(first(&text), Some(address), "{text}");
            }
        }
    }

    #[test]
    fn keys_and_ports_are_told_apart() {
        for (text, address) in [
            (
                "en0:2607:f140:400:a036:7ce3:1d41:6e12:1a2b",
                "2607:f140:400:a036:7ce3:1d41:6e12:1a2b",
            ),
            ("ip:2001:db8::1", "2001:db8::1"),
            ("ip:::1", "::1"),
            ("/2001:db8:0:0:0:0:0:1:41835", "2001:db8:0:0:0:0:0:1"),
            ("2001:db8::3: x", "2001:db8::3"),
            ("addr:fe80::1", "fe80::1"),
            ("a:2001:db8:0:0:0:0:0:1", "2001:db8:0:0:0:0:0:1"),
            ("2001:db8::1:x", "2001:db8::1"),
        ] {
            assert_eq!(first(text), Some(address), "{text}");
        }
    }

    #[test]
    fn other_colons_are_not() {
        for text in [
            "12:34:56",
            "std::vec",
            "a::b",
            "core::fmt::x1",
            "1:2:3",
            "00:1b:44:11:3a:b7",
            "mac:00:1b:44:11:3a:b7",
            "::",
            "2026-11-23T10:14:02+00:00",
            "a1:b2:c3:d4:e5:f6:a7:b8:c9:d0",
            "00:11:22:33:44:55:66:77",
            "x::1",
            "Foo::1",
            "1:2:3:4:5:6:7",
            "1:2:3:4:5:6:7:8:9:10",
            "1::2::3",
            "12345::1",
            "abc::12345",
            ":1:",
            "10:14:02.123",
            "a:a:a:a:",
            "1::2x",
            "::1.2.3",
        ] {
            assert_eq!(first(text), None, "{text}");
        }
    }
}
