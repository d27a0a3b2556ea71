//! The configuration: from a TOML file to validated settings.
//!
//! In: a file's path, or its text, and the names of the bundled plugins. Out: [`Settings`], or
//! [`Problems`]: everything that is wrong with it. Not here: watching the file, loading plugins,
//! opening addresses; the code that does so reports a [`Problem`] at the [`Place`] of the key.

mod address;
mod checker;
mod circles;
mod collector;
mod destination;
pub mod diff;
pub mod documents;
mod files;
mod host_port;
mod item;
mod json;
mod key;
mod keys;
mod keyword;
mod kind;
mod malformed;
mod overrides;
mod plugin_ref;
mod printable;
mod problem;
pub mod settings;
mod share;
mod suggest;
mod tables;
mod units;
mod validate;

#[cfg(any(test, fuzzing))]
pub mod fuzz;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod samples;

use std::path::Path;
use std::sync::Arc;

use toml::de::DeTable;

pub use circles::{circles, reaches};
pub use files::inputs::{Content, HeldBack, Input, Inputs, Question, Sighting, Stamp};
#[cfg(unix)]
pub use files::open_regular_in;
pub use files::patience::{Files, NO_ANSWER, NoAnswer};
pub use files::{ReadError, is_shortage, open_regular, read_open, read_regular, read_stream};
pub use host_port::{Host, HostPort};
pub use keyword::Keyword;
pub use malformed::Malformed;
pub use printable::{Escape, PRINTABLE, Shown, is_unprintable, printable, printable_json, shown};
pub use problem::place::{Place, Places, Source};
pub use problem::{Problem, Problems};

use settings::Settings;

/// Largest configuration file accepted, in bytes.
const FILE_SIZE: u64 = 1024 * 1024;

/// Reads and checks the configuration at `path`, as one of the `files` of a load.
///
/// `bundled` names the plugins that a chain may name without a `[filter.NAME]` table.
///
/// # Errors
/// Everything that is wrong with the file.
pub fn load(path: &Path, bundled: &[&str], files: &Files) -> Result<Settings, Problems> {
    let bytes = files.read(path, FILE_SIZE);
    let text = bytes.map_err(|error| unreadable(path, error));
    parse(path, &utf8(path, text?)?, bundled)
}

/// As [`load`], for a command that reads the configuration once: it may be a pipe, too. Relative paths
/// in a pipe's text start from the working directory.
///
/// # Errors
/// Everything that is wrong with the file.
pub fn load_once(path: &Path, bundled: &[&str]) -> Result<Settings, Problems> {
    let (bytes, is_file) = read_stream(path, FILE_SIZE).map_err(|error| unreadable(path, error))?;
    let folder = path.parent().filter(|_| is_file);
    parse_in(
        folder.unwrap_or(Path::new("")),
        path,
        &utf8(path, bytes)?,
        bundled,
    )
}

/// Checks the text of a configuration. `path` is where it came from: reports name it, and
/// relative paths in it start from its folder.
///
/// # Errors
/// Everything that is wrong with the text; if it is not TOML, only the first error.
pub fn parse(path: &Path, text: &str, bundled: &[&str]) -> Result<Settings, Problems> {
    parse_in(path.parent().unwrap_or(Path::new("")), path, text, bundled)
}

/// Checks the text of a configuration in which relative paths start from `folder`.
fn parse_in(
    folder: &Path,
    path: &Path,
    text: &str,
    bundled: &[&str],
) -> Result<Settings, Problems> {
    let source = Arc::new(Source {
        path: path.to_owned(),
        text: text.to_owned(),
    });
    let tree = DeTable::parse(&source.text).map_err(|error| {
        let place = Place::new(&source, error.span().unwrap_or(0..0));
        let text = format!("this is not TOML: {}", error.message());
        place.problem(text, "the format is described at https://toml.io")
    })?;
    validate::settings(folder, &source, tree.get_ref(), bundled)
}

/// The report of a configuration that was not read.
fn unreadable(path: &Path, error: ReadError) -> Problem {
    let about_descriptors = error.hint_about_descriptors();
    let is_shortage = error.is_shortage();
    let (what, hint) = match error {
        ReadError::System(error) => (
            format!("the configuration cannot be read: {error}"),
            "name a file that exists and that you may read",
        ),
        ReadError::Folder | ReadError::NotRegular => (
            "the configuration is not a regular file".to_owned(),
            "name the .toml file itself",
        ),
        ReadError::TooLarge(_) => (
            "the configuration is too large".to_owned(),
            "a configuration has at most 1MiB; is this the right file?",
        ),
        ReadError::NoAnswer(error) => (
            format!("the configuration cannot be read: {error}"),
            NO_ANSWER,
        ),
    };
    let problem = Place::file(path).problem(what, about_descriptors.unwrap_or(hint));
    problem.passing_if(is_shortage)
}

fn utf8(path: &Path, bytes: Vec<u8>) -> Result<String, Problem> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let what = format!("the configuration is not UTF-8 at byte {at}");
        let hint = "save it as UTF-8 text; is this the right file?";
        Place::file(path).problem(what, hint)
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
        let missing = load(&path, &[], &Files::default())
            .expect_err("missing")
            .to_string();
        assert!(missing.starts_with(&format!(
            "error: {}: the configuration cannot be read: ",
            path.display()
        )));
        std::fs::write(&path, b"a = \"\xff\"").expect("written");
        let binary = load(&path, &[], &Files::default())
            .expect_err("not UTF-8")
            .to_string();
        assert!(binary.contains("not UTF-8 at byte 5"), "{binary}");
        std::fs::write(&path, vec![b'\n'; FILE_SIZE as usize + 1]).expect("written");
        let large = load(&path, &[], &Files::default())
            .expect_err("too large")
            .to_string();
        assert!(large.contains("too large"), "{large}");
    }

    #[test]
    fn an_error_can_cross_threads() {
        fn crosses<T: std::error::Error + Send + Sync + 'static>() {}
        crosses::<Problem>();
        crosses::<Problems>();
    }

    /// Pieces that make random text reach the later checks.
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
            if let Err(problems) = parse(Path::new("a.toml"), &text, &["rot13"]) {
                prop_assert!(problems.to_string().starts_with("error: a.toml"));
            }
        }

        #[test]
        fn no_heap_of_pieces_breaks_the_loader(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..24)) {
            if let Err(problems) = parse(Path::new("a.toml"), &pieces.concat(), &["rot13"]) {
                prop_assert!(problems.iter().all(|problem| !problem.what().is_empty()));
                prop_assert!(problems.to_string().starts_with("error: a.toml"));
            }
        }
    }
}
