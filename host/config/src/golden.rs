//! Every invalid configuration in `tests/golden/config` results in exactly the report in the file
//! next to it.
//!
//! `UPDATE_GOLDEN=1 cargo test -p linemill-config golden` writes the reports again; read the diff
//! before you commit it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::parse;

const BUNDLED: &[&str] = &["rot13", "redact"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/config")
}

/// The stems of the files of one extension.
fn stems(extension: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(folder()).expect("the folder of golden files");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let paths = paths.filter(|path| path.extension().is_some_and(|other| other == extension));
    paths
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect()
}

/// What is reported to a user of this configuration.
fn told(name: &str) -> String {
    let path = format!("{name}.toml");
    let text = fs::read_to_string(folder().join(&path)).expect(&path);
    match parse(Path::new(&path), &text, BUNDLED) {
        Err(problems) => format!("{problems}\n"),
        Ok(_) => "nothing is wrong\n".to_owned(),
    }
}

/// The lines of both texts; those that differ are marked.
fn side_by_side(expected: &str, found: &str) -> String {
    let mut shown = String::new();
    let (mut expected, mut found) = (expected.lines(), found.lines());
    loop {
        match (expected.next(), found.next()) {
            (None, None) => return shown,
            (Some(expected), Some(found)) if expected == found => {
                shown += &format!("      {found}\n")
            }
            (expected, found) => {
                expected
                    .iter()
                    .for_each(|line| shown += &format!("  was {line}\n"));
                found
                    .iter()
                    .for_each(|line| shown += &format!("  now {line}\n"));
            }
        }
    }
}

#[test]
fn wrong_configurations_are_reported_as_agreed() {
    let names = stems("toml");
    assert!(names.len() >= 140, "{} golden cases", names.len());
    let mut changed = String::new();
    for name in &names {
        let file = folder().join(format!("{name}.txt"));
        let found = told(name);
        assert_ne!(
            found, "nothing is wrong\n",
            "{name}.toml is here to be refused"
        );
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&file, &found).expect("written");
        }
        let expected = fs::read_to_string(&file).unwrap_or_default();
        if expected != found {
            changed += &format!("{name}.toml:\n{}\n", side_by_side(&expected, &found));
        }
    }
    assert!(
        changed.is_empty(),
        "reports changed (UPDATE_GOLDEN=1 accepts them):\n\n{changed}"
    );
    assert_eq!(stems("txt"), names, "a report without its configuration");
}
