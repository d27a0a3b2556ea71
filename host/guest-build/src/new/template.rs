//! The files of a new filter crate, except the SDK's.
//!
//! In: a valid name. Out: paths and texts. The filter is small but does something, so that its
//! author has something to change.

/// Placeholder for the name in the texts.
const NAME: &str = "FILTER-NAME";

const FILES: [(&str, &str); 5] = [
    ("Cargo.toml", include_str!("template/Cargo.toml.txt")),
    ("src/lib.rs", include_str!("template/lib.rs.txt")),
    ("README.md", include_str!("template/README.md.txt")),
    ("linemill.toml", include_str!("template/linemill.toml.txt")),
    (".gitignore", "/target\n"),
];

/// The crate's files: path within its folder, and text.
pub(super) fn files(name: &str) -> [(&'static str, String); FILES.len()] {
    FILES.map(|(path, text)| (path, text.replace(NAME, name)))
}

#[cfg(test)]
mod tests {
    use super::{NAME, files};

    #[test]
    fn the_placeholder_is_replaced_everywhere() {
        for (path, text) in files("my-filter") {
            assert!(!text.contains(NAME), "{path}");
            assert_eq!(
                text.contains("my-filter"),
                !matches!(path, ".gitignore" | "src/lib.rs"),
                "{path}",
            );
        }
    }
}
