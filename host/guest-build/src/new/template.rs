//! The files of a new filter crate, beside the SDK's.
//!
//! In: a checked name. Out: paths and texts. The filter is a small one that does something, so
//! that there is something to change.

/// Stands for the name in the texts.
const NAME: &str = "FILTER-NAME";

const FILES: [(&str, &str); 5] = [
    ("Cargo.toml", include_str!("template/Cargo.toml.txt")),
    ("src/lib.rs", include_str!("template/lib.rs.txt")),
    ("README.md", include_str!("template/README.md.txt")),
    ("linemill.toml", include_str!("template/linemill.toml.txt")),
    (".gitignore", "/target\n"),
];

/// Path inside the crate's folder, and text.
pub(super) fn files(name: &str) -> [(&'static str, String); FILES.len()] {
    FILES.map(|(path, text)| (path, text.replace(NAME, name)))
}

#[cfg(test)]
mod tests {
    use super::{NAME, files};

    #[test]
    fn the_name_is_everywhere_it_belongs() {
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
