//! Lines, made up, the same ones every time.

/// Bytes of a block: what a busy connection reads at a time.
pub(crate) const BLOCK: usize = 64 * 1024;

const WORDS: &[u8] = b"the quick brown fox jumps over the lazy dog; ";

/// Some of what services log, with things in it that `redact` masks.
const LOG: &str = "\
2026-03-01T12:00:00Z INFO request id=7f3a method=GET path=/orders/1182 status=200 ms=12
2026-03-01T12:00:00Z INFO login user=ada@example.org from=192.0.2.17 agent=\"curl/8.9.1\"
2026-03-01T12:00:01Z WARN retry 2 of 5: upstream billing did not answer within 250 ms
2026-03-01T12:00:01Z INFO paid order=1182 card=4111111111111111 amount=19.90 EUR
";

/// Words that fill one line.
pub(crate) fn content(length: usize) -> Vec<u8> {
    WORDS.iter().copied().cycle().take(length).collect()
}

/// So many lines of `length` bytes, each with its LF.
pub(crate) fn lines(length: usize, count: usize) -> Vec<u8> {
    let mut line = content(length);
    line.push(b'\n');
    line.repeat(count)
}

/// A block of lines of `length` bytes.
pub(crate) fn block(length: usize) -> Vec<u8> {
    lines(length, BLOCK / (length + 1))
}

/// A block of a service's log.
pub(crate) fn log() -> Vec<u8> {
    LOG.repeat(BLOCK / LOG.len()).into_bytes()
}
