//! Files that the documentation names exist.
//!
//! In: the Markdown pages at the top of the repository and in `docs`. Out: a failure that lists each
//! path in backticks that leads nowhere, such as a file in the change map that has been renamed.
//! Not here: links, which `cargo xtask book` checks; paths in code blocks.

use std::fs;
use std::path::{Path, PathBuf};

/// What a path must begin with to be one of the repository.
const FOLDERS: &[&str] = &[
    "config/",
    "docs/",
    "examples/",
    "host/",
    "plugins/",
    "tests/",
    "wit/",
    "xtask/",
];

/// Adds every Markdown file in `folder`, and below it if `deep`.
fn pages(folder: &Path, deep: bool, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            if deep {
                pages(&path, deep, found);
            }
        } else if path.extension().is_some_and(|end| end == "md") {
            found.push(path);
        }
    }
}

/// The text without its fenced code blocks.
fn prose(text: &str) -> String {
    let mut outside = true;
    let mut prose = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            outside = !outside;
        } else if outside {
            prose.extend([line, "\n"]);
        }
    }
    prose
}

/// Whether text in backticks is a path, and not a pattern or a command.
fn is_path(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "/._-".contains(c);
    FOLDERS.iter().any(|folder| text.starts_with(folder)) && text.chars().all(plain)
}

#[test]
fn files_that_the_documentation_names_exist() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = Vec::new();
    pages(&repository, false, &mut found);
    pages(&repository.join("docs"), true, &mut found);
    let (mut named, mut missing) = (0, Vec::new());
    for page in &found {
        let text = prose(&fs::read_to_string(page).expect("a page is text"));
        for path in text
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|text| is_path(text))
        {
            named += 1;
            if !repository.join(path).exists() {
                missing.push(format!("{}: {path}", page.display()));
            }
        }
    }
    assert!(named > 50, "only {named} paths in {} pages", found.len());
    assert!(
        missing.is_empty(),
        "paths that do not exist:\n{}",
        missing.join("\n")
    );
}
