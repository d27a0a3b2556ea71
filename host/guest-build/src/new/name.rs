//! Which names a filter can have.
//!
//! In: any text. Out: nothing, or the problem and a similar name that is valid, if there is one. A
//! name must be valid both as a cargo package and as a key of the configuration.

/// A name that a filter cannot have, with a hint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` cannot be a filter's name: {problem}\nhint: {hint}")]
pub struct BadName {
    name: String,
    problem: &'static str,
    hint: String,
}

const LONGEST: usize = 64;

/// Names that cargo, Rust or the copied SDK use themselves, and Windows' device names.
const RESERVED: [&str; 73] = [
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "aux",
    "become",
    "box",
    "break",
    "build",
    "com1",
    "com2",
    "com3",
    "com4",
    "con",
    "const",
    "continue",
    "core",
    "crate",
    "deps",
    "do",
    "dyn",
    "else",
    "enum",
    "examples",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "incremental",
    "let",
    "linemill-sdk",
    "loop",
    "lpt1",
    "lpt2",
    "lpt3",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "nul",
    "override",
    "prn",
    "priv",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "wit-bindgen",
    "yield",
];

/// Refuses names that are not valid both as a package and as a key.
pub(super) fn check(name: &str) -> Result<(), BadName> {
    let Some(problem) = problem(name) else {
        return Ok(());
    };
    let hint = match suggestion(name) {
        Some(suggestion) => format!("`{suggestion}` is a valid name"),
        None => "use lowercase letters, digits and hyphens, and start with a letter: `mask-emails`"
            .to_owned(),
    };
    Err(BadName {
        name: name.to_owned(),
        problem,
        hint,
    })
}

fn problem(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("it is empty")
    } else if name.len() > LONGEST {
        Some("it is longer than 64 characters")
    } else if !name.bytes().all(is_allowed) {
        Some("only a-z, 0-9 and hyphens are allowed")
    } else if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        Some("it does not start with a letter")
    } else if name.ends_with('-') {
        Some("it ends with a hyphen")
    } else if RESERVED.contains(&name) {
        Some("Rust, cargo or the system reserves it")
    } else {
        None
    }
}

fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
}

/// A similar name that is valid, if there is one.
fn suggestion(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let words: Vec<_> = last
        .to_ascii_lowercase()
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    let near = words.join("-");
    let near = if RESERVED.contains(&near.as_str()) {
        format!("{near}-lines")
    } else {
        near
    };
    problem(&near).is_none().then_some(near)
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, check};

    #[test]
    fn package_names_are_accepted() {
        for name in ["a", "rot13", "my-filter", "x2-y", &"a".repeat(LONGEST)] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn invalid_names_are_refused_with_a_suggestion() {
        for (name, suggestion) in [
            ("My Filter", "my-filter"),
            ("my_filter", "my-filter"),
            ("foo/bar", "bar"),
            ("../up", "up"),
            ("Grep", "grep"),
            ("trailing-", "trailing"),
            ("-o", "o"),
            ("test", "test-lines"),
            ("type", "type-lines"),
            ("con", "con-lines"),
            ("straße", "stra-e"),
        ] {
            let text = check(name).unwrap_err().to_string();
            assert!(text.contains(&format!("`{name}`")), "{text}");
            assert!(
                text.ends_with(&format!("hint: `{suggestion}` is a valid name")),
                "{text}"
            );
        }
    }

    #[test]
    fn without_a_similar_name_the_hint_is_the_rule() {
        for name in ["", "..", "/", "13rot", "로트", &"a".repeat(LONGEST + 1)] {
            let text = check(name).unwrap_err().to_string();
            assert!(text.contains("hint: use lowercase letters"), "{text}");
        }
    }
}
