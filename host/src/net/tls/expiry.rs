//! When certificates expire.
//!
//! In: certificates in DER. Out: the earliest end of their validity. Only as much of a certificate is read as
//! leads there (RFC 5280, section 4.1); rustls has no interface for it. Not here: whether to trust them;
//! rustls decides that at each handshake.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::pki_types::CertificateDer;

/// Tags of DER.
const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

/// The earliest end among `certificates`; `None` if there is none, or one cannot be read.
pub(super) fn earliest(certificates: &[CertificateDer<'_>]) -> Option<SystemTime> {
    let ends: Option<Vec<_>> = certificates.iter().map(|one| end(one)).collect();
    ends?.into_iter().min()
}

/// The end of a certificate's validity.
fn end(certificate: &[u8]) -> Option<SystemTime> {
    let (mut certificate, _) = element(certificate, SEQUENCE)?;
    let mut signed = taken(&mut certificate, SEQUENCE)?;
    // The version may be left out.
    if signed.first() == Some(&VERSION) {
        taken(&mut signed, VERSION)?;
    }
    for skipped in [INTEGER, SEQUENCE, SEQUENCE] {
        taken(&mut signed, skipped)?;
    }
    let mut validity = taken(&mut signed, SEQUENCE)?;
    let tag = *validity.first()?;
    taken(&mut validity, tag)?;
    let tag = *validity.first()?;
    time(tag, taken(&mut validity, tag)?)
}

/// Takes an element with this tag off the front of `rest`. Returns what it contains.
fn taken<'a>(rest: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    let (content, after) = element(rest, tag)?;
    *rest = after;
    Some(content)
}

/// The content of the element with this tag at the beginning of `bytes`, and what comes after it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, bytes) = bytes.split_first()?;
    let (&first, bytes) = bytes.split_first()?;
    let (length, bytes) = if first < 0x80 {
        (usize::from(first), bytes)
    } else {
        let (digits, bytes) = bytes.split_at_checked(usize::from(first & 0x7f))?;
        // No certificate is longer than two digits can say, nor a file with one than three.
        if digits.is_empty() || digits.len() > 3 {
            return None;
        }
        let length = digits
            .iter()
            .fold(0, |sum, digit| sum << 8 | usize::from(*digit));
        (length, bytes)
    };
    let (content, after) = bytes.split_at_checked(length)?;
    (found == tag).then_some((content, after))
}

/// A time in UTC, as `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`.
fn time(tag: u8, text: &[u8]) -> Option<SystemTime> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (year, rest) = match tag {
        UTC_TIME => {
            let year: i64 = number(text, 0..2)?;
            (year + if year < 50 { 2000 } else { 1900 }, text.get(2..)?)
        }
        GENERALIZED_TIME => (number(text, 0..4)?, text.get(4..)?),
        _ => return None,
    };
    if rest.len() != 10 {
        return None;
    }
    let [month, day, hour, minute, second] = [0, 2, 4, 6, 8].map(|at| number(rest, at..at + 2));
    let days = days_since_epoch(year, month?, day?);
    let seconds = ((days * 24 + hour?) * 60 + minute?) * 60 + second?;
    // One before 1970 has expired in any case.
    let since = Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
    UNIX_EPOCH.checked_add(since)
}

fn number(text: &str, range: std::ops::Range<usize>) -> Option<i64> {
    let digits = text.get(range)?;
    let all = digits.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| digits.parse().ok())?
}

/// Days from 1970-01-01 to a day of the Gregorian calendar.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    // Years that begin in March have their leap day at the end.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // 719,468 days from the first of March of the year 0 to 1970-01-01.
    year * 365 + leap_days + (153 * month + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use humantime::format_rfc3339_seconds;
    use proptest::prelude::*;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn until(year: i32, month: u8, day: u8) -> CertificateDer<'static> {
        let mut params = CertificateParams::new(vec!["here".to_owned()]).expect("parameters");
        params.not_after = date_time_ymd(year, month, day);
        let key = KeyPair::generate().expect("a key");
        params.self_signed(&key).expect("a certificate").into()
    }

    fn shown(certificates: &[CertificateDer<'_>]) -> Option<String> {
        earliest(certificates).map(|end| format_rfc3339_seconds(end).to_string())
    }

    #[test]
    fn the_earliest_end_counts() {
        let all = [until(2040, 1, 2), until(2035, 3, 1), until(2037, 5, 6)];
        assert_eq!(shown(&all).as_deref(), Some("2035-03-01T00:00:00Z"));
        assert_eq!(earliest(&[]), None);
        let broken = CertificateDer::from(vec![1, 2]);
        assert_eq!(earliest(&[until(2040, 1, 2), broken]), None);
    }

    /// From 2050 on, years have four digits.
    #[test]
    fn both_forms_of_times_are_read() {
        for (year, month, day) in [
            (2024, 2, 29),
            (2049, 12, 31),
            (2050, 1, 1),
            (2100, 3, 1),
            (2399, 12, 31),
        ] {
            let expected = format!("{year}-{month:02}-{day:02}T00:00:00Z");
            assert_eq!(shown(&[until(year, month, day)]), Some(expected));
        }
        let at = |tag, text: &str| {
            time(tag, text.as_bytes()).map(|at| format_rfc3339_seconds(at).to_string())
        };
        assert_eq!(
            at(UTC_TIME, "991231235958Z").as_deref(),
            Some("1999-12-31T23:59:58Z")
        );
        assert_eq!(
            at(UTC_TIME, "500101000000Z").as_deref(),
            Some("1970-01-01T00:00:00Z")
        );
        for wrong in [
            "",
            "Z",
            "9912312359Z",
            "991231235958",
            "+91231235958Z",
            "99123123595é",
        ] {
            assert_eq!(at(UTC_TIME, wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn broken_certificates_are_read_without_a_panic(
            cut in 0_usize..400, at in 0_usize..400, byte: u8,
        ) {
            let mut bytes = until(2040, 1, 2).to_vec();
            bytes.truncate(cut);
            if let Some(changed) = bytes.get_mut(at) {
                *changed = byte;
            }
            let _either = end(&bytes);
        }
    }
}
