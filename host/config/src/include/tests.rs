use std::fs;
use std::path::Path;

use crate::settings::{PluginRef, Settings};
use crate::{Files, load};

/// Loads `a.toml` in a folder with these files. Reports name files relative to it.
fn loaded(files: &[(&str, &str)]) -> Result<Settings, String> {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new(""))).expect("a folder");
        fs::write(path, text).expect("written");
    }
    let shown = |problems: crate::Problems| {
        problems
            .to_string()
            .replace(&format!("{}/", folder.path().display()), "")
    };
    load(&folder.path().join("a.toml"), &["rot13"], &Files::default()).map_err(shown)
}

fn names(settings: &Settings) -> Vec<&str> {
    settings
        .listeners
        .iter()
        .map(|listener| listener.name.as_str())
        .collect()
}

const MAIN: &str =
    "include = [\"conf.d/*.toml\"]\n[[listener]]\nname = \"main\"\nchain = [\"b\"]\n";

#[test]
fn tables_of_all_files_are_one_configuration() {
    let settings = loaded(&[
        ("a.toml", MAIN),
        ("conf.d/20.toml", "[filter.b]\nplugin = \"../x.wasm\"\n"),
        (
            "conf.d/10.toml",
            "[[listener]]\nname = \"ten\"\nbind = \"127.0.0.1:1\"\nchain = [\"b\"]\n[host]\ndrain = \"3s\"\n",
        ),
        ("conf.d/.hidden.toml", "nonsense"),
        ("conf.d/10.toml~", "nonsense"),
        ("conf.d/deeper/30.toml", "nonsense"),
    ]);
    let settings = settings.expect("valid");
    assert_eq!(names(&settings), ["main", "ten"]);
    assert_eq!(settings.host.drain.as_secs(), 3);
    let PluginRef::Path(plugin) = &settings.filters["b"].plugin else {
        panic!("a path");
    };
    // A path starts from the folder of the file that contains it.
    assert!(plugin.ends_with("conf.d/../x.wasm"), "{}", plugin.display());
    let files = settings
        .sources
        .0
        .iter()
        .map(|source| source.path.file_name());
    let files: Vec<_> = files
        .map(|name| name.and_then(|name| name.to_str()))
        .collect();
    assert_eq!(files, [Some("a.toml"), Some("10.toml"), Some("20.toml")]);
}

#[test]
fn a_file_is_read_once_however_it_is_named() {
    let main = "include = [\"*.toml\", \"./b.toml\", \"?.toml\"]\n[[listener]]\nname = \"main\"\n";
    let other = "[[listener]]\nname = \"b\"\nbind = \"127.0.0.1:1\"\n";
    let settings = loaded(&[("a.toml", main), ("b.toml", other)]).expect("valid");
    assert_eq!(names(&settings), ["main", "b"]);
}

#[test]
fn names_that_two_files_use_are_reported_where_they_are() {
    let refused = loaded(&[
        (
            "a.toml",
            &format!("{MAIN}[filter.b]\nplugin = \"rot13\"\n[host]\n"),
        ),
        (
            "conf.d/1.toml",
            "[host]\n\n[filter.b]\nplugin = \"rot13\"\n",
        ),
        (
            "conf.d/2.toml",
            "[[listener]]\nname = \"main\"\nbind = \"127.0.0.1:1\"\nmax_line = \"x\"\n",
        ),
    ]);
    let refused = refused.expect_err("twice");
    for report in [
        "error: conf.d/1.toml:1:1: there are two tables `[host]`; the first is at a.toml:7\n",
        "error: conf.d/1.toml:3:9: there are two filters `b`; the first is at a.toml:6\n",
        "error: conf.d/2.toml:2:8: there are two listeners `main`\n",
        "error: conf.d/2.toml:4:12: key `max_line` of listener `main`: `x` is not a size\n",
    ] {
        assert!(refused.contains(report), "{report} in\n{refused}");
    }
}

#[test]
fn wrong_patterns_are_reported() {
    for (pattern, report) in [
        (
            "nowhere/*.toml",
            "a.toml:1:12: item 1 of key `include` of the file: `nowhere/*.toml` is in a folder that does not exist: ",
        ),
        (
            "b.toml",
            "a.toml:1:12: the included file `b.toml`: the configuration cannot be read: No such file",
        ),
        (
            "conf.d/[.toml",
            "a.toml:1:12: item 1 of key `include` of the file: `conf.d/[.toml` is not a pattern: ",
        ),
        (
            "conf.d",
            "a.toml:1:12: the included file `conf.d`: the configuration is not a regular file",
        ),
        (
            "",
            "a.toml:1:12: item 1 of key `include` of the file: `\"\"` is empty",
        ),
    ] {
        let main = format!("include = [\"{pattern}\"]\n[[listener]]\n");
        let refused = loaded(&[("a.toml", &main), ("conf.d/1.toml", "")]).expect_err(pattern);
        assert!(refused.contains(report), "{report} in\n{refused}");
    }
    let main = "include = \"conf.d/*.toml\"\n[[listener]]\n";
    let refused = loaded(&[("a.toml", main)]).expect_err("a text");
    assert!(
        refused.contains("key `include` of the file: `conf.d/*.toml` is not a list"),
        "{refused}"
    );
}

#[test]
fn a_pattern_that_matches_nothing_includes_nothing() {
    let settings = loaded(&[("a.toml", "include = [\"*.conf\"]\n[[listener]]\n")]).expect("valid");
    assert_eq!(settings.sources.0.len(), 1);
}

#[test]
fn an_included_file_includes_no_others() {
    let files = [
        ("a.toml", MAIN),
        (
            "conf.d/1.toml",
            "include = [\"x\"]\n[filter.b]\nplugin = \"rot13\"\n",
        ),
    ];
    let refused = loaded(&files).expect_err("nested");
    assert!(
        refused.starts_with("error: conf.d/1.toml:1:1: an included file includes no others\n"),
        "{refused}"
    );
}

#[test]
fn what_is_not_toml_is_reported_in_every_file() {
    let refused = loaded(&[
        ("a.toml", MAIN),
        ("conf.d/1.toml", "= 1"),
        ("conf.d/2.toml", "["),
    ]);
    let refused = refused.expect_err("not TOML");
    assert_eq!(refused.matches("this is not TOML").count(), 2, "{refused}");
}
