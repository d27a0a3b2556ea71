//! Bytes that tests expect, compare and show.
//!
//! In: bytes. Out: a panic that shows the difference. Not here: where the bytes come from.

/// ROT13 of `bytes`.
pub fn rot13(bytes: &[u8]) -> Vec<u8> {
    let turn = |byte: u8| match byte {
        b'a'..=b'm' | b'A'..=b'M' => byte + 13,
        b'n'..=b'z' | b'N'..=b'Z' => byte - 13,
        _ => byte,
    };
    bytes.iter().copied().map(turn).collect()
}

/// Asserts that `got` is `line` repeated, `length` bytes in all; the last line may be incomplete.
///
/// # Panics
/// On other bytes, or another length.
#[track_caller]
pub fn assert_repeats(got: &[u8], line: &[u8], length: usize) {
    assert_eq!(got.len(), length);
    assert!(
        got.chunks(line.len())
            .all(|chunk| chunk == &line[..chunk.len()]),
        "a line was changed"
    );
}

/// Asserts that `got` is exactly `expected`, and shows both escaped if not.
///
/// # Panics
/// When they differ.
#[track_caller]
pub fn assert_bytes(got: impl AsRef<[u8]>, expected: impl AsRef<[u8]>) {
    assert_eq!(
        got.as_ref().escape_ascii().to_string(),
        expected.as_ref().escape_ascii().to_string()
    );
}

/// Bytes for a failure message: escaped, and shortened in the middle.
pub(crate) fn show(bytes: &[u8]) -> String {
    const KEPT: usize = 100;
    if bytes.len() <= 2 * KEPT {
        return format!("{} bytes \"{}\"", bytes.len(), bytes.escape_ascii());
    }
    let (head, tail) = (&bytes[..KEPT], &bytes[bytes.len() - KEPT..]);
    format!(
        "{} bytes \"{} … {}\"",
        bytes.len(),
        head.escape_ascii(),
        tail.escape_ascii()
    )
}
