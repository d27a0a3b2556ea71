//! Values that are no secrets: folders, numbers, switches, reports and words of a sentence.
//!
//! In: a key, and its value. Out: whether the value is harmless. Not here: keys that are no names of secrets
//! (`key`).

use crate::detect::{is_word, key};

/// Folders at the root of a file system.
const ROOTS: [&[u8]; 16] = [
    b"app",
    b"bin",
    b"data",
    b"etc",
    b"home",
    b"mnt",
    b"opt",
    b"private",
    b"root",
    b"run",
    b"srv",
    b"tmp",
    b"users",
    b"usr",
    b"var",
    b"workspace",
];

/// Whether a word is a kind of modules of PAM: `(passwd:chauthtok)`.
pub(super) fn is_module(word: &[u8]) -> bool {
    matches!(
        word,
        b"auth" | b"account" | b"session" | b"chauthtok" | b"setcred"
    )
}

/// Whether the value is a folder, which is what `pwd` may stand for, too.
pub(crate) fn is_folder(key: &[u8], value: &[u8]) -> bool {
    let pwd = key
        .last_chunk::<3>()
        .is_some_and(|end| end.eq_ignore_ascii_case(b"pwd"));
    let value = &value[..value.len().min(key::MAX)];
    let end = value
        .iter()
        .position(|byte| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b';' | b','));
    pwd && match &value[..end.unwrap_or(value.len())] {
        b"/" | b"~" | [b'~', b'/', ..] | [_, b':', b'\\' | b'/', ..] => true,
        [b'/', path @ ..] => {
            let first = path.split(|&byte| byte == b'/').next().unwrap_or_default();
            first.len() < path.len() || ROOTS.iter().any(|root| first.eq_ignore_ascii_case(root))
        }
        _ => false,
    }
}

/// Whether the value is a number, a truth value or nothing.
pub(crate) fn is_plain(value: &[u8]) -> bool {
    const WORDS: [&[u8]; 8] = [
        b"true",
        b"false",
        b"null",
        b"none",
        b"nil",
        b"yes",
        b"no",
        b"undefined",
    ];
    let number = value
        .iter()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'/' | b'%'));
    number || WORDS.iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// Words before a key that is not one: `Unexpected token: }`.
pub(super) const BEFORE_PROSE: [&[u8]; 8] = [
    b"unexpected",
    b"illegal",
    b"unrecognized",
    b"expected",
    b"unknown",
    b"missing",
    b"unterminated",
    b"no",
];

/// Whether a word is that of a program that reports: a module of PAM behind its program's name, as in
/// `passwd: pam_unix(passwd:chauthtok)`, or a test behind its result, as in `PASS: TestFoo`.
pub(super) fn is_report(key: &[u8], value: &[u8]) -> bool {
    const TESTS: [&[u8]; 4] = [b"test", b"example", b"benchmark", b"fuzz"];
    let is_test = |name: &&[u8]| {
        value
            .get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name))
    };
    value.starts_with(b"pam_") && value.contains(&b'(')
        || key == b"PASS" && TESTS.iter().any(is_test)
}

/// Whether `true` or `false` says something about a secret rather than being one: `has_password=true`.
pub(crate) fn is_switch(key: &[u8], value: &[u8]) -> bool {
    (value.eq_ignore_ascii_case(b"true") || value.eq_ignore_ascii_case(b"false"))
        && key::is_flag(key)
}

/// Words that follow `password: ` in a sentence.
const PROSE: [&[u8]; 45] = [
    b"a",
    b"an",
    b"and",
    b"are",
    b"as",
    b"authentication",
    b"but",
    b"can",
    b"cannot",
    b"changed",
    b"check",
    b"could",
    b"did",
    b"does",
    b"empty",
    b"expired",
    b"failed",
    b"failure",
    b"field",
    b"for",
    b"has",
    b"have",
    b"in",
    b"incorrect",
    b"invalid",
    b"is",
    b"it",
    b"length",
    b"may",
    b"mismatch",
    b"missing",
    b"must",
    b"no",
    b"not",
    b"permission",
    b"rejected",
    b"required",
    b"reset",
    b"should",
    b"the",
    b"too",
    b"unexpected",
    b"updated",
    b"was",
    b"will",
];

/// Whether another pair is in a text: `a user=bob`.
pub(super) fn has_pair(text: &[u8]) -> bool {
    memchr::memchr_iter(b'=', text).any(|at| at > 0 && is_word(text[at - 1]))
}

/// Whether a value is a word of a sentence.
pub(super) fn is_prose(value: &[u8]) -> bool {
    let end = value
        .iter()
        .rposition(|byte| !matches!(byte, b'.' | b',' | b';' | b'!' | b'?'))
        .map_or(0, |last| last + 1);
    PROSE
        .iter()
        .any(|word| value[..end].eq_ignore_ascii_case(word))
}
