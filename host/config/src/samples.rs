//! The files in `config/` load, the full one contains the defaults, and `docs/config.md` names
//! every key and keyword.

use std::fs;
use std::path::{Path, PathBuf};

use super::Keyword;
use super::settings::{
    FilterSettings, Grant, Handover, HostSettings, Isolation, ListenerSettings, OnError,
    OutsideValues, PluginRef, ProxyProtocol, Settings, Sources,
};
use super::tables::TABLES;
use super::{load, parse};
use linemill_framing::{Framing, Oversize, Partial, Unfit};

const BUNDLED: &[&str] = &["rot13"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn sample() -> String {
    fs::read_to_string(root().join("config/linemill.toml")).expect("config/linemill.toml")
}

/// The sample with the keys enabled that are commented out in it (`#key = value`), except those
/// that conflict with others.
fn sample_with_all_keys() -> String {
    let key = |rest: &str| {
        let excluded = ["quarantine", "shadow", "trust", "bind_mode", "file_mode"]
            .iter()
            .any(|key| rest.starts_with(key));
        rest.starts_with(|c: char| c == '[' || c.is_ascii_lowercase()) && !excluded
    };
    let line = |line: &str| {
        line.strip_prefix('#')
            .filter(|rest| key(rest))
            .unwrap_or(line)
            .to_owned()
    };
    sample().lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_sample_loads() {
    let mut count = 0;
    for entry in fs::read_dir(root().join("config")).expect("config/") {
        let path = entry.expect("an entry").path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            load(&path, BUNDLED, &crate::Files::default())
                .unwrap_or_else(|problems| panic!("{problems}"));
            count += 1;
        }
    }
    assert!(count >= 2, "{count} samples");
}

#[test]
fn the_full_sample_says_the_defaults() {
    let settings = parse(Path::new("linemill.toml"), &sample(), BUNDLED).expect("valid");
    let rot13 = FilterSettings::new("rot13", PluginRef::Name("rot13".to_owned()));
    let default = Settings {
        sources: Sources::default(),
        outside: OutsideValues::default(),
        tests: Vec::new(),
        place: crate::Place::default(),
        host: HostSettings::default(),
        listeners: vec![ListenerSettings::default()],
        filters: [("rot13".to_owned(), rot13)].into(),
    };
    assert_eq!(settings, default);
}

#[test]
fn no_key_at_all_means_the_defaults_too() {
    let empty = parse(
        Path::new("a.toml"),
        "[host]\n[[listener]]\n[filter.rot13]\n",
        &[],
    )
    .expect("valid");
    assert_eq!(
        empty,
        parse(Path::new("linemill.toml"), &sample(), BUNDLED).expect("valid")
    );
}

#[test]
fn without_a_configuration_the_defaults_hold() {
    let mut settings = Settings::builtin();
    assert_eq!(settings.host.plugins, Vec::<PathBuf>::new());
    settings.host.plugins = HostSettings::default().plugins;
    assert_eq!(
        settings,
        parse(Path::new("linemill.toml"), &sample(), BUNDLED).expect("valid")
    );
}

#[test]
fn the_full_sample_has_every_key() {
    let text = sample_with_all_keys();
    for (table, keys) in TABLES.iter().filter(|(table, _)| *table != "the file") {
        for key in *keys {
            // Or it is a table with a header of its own.
            let written = [format!("{key} = "), format!(".{key}]\n")];
            assert!(
                written.iter().any(|written| text.contains(written)),
                "key `{key}` of {table}"
            );
        }
    }
    parse(Path::new("linemill.toml"), &text, BUNDLED)
        .unwrap_or_else(|problems| panic!("{problems}"));
}

#[test]
fn the_reference_names_every_key_and_keyword() {
    let text = fs::read_to_string(root().join("docs/config.md")).expect("docs/config.md");
    for (table, keys) in TABLES.iter().filter(|(table, _)| *table != "the file") {
        for key in *keys {
            assert!(
                text.contains(&format!("| `{key}` |")),
                "key `{key}` of {table}"
            );
        }
    }
    fn keywords<T: Keyword>(text: &str) {
        for (word, _) in T::KEYWORDS {
            assert!(text.contains(&format!("`{word:?}`")), "keyword {word:?}");
        }
    }
    keywords::<Framing>(&text);
    keywords::<Oversize>(&text);
    keywords::<Partial>(&text);
    keywords::<Unfit>(&text);
    keywords::<OnError>(&text);
    keywords::<Grant>(&text);
    keywords::<Isolation>(&text);
    keywords::<Handover>(&text);
    keywords::<ProxyProtocol>(&text);
}
