//! A filter in a chain on the command line, with its settings: `grep{keep=["ERROR"]}`.
//!
//! In: an argument, or several in a row with commas between them. Out: the name of each, and its settings
//! with their places in the argument. The braces and what they contain are an inline table of TOML, so texts
//! can come from files and environment variables, as in a configuration.
//! Not here: which filters exist (`overrides`), and which settings they take.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use toml::de::DeTable;

use crate::collector::Collector;
use crate::files::patience::Files;
use crate::item::Table;
use crate::json;
use crate::load::not_toml;
use crate::printable::quote;
use crate::problem::place::{InnerPlaces, Place, Source};
use crate::problem::{Problem, Problems};
use crate::settings::{Grant, OutsideValues};
use crate::substitute::{Level, Outside, substitute};

/// How to write an argument with settings.
const FORM: &str =
    "write them as NAME{key = value}, in quotes for the shell: 'grep{keep=[\"ERROR\"]}'";
/// The key that an argument's braces are the value of.
const KEY: &str = "settings = ";

/// The chain that a command line asks for.
#[derive(Debug, Clone, Copy, Default)]
pub struct ChainArgs<'a> {
    /// Its filters: the name of a filter, a bundled plugin or a path to a `.wasm`, each with its settings in
    /// braces behind it if it has some.
    pub filters: &'a [String],
    /// What filters that only the command line defines may import.
    pub grant: &'a [Grant],
}

/// The settings in an argument.
#[derive(Debug)]
pub(crate) struct ArgSettings {
    pub(crate) settings: Value,
    pub(crate) places: InnerPlaces,
    pub(crate) place: Place,
    pub(crate) outside: OutsideValues,
}

/// The arguments in `list`: those of `--chain`, with commas between them. An empty list has none.
pub fn split_chain(list: &str) -> Vec<&str> {
    if list.is_empty() {
        return Vec::new();
    }
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, byte) in outside_of_tables(list) {
        if byte == b',' {
            parts.push(&list[start..at]);
            start = at + 1;
        }
    }
    parts.push(&list[start..]);
    parts
}

/// The name or path in an argument, and its settings if it has some, with their braces.
pub(crate) fn name_and_table(arg: &str) -> Result<(&str, Option<&str>), Problem> {
    let Some(open) = arg.find('{') else {
        return Ok((arg, None));
    };
    if open == 0 {
        let text = format!("{} are settings without a filter", quote(arg));
        return Err(Place::default().problem(text, FORM));
    }
    if arg.ends_with('}') {
        return Ok((&arg[..open], Some(&arg[open..])));
    }
    // A path may have braces.
    if arg.ends_with(".wasm") {
        return Ok((arg, None));
    }
    let name = quote(&arg[..open]);
    let text = match arg.rfind('}') {
        Some(end) => format!("{} follows the settings of {name}", quote(&arg[end + 1..])),
        None => format!("the settings of {name} have no end"),
    };
    Err(Place::default().problem(text, FORM))
}

/// Reads `table`, the settings of the filter `name`, and the `files` that it names. Relative paths start from
/// the working directory.
///
/// # Errors
/// Everything that is wrong with it.
pub(crate) fn settings(name: &str, table: &str, files: &Files) -> Result<ArgSettings, Problems> {
    let source = Arc::new(Source {
        path: format!("argument {name}").into(),
        text: format!("{KEY}{table}"),
    });
    let mut tree = DeTable::parse(&source.text)
        .map_err(|error| not_toml(&source, &error))?
        .into_inner();
    let (mut problems, mut outside) = (Collector::default(), OutsideValues::default());
    let values = Outside {
        variable: &|name| std::env::var_os(name),
        files,
    };
    substitute(
        &mut tree,
        Level::Filter,
        &source,
        Path::new(""),
        &values,
        &mut problems,
        &mut outside,
    );
    problems.finish()?;
    let root = Table::root(&source, &tree);
    let item = root.item(KEY.trim_end_matches([' ', '=']));
    let item = item.filter(|_| tree.len() == 1).ok_or_else(|| {
        let text = format!("{} is not one table", quote(table));
        Place::file_of(&source).problem(text, "write the settings as NAME{key = value}")
    })?;
    Ok(ArgSettings {
        settings: json::object(&item)?,
        places: json::places_of(&root),
        place: item.place.clone(),
        outside,
    })
}

/// The bytes of `text` that are neither inside braces or brackets nor inside a text in quotes within them.
fn outside_of_tables(text: &str) -> impl Iterator<Item = (usize, u8)> {
    let mut depth = 0_usize;
    let mut quoted: Option<u8> = None;
    let mut escaped = false;
    text.bytes().enumerate().filter(move |&(_, byte)| {
        match (quoted, byte) {
            (Some(_), _) if escaped => escaped = false,
            (Some(b'"'), b'\\') => escaped = true,
            (Some(end), _) if byte == end => quoted = None,
            (None, b'"' | b'\'') if depth > 0 => quoted = Some(byte),
            (None, b'{' | b'[') => depth += 1,
            (None, b'}' | b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn commas_in_settings_do_not_separate_filters() {
        for (list, parts) in [
            ("a,b", vec!["a", "b"]),
            ("a", vec!["a"]),
            ("", vec![]),
            ("a,,b", vec!["a", "", "b"]),
            (
                r#"grep{keep=["a,b", 'c}'], drop=["\",{"]},./it's.wasm,json{remove=["u"]}"#,
                vec![
                    r#"grep{keep=["a,b", 'c}'], drop=["\",{"]}"#,
                    "./it's.wasm",
                    r#"json{remove=["u"]}"#,
                ],
            ),
        ] {
            assert_eq!(split_chain(list), parts, "{list}");
        }
    }

    #[test]
    fn settings_are_an_inline_table() {
        let read = |arg: &str| {
            let (name, table) = name_and_table(arg).expect("an argument");
            let settings =
                settings(name, table.expect("settings"), &Files::default()).expect("a table");
            (name.to_owned(), settings.settings)
        };
        assert_eq!(
            read(r#"grep{keep=["ERROR"], literal = true}"#),
            (
                "grep".to_owned(),
                json!({ "keep": ["ERROR"], "literal": true })
            )
        );
        assert_eq!(read("./x.wasm{}"), ("./x.wasm".to_owned(), json!({})));
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("list");
        std::fs::write(&path, "one\ntwo\n").expect("written");
        let (_, read) = read(&format!("grep{{list={{file='{}'}}}}", path.display()));
        assert_eq!(read, json!({ "list": "one\ntwo" }));
    }

    #[test]
    fn a_path_may_have_braces() {
        let path = "./a{b}.wasm";
        assert_eq!(name_and_table(path).expect("a path"), (path, None));
    }

    #[test]
    fn mistakes_are_shown_where_they_are() {
        let wrong = |arg: &str| match name_and_table(arg) {
            Err(problem) => problem.to_string(),
            Ok((name, table)) => settings(name, table.expect("settings"), &Files::default())
                .expect_err("wrong")
                .to_string(),
        };
        for (arg, parts) in [
            (
                "grep{keep=[ERROR]}",
                ["argument grep:1:", "not TOML", "keep=[ERROR]"],
            ),
            (
                "grep{keep=",
                [
                    "the settings of `grep` have no end",
                    "NAME{key = value}",
                    "",
                ],
            ),
            (
                "grep{} # x",
                [
                    "` # x` follows the settings of `grep`",
                    "NAME{key = value}",
                    "",
                ],
            ),
            (
                "{keep=['a']}",
                ["are settings without a filter", "NAME{key = value}", ""],
            ),
            (
                "grep{a = null}",
                ["argument grep:1:", "TOML has no null", "leave the key out"],
            ),
            ("grep{} x = {}", ["not TOML", "argument grep", ""]),
            ("grep{}\nx = {}", ["is not one table", "argument grep", ""]),
            (
                "grep{a = { file = \"/no/such\" }}",
                ["argument grep:1:", "`/no/such`", "cannot be read"],
            ),
            (
                "grep{a = inf}",
                ["argument grep:1:", "JSON does not have", "`settings.a`"],
            ),
        ] {
            let shown = wrong(arg);
            for part in parts {
                assert!(shown.contains(part), "{arg}: {shown}");
            }
        }
    }
}
