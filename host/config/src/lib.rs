//! The configuration: from a TOML file to settings that hold.
//!
//! In: a file's path, or its text, and the names of the bundled plugins. Out: [`Settings`], or
//! [`Reports`] of everything that is wrong with it. Not here: watching the file, loading
//! plugins, opening addresses; whoever does asks a [`report::Place`] for the error.

pub mod address;
mod destination;
pub mod diff;
mod file;
mod item;
mod json;
mod overrides;
pub mod report;
pub mod settings;
mod share;
mod suggest;
mod units;
mod validate;
pub mod words;

#[cfg(any(test, fuzzing))]
pub mod fuzz;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod samples;

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use toml::de::DeTable;

use report::{Place, Report, Reports, Source};
use settings::Settings;

/// Largest configuration file taken, in bytes.
const FILE_SIZE: u64 = 1024 * 1024;

/// Reads and checks the configuration at `path`.
///
/// `bundled` names the plugins that a chain may name without a `[filter.NAME]` table.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load(path: &Path, bundled: &[&str]) -> Result<Settings, Reports> {
    parse(path, &read(path)?, bundled)
}

/// Checks the text of a configuration. `path` is where it came from: reports name it, and
/// relative paths in it start from its folder.
///
/// # Errors
/// Everything that is wrong with it; when it is not TOML, only where that shows first.
pub fn parse(path: &Path, text: &str, bundled: &[&str]) -> Result<Settings, Reports> {
    let source = Arc::new(Source {
        path: path.to_owned(),
        text: text.to_owned(),
    });
    let tree = DeTable::parse(&source.text).map_err(|error| {
        let place = Place::new(&source, error.span().unwrap_or(0..0));
        let text = format!("this is not TOML: {}", error.message());
        place.report(text, "the format is described at https://toml.io")
    })?;
    validate::settings(&source, tree.get_ref(), bundled)
}

/// The text of the file, read once.
fn read(path: &Path) -> Result<String, Report> {
    let place = Place::file(path);
    let unreadable = |error: std::io::Error| {
        let hint = "name a file that exists and that you may read";
        place.report(format!("the configuration cannot be read: {error}"), hint)
    };
    // Before opening: opening a FIFO would wait for somebody to write to it.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        let hint = "name the .toml file itself";
        return Err(place.report("the configuration is not a regular file", hint));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(FILE_SIZE + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > FILE_SIZE {
        let hint = "a configuration has at most 1MiB; is this the right file?";
        return Err(place.report("the configuration is too large", hint));
    }
    String::from_utf8(bytes).map_err(|error| {
        let text = format!(
            "the configuration is not UTF-8 at byte {}",
            error.utf8_error().valid_up_to()
        );
        place.report(text, "save it as UTF-8 text; is this the right file?")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn says_why_a_file_cannot_be_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.toml");
        let missing = load(&path, &[]).expect_err("missing").to_string();
        assert!(missing.starts_with(&format!(
            "error: {}: the configuration cannot be read: ",
            path.display()
        )));
        std::fs::write(&path, b"a = \"\xff\"").expect("written");
        let binary = load(&path, &[]).expect_err("not UTF-8").to_string();
        assert!(binary.contains("not UTF-8 at byte 5"), "{binary}");
        std::fs::write(&path, vec![b'\n'; FILE_SIZE as usize + 1]).expect("written");
        let large = load(&path, &[]).expect_err("too large").to_string();
        assert!(large.contains("too large"), "{large}");
    }

    #[test]
    fn an_error_can_cross_threads() {
        fn crosses<T: std::error::Error + Send + Sync + 'static>() {}
        crosses::<Report>();
        crosses::<Reports>();
    }

    /// Pieces that lead any text deep into the checks.
    const PIECES: &[&str] = &[
        "[host]\n",
        "[[listener]]\n",
        "[filter.a]\n",
        "[filter]\n",
        "listener = 1\n",
        "admin",
        "bind",
        "chain",
        "tls",
        "rate",
        "settings",
        "test",
        "size",
        "deadline",
        "name",
        " = ",
        "\"\"",
        "\"unix:\"",
        "\"1s\"",
        "\"é\t\"",
        "{ in = [1] }",
        "[",
        "]",
        "{",
        "}",
        "nan",
        "-1",
        "0x1F",
        "1979-05-27",
        "true",
        "\n",
        "\r\n",
        ",",
        "\u{feff}",
        "\0",
        "'''",
        "#",
    ];

    proptest! {
        #[test]
        fn no_text_breaks_the_loader(text in any::<String>()) {
            if let Err(reports) = parse(Path::new("a.toml"), &text, &["rot13"]) {
                prop_assert!(reports.to_string().starts_with("error: a.toml"));
            }
        }

        #[test]
        fn no_heap_of_pieces_breaks_the_loader(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..24)) {
            if let Err(reports) = parse(Path::new("a.toml"), &pieces.concat(), &["rot13"]) {
                prop_assert!(reports.iter().all(|report| !report.text().is_empty()));
                prop_assert!(reports.to_string().starts_with("error: a.toml"));
            }
        }
    }
}
