//! JSON web tokens: signed (RFC 7515) and encrypted ones (RFC 7516) in their compact form.
//!
//! In: a text, and where a word begins. Out: the range of a token that begins there, with all of its parts.
//!
//! The first part must be the header: base64url of a JSON object that names an algorithm. So other text in base64
//! is not mistaken for a token, and a token that was cut off is found as long as its header is whole.

use std::ops::Range;

/// The longest header that is looked at.
const MAX_HEADER: usize = 8 << 10;

/// Finds a token that begins at `at` with `eyJ`, or with `ewog` if there is a line end in its header.
pub(super) fn find(text: &[u8], at: usize) -> Option<Range<usize>> {
    let part = |from: usize| run(text, from);
    let header = part(at);
    if text.get(header) != Some(&b'.') || header - at > MAX_HEADER || !is_header(&text[at..header])
    {
        return None;
    }
    let mut end = header;
    for _ in 0..4 {
        if text.get(end) != Some(&b'.') {
            break;
        }
        end = part(end + 1);
    }
    // A dot that ends a sentence.
    while text[end - 1] == b'.' && end - 1 > header && text[end - 2] != b'.' {
        let parts = text[at..end].iter().filter(|&&byte| byte == b'.').count();
        if parts == 2 || parts == 4 {
            break;
        }
        end -= 1;
    }
    let payload = end > header + 1;
    payload.then_some(at..end)
}

/// Where the part of a token that begins at `from` ends.
pub(super) fn run(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.iter().take_while(|&&byte| is_base64url(byte)).count()
}

/// Whether `part` is the header of a token.
fn is_header(part: &[u8]) -> bool {
    let Some(decoded) = base64url(part) else {
        return false;
    };
    let names = [&b"\"alg\""[..], b"\"enc\"", b"\"typ\""];
    let content = decoded.strip_prefix(b"{").unwrap_or_default();
    content.trim_ascii_start().starts_with(b"\"")
        && decoded.ends_with(b"}")
        && names
            .iter()
            .any(|name| memchr::memmem::find(&decoded, name).is_some())
}

/// The bytes that a text in base64url without padding stands for.
fn base64url(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut bits, mut count) = (0u32, 0);
    for &byte in text {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use super::find;

    /// RFC 7515, appendix A.1.
    const SIGNED: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    /// RFC 7515, appendix A.5: not signed.
    const UNSIGNED: &str = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.";
    /// RFC 7516, appendix A.2, with shorter parts.
    const ENCRYPTED: &str = "eyJhbGciOiJSU0ExXzUiLCJlbmMiOiJBMTI4Q0JDLUhTMjU2In0.UGhIOguC7Iu.AxY8DCtDaGlsbGljb3RoZQ.KDlTtXchhZTGufMY.9hH0vgRfYgPnAHOd8stkvw";
    /// An encrypted token without a key: RFC 7516, section 7.1, with `"alg":"dir"`.
    const DIRECT: &str =
        "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..AxY8DCtDaGlsbGlj.KDlTtXch.9hH0vgRfYgPnAHOd";

    #[test]
    fn tokens_are_found_with_all_their_parts() {
        for token in [SIGNED, UNSIGNED, ENCRYPTED, DIRECT] {
            for after in ["", "; x", "\"", ",", "%"] {
                let text = format!("{token}{after}");
                assert_eq!(find(text.as_bytes(), 0), Some(0..token.len()), "{text}");
            }
        }
        let sentence = format!("{SIGNED}. Next");
        assert_eq!(find(sentence.as_bytes(), 0), Some(0..SIGNED.len()));
        let cut = &SIGNED[..80];
        assert_eq!(find(cut.as_bytes(), 0), Some(0..80));
    }

    #[test]
    fn other_words_are_not() {
        for text in [
            "eyJ",
            "eyJabc.def.ghi",
            "eyJhbGciOiJub25lIn0",
            "eyJhbGciOiJub25lIn0 .a",
            "eyJhIjoxfQ.eyJhIjoxfQ.abc",
            "eyJhbGciOiJub25lIn.eyJhIjoxfQ.abc",
        ] {
            assert_eq!(find(text.as_bytes(), 0), None, "{text}");
        }
    }
}
