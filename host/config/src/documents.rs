//! The documents that repeat the declarations of keys: the reference and the sample configuration.
//!
//! In: the text of `docs/config.md` or `config/linemill.toml`. Out: the same text with what the
//! declarations say (see `keys`). Order, groups and prose belong to the document; a test fails if
//! one of the files is out of date.

use super::key::Key;
use super::settings::{
    ChainTest, CompileLimits, FilterSettings, FilterTest, HostSettings, Limits, ListenerSettings,
    LogSettings, Rate, Retire, Rollback, StageSettings, StoreLimits, Tls, Trial, UpstreamTls,
    Watermarks,
};

/// The column in which comments of the sample begin.
const COMMENT: usize = 36;

/// A table whose keys are declared.
struct Declared {
    /// Its name in a marker of the reference.
    name: &'static str,
    /// Its header in the sample, if it has one.
    header: &'static str,
    /// Whether the reference says when a change of each key takes effect.
    effects: bool,
    keys: Vec<Key>,
}

fn tables() -> [Declared; 17] {
    let table = |name, header, effects, keys| Declared {
        name,
        header,
        effects,
        keys,
    };
    [
        table("host", "[host]", true, HostSettings::keys()),
        table("rollback", "", false, Rollback::keys()),
        table("log", "", false, LogSettings::keys()),
        table("compile", "", false, CompileLimits::keys()),
        table("listener", "[[listener]]", true, ListenerSettings::keys()),
        table("stage", "", false, StageSettings::keys()),
        table("to_tls", "", false, UpstreamTls::keys()),
        table("watermarks", "", false, Watermarks::keys()),
        table("rate", "", false, Rate::keys()),
        table("tls", "", false, Tls::keys()),
        table("filter", "[filter.rot13]", false, FilterSettings::keys()),
        table("limits", "[filter.rot13.limits]", false, Limits::keys()),
        table("store", "[filter.rot13.store]", false, StoreLimits::keys()),
        table("retire", "", false, Retire::keys()),
        table("test", "", false, FilterTest::keys()),
        table("chain-test", "", false, ChainTest::keys()),
        table("trial", "", false, Trial::keys()),
    ]
}

/// The text of the reference with its tables of keys generated again: everything between a line
/// `<!-- keys: TABLE KEY … -->`, with the keys in the order to show them, and `<!-- end -->`.
///
/// # Errors
/// If a marker names a key that is not declared, or no marker names a declared key.
pub fn reference(text: &str) -> Result<String, String> {
    let mut tables = tables();
    let mut updated = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        updated += &format!("{line}\n");
        let Some(marker) = line.strip_prefix("<!-- keys: ") else {
            continue;
        };
        let mut words = marker.trim_end_matches(" -->").split_whitespace();
        let name = words.next().unwrap_or_default();
        let table = tables.iter_mut().find(|table| table.name == name);
        let table = table.ok_or_else(|| format!("{line}: there is no such table"))?;
        updated += if table.effects {
            "| key | kind | default | reload | effect |\n|---|---|---|---|---|\n"
        } else {
            "| key | kind | default | effect |\n|---|---|---|---|\n"
        };
        for word in words {
            let at = table.keys.iter().position(|key| key.name == word);
            let at =
                at.ok_or_else(|| format!("{line}: `{word}` is not declared, or shown twice"))?;
            updated += &row(&table.keys.remove(at), table.effects);
        }
        updated += "<!-- end -->\n";
        if !lines.any(|line| line == "<!-- end -->") {
            return Err(format!("{line}: there is no end"));
        }
    }
    let mut left = tables.iter().flat_map(|table| table.keys.iter());
    match left.next() {
        Some(key) => Err(format!("no marker names the key `{}`", key.name)),
        None => Ok(updated),
    }
}

/// A row of the reference.
fn row(key: &Key, effects: bool) -> String {
    let default = match (key.default_text, &key.default) {
        (Some(text), _) => text.to_owned(),
        (None, Some(value)) => format!("`{value}`"),
        (None, None) => "none".to_owned(),
    };
    let effect = if effects {
        format!("{} | ", key.effect)
    } else {
        String::new()
    };
    let Key {
        name, kind, text, ..
    } = key;
    format!("| `{name}` | {kind} | {default} | {effect}{text} |\n")
}

/// The text of the sample configuration with each of its lines `KEY = VALUE` generated again. The
/// line of a key that has an example, or no default, begins with `#`.
///
/// # Errors
/// If a declared key is not in its table.
pub fn sample(text: &str) -> Result<String, String> {
    let mut tables = tables();
    let mut current = None;
    let mut updated = String::new();
    for line in text.lines() {
        if line.starts_with('[') {
            current = tables.iter().position(|table| table.header == line);
        }
        let name = line.trim_start_matches('#').split(" = ").next();
        let keys = current.map(|at| &mut tables[at].keys);
        let found = keys.and_then(|keys| {
            let at = keys.iter().position(|key| Some(key.name) == name)?;
            Some(keys.remove(at))
        });
        match found {
            Some(key) => updated += &setting(&key),
            None => updated += &format!("{line}\n"),
        }
    }
    let left = tables.iter().filter(|table| !table.header.is_empty());
    let mut left = left.flat_map(|table| table.keys.iter().filter(|key| key.sample.is_some()));
    match left.next() {
        Some(key) => Err(format!("the key `{}` is not in its table", key.name)),
        None => Ok(updated),
    }
}

/// A line of the sample. A key with an example is shown commented out.
fn setting(key: &Key) -> String {
    let (off, value) = match (key.example, &key.default) {
        (Some(example), _) => ("#", example),
        (None, Some(value)) => ("", value.as_str()),
        (None, None) => ("#", "\"\""),
    };
    let setting = format!("{off}{} = {value}", key.name);
    match key.sample {
        Some(comment) => format!(
            "{setting:width$}# {comment}\n",
            width = COMMENT.max(setting.chars().count() + 2)
        ),
        None => format!("{setting}\n"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// Compares a file with the result of `update`, or, with `UPDATE_GOLDEN=1`, writes that result.
    fn is_current(file: &str, update: impl Fn(&str) -> Result<String, String>) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(file);
        let text = fs::read_to_string(&path).expect(file);
        let updated = update(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&path, &updated).expect("written");
        } else {
            let stale = text
                .lines()
                .zip(updated.lines())
                .find(|(old, new)| old != new);
            assert_eq!(stale, None, "{file}: UPDATE_GOLDEN=1 writes it anew");
            assert_eq!(text, updated, "{file}: UPDATE_GOLDEN=1 writes it anew");
        }
    }

    #[test]
    fn the_reference_has_every_key_as_it_is_declared() {
        is_current("docs/config.md", reference);
    }

    #[test]
    fn the_sample_has_every_key_as_it_is_declared() {
        is_current("config/linemill.toml", sample);
    }

    #[test]
    fn what_is_missing_is_named() {
        let unknown = reference("<!-- keys: host nothing -->\n<!-- end -->\n");
        assert!(unknown.is_err_and(|error| error.contains("`nothing` is not declared")));
        let missing = reference("");
        assert_eq!(missing, Err("no marker names the key `admin`".to_owned()));
        let missing = sample("[host]\n");
        assert_eq!(
            missing,
            Err("the key `admin` is not in its table".to_owned())
        );
    }
}
