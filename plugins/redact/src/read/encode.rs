//! Encodes a replacement as the text around it is encoded.
//!
//! In: a replacement, and an encoding. Out: the same replacement if nothing in it has to be encoded, or another.

use std::io::Write;
use std::ops::Range;

use super::decode::Encoding;
use super::edits::Edit;

/// Encodes the replacement of an edit of a string in JSON.
pub(super) fn in_string(edit: &mut Edit, bytes: &mut Vec<u8>) {
    encode(bytes, &mut edit.text, Encoding::Backslash);
}

/// Encodes the replacement at `text` in `bytes`, to which the result is appended if it differs.
pub(super) fn encode(bytes: &mut Vec<u8>, text: &mut Range<usize>, encoding: Encoding) {
    let special = |byte: u8| match encoding {
        Encoding::Backslash => matches!(byte, b'"' | b'\\'),
        Encoding::Percent => byte <= b' ' || b"\"%&+#=<>'\\".contains(&byte),
        Encoding::Entity => matches!(byte, b'"' | b'&' | b'<' | b'>' | b'\'' | b'\\'),
        Encoding::Octal => false,
    };
    if !bytes[text.clone()].iter().any(|&byte| special(byte)) {
        return;
    }
    let start = bytes.len();
    for index in text.clone() {
        let byte = bytes[index];
        // Writing to a vector cannot fail.
        let _ = match encoding {
            _ if !special(byte) => bytes.write_all(&[byte]),
            Encoding::Backslash => bytes.write_all(&[b'\\', byte]),
            Encoding::Percent => write!(bytes, "%{byte:02X}"),
            Encoding::Entity => write!(bytes, "&#{byte};"),
            Encoding::Octal => Ok(()),
        };
    }
    *text = start..bytes.len();
}

#[cfg(test)]
mod tests {
    use super::{Encoding, encode};

    #[test]
    fn only_special_bytes_are_encoded() {
        for (encoding, expected) in [
            (Encoding::Backslash, r#"<\"a\\%&>"#),
            (Encoding::Percent, "%3C%22a%5C%25%26%3E"),
            (Encoding::Entity, "&#60;&#34;a&#92;%&#38;&#62;"),
            (Encoding::Octal, "<\"a\\%&>"),
        ] {
            let mut bytes = b"<\"a\\%&>[email]".to_vec();
            let mut text = 0..7;
            encode(&mut bytes, &mut text, encoding);
            assert_eq!(&bytes[text], expected.as_bytes());
            let mut plain = 7..14;
            encode(&mut bytes, &mut plain, encoding);
            assert_eq!(plain, 7..14);
        }
    }
}
