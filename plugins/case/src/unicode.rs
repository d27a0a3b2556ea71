//! Changes the case of letters of every script.
//!
//! In: a line. Out: the line with Unicode's full mappings, so that `ß` becomes `SS` and a sigma that ends a word
//! becomes `ς`. Bytes that are not UTF-8 stay as they are. Not here: mappings of a language, such as that of
//! the Turkish `i`.

use crate::Mode;

/// Appends `line`, with the case of its letters changed, to `cased`.
pub(crate) fn change(line: &[u8], to: Mode, cased: &mut Vec<u8>) {
    let mut inside = false;
    for chunk in line.utf8_chunks() {
        let text = chunk.valid();
        match to {
            Mode::Lower => cased.extend_from_slice(text.to_lowercase().as_bytes()),
            Mode::Upper => push_all(text.chars().flat_map(char::to_uppercase), cased),
            Mode::Swap => swap(text, cased),
            Mode::Title => title(text, &mut inside, cased),
        }
        cased.extend_from_slice(chunk.invalid());
        inside |= !chunk.invalid().is_empty();
    }
}

fn swap(text: &str, cased: &mut Vec<u8>) {
    with_lower(text, |character, lower| {
        if character.is_lowercase() {
            push_all(character.to_uppercase(), cased);
        } else if character.is_uppercase() {
            push_all(lower.to_lowercase(), cased);
        } else {
            push_all([character], cased);
        }
    });
}

/// `inside` says whether the last character was part of a word.
fn title(text: &str, inside: &mut bool, cased: &mut Vec<u8>) {
    with_lower(text, |character, lower| {
        if *inside {
            push_all(lower.to_lowercase(), cased);
        } else if character.is_ascii() {
            cased.push(character.to_ascii_uppercase() as u8);
        } else {
            title_case(character, cased);
        }
        *inside = is_in_word(character);
    });
}

/// Calls `each` with every character and one that has the same lower case, whatever is around it.
fn with_lower(text: &str, mut each: impl FnMut(char, char)) {
    if !text.contains(SIGMA) {
        return text
            .chars()
            .for_each(|character| each(character, character));
    }
    // Every sigma is mapped to one character, and nothing else is mapped to these.
    let lower = text.to_lowercase();
    let mut sigmas = lower
        .chars()
        .filter(|character| matches!(character, 'σ' | 'ς'));
    for character in text.chars() {
        let lower = match character {
            SIGMA | 'σ' | 'ς' => sigmas.next().unwrap_or(character),
            _ => character,
        };
        each(character, lower);
    }
}

const SIGMA: char = 'Σ';

/// Whether the next letter belongs to the same word. Apostrophes and combining marks do not end a word.
fn is_in_word(character: char) -> bool {
    character.is_alphanumeric()
        || matches!(
            character,
            '\'' | '\u{2019}'
                | '\u{0300}'..='\u{036F}'
                | '\u{1AB0}'..='\u{1AFF}'
                | '\u{1DC0}'..='\u{1DFF}'
                | '\u{200C}' | '\u{200D}'
                | '\u{20D0}'..='\u{20FF}'
                | '\u{FE20}'..='\u{FE2F}'
        )
}

/// Appends the title case of a character: upper case, except for letters that are two in one.
fn title_case(character: char, cased: &mut Vec<u8>) {
    let single = match character {
        '\u{01C4}'..='\u{01C6}' => '\u{01C5}',
        '\u{01C7}'..='\u{01C9}' => '\u{01C8}',
        '\u{01CA}'..='\u{01CC}' => '\u{01CB}',
        '\u{01F1}'..='\u{01F3}' => '\u{01F2}',
        // Georgian has capitals only for whole words.
        '\u{10D0}'..='\u{10FA}' | '\u{10FD}'..='\u{10FF}' => character,
        // Greek letters with an iota below or beside them.
        '\u{1F80}'..='\u{1FAF}' => char::from_u32(u32::from(character) | 8).unwrap_or(character),
        '\u{1FB3}' | '\u{1FBC}' => '\u{1FBC}',
        '\u{1FC3}' | '\u{1FCC}' => '\u{1FCC}',
        '\u{1FF3}' | '\u{1FFC}' => '\u{1FFC}',
        _ => return title_case_of_others(character, cased),
    };
    push_all([single], cased);
}

fn title_case_of_others(character: char, cased: &mut Vec<u8>) {
    let mut upper = character.to_uppercase();
    push_all(upper.next(), cased);
    for rest in upper {
        match (character, rest) {
            ('\u{0149}', _) => push_all([rest], cased),
            ('\u{1FB0}'..='\u{1FFF}', '\u{0399}') => push_all(['\u{0345}'], cased),
            _ => push_all(rest.to_lowercase(), cased),
        }
    }
}

fn push_all(characters: impl IntoIterator<Item = char>, to: &mut Vec<u8>) {
    for character in characters {
        to.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::{Mode, change};

    fn cased(line: impl AsRef<[u8]>, to: Mode) -> Vec<u8> {
        let mut cased = Vec::new();
        change(line.as_ref(), to, &mut cased);
        cased
    }

    #[track_caller]
    fn check(to: Mode, line: &str, expected: &str) {
        assert_eq!(String::from_utf8(cased(line, to)).unwrap(), expected);
    }

    #[test]
    fn full_mappings() {
        check(
            Mode::Upper,
            "straße ﬁn \u{390} ŉ",
            "STRASSE FIN \u{399}\u{308}\u{301} ʼN",
        );
        check(Mode::Lower, "İÄẞ ΟΔΟΣ ΣΑΣ", "i̇äß οδος σας");
        check(Mode::Swap, "Straße ΟΔΟΣ ǅ", "sTRASSE οδος ǅ");
        check(
            Mode::Title,
            "ßx ﬁn ŉx ǆx ΟΔΟΣ ᾳ ᾲ ᾀ ა և",
            "Ssx Fin ʼNx ǅx Οδος ᾼ Ὰͅ ᾈ ა Եւ",
        );
    }

    #[test]
    fn words() {
        check(
            Mode::Title,
            "élan ÜBER-ÜBER d’ÉTÉ don't 2ND",
            "Élan Über-Über D’été Don't 2nd",
        );
        check(Mode::Title, "e\u{301}COLE", "E\u{301}cole");
        assert_eq!(cased(b"a\xffB \xc3", Mode::Title), b"A\xffb \xc3");
    }

    #[test]
    fn ascii_is_mapped_as_ever() {
        let every: Vec<u8> = (0..128).collect();
        assert_eq!(cased(&every, Mode::Lower), every.to_ascii_lowercase());
        assert_eq!(cased(&every, Mode::Upper), every.to_ascii_uppercase());
        assert_eq!(cased(cased(&every, Mode::Swap), Mode::Swap), every);
    }

    #[test]
    fn bytes_that_are_not_utf8_stay() {
        let line = b"\xe4A\xc3\x84\xff\xc3";
        assert_eq!(cased(line, Mode::Lower), b"\xe4a\xc3\xa4\xff\xc3");
        assert_eq!(cased(line, Mode::Swap), b"\xe4a\xc3\xa4\xff\xc3");
        let every: Vec<u8> = (128..=255).collect();
        for to in [Mode::Lower, Mode::Upper, Mode::Swap, Mode::Title] {
            assert_eq!(cased(&every, to), every);
        }
    }
}
